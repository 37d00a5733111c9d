"""The command line: one module for each command, found by its place in this package.

A module `alma_purge/commands/check_config.py` is the command `check-config`. It has two functions:

- `add_parser(subparsers)` adds the command's parser with its arguments and returns it;
- `run(args)` does the work and returns the exit status, one of `alma_purge.terminal.Exit`.

Text goes to the terminal through `alma_purge.terminal.say`. A `PurgeError` or `AlmaError` that leaves `run` is
shown as its sentence. Modules whose name begins with an underscore are no commands.
"""

import argparse
import importlib
import pkgutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse names its type nowhere else


class Command(Protocol):
    """What a module of this package has to offer."""

    def add_parser(self, subparsers: "Subparsers") -> argparse.ArgumentParser:
        """Add the command's parser and return it."""

    def run(self, args: argparse.Namespace) -> int:
        """Do the work and return the exit status."""


def commands() -> Iterator[Command]:
    """Import every command, in the order of their names."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        if not module.name.startswith("_"):
            yield cast("Command", importlib.import_module(f"{__name__}.{module.name}"))
