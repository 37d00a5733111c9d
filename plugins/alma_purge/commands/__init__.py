"""The command line: one module for each command, found by its place in this package.

A module `alma_purge/commands/check_config.py` is the command `check-config`. The first line of its docstring is
"`check-config`: " and what it does; `--help` reads it from the file, since importing all commands takes seconds.
It has two functions:

- `add_parser(subparsers)` adds the command's parser with its arguments and returns it;
- `run(args)` does the work and returns the exit status, one of `alma_purge.terminal.Exit`.

Text goes to the terminal through `alma_purge.terminal.say`. A `PurgeError` or `AlmaError` that leaves `run` is
shown as its sentence. Modules whose name begins with an underscore are no commands.
"""

import argparse
import ast
import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse names its type nowhere else


class Command(Protocol):
    """What a module of this package has to offer."""

    def add_parser(self, subparsers: "Subparsers") -> argparse.ArgumentParser:
        """Add the command's parser and return it."""

    def run(self, args: argparse.Namespace) -> int:
        """Do the work and return the exit status."""


def command_names() -> tuple[str, ...]:
    """Return the names of all commands as they are typed, in order."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.replace("_", "-") for name in modules if not name.startswith("_")))


def command_named(name: str) -> Command:
    """Import a command.

    Args:
        name: One of `command_names()`.
    """
    return cast("Command", importlib.import_module(f"{__name__}.{_module(name)}"))


def summary_of(name: str) -> str:
    """Return what a command does, without importing it.

    Args:
        name: One of `command_names()`.
    """
    source = Path(__path__[0], f"{_module(name)}.py").read_text(encoding="utf-8")
    first_line = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    return first_line.removeprefix(f"`{name}`: ").removesuffix(".")


def _module(name: str) -> str:
    return name.replace("-", "_")
