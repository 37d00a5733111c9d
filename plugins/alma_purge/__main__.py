"""The command line of the package: `python -m alma_purge`."""

import argparse
import sys
from collections.abc import Sequence

from alma_api.errors import AlmaError
from alma_purge.commands import commands
from alma_purge.terminal import Exit, complain
from patron_purge.errors import PurgeError


def parser() -> argparse.ArgumentParser:
    """Build the command line with every command of `alma_purge.commands`."""
    made = argparse.ArgumentParser(
        prog="python -m alma_purge", description="Questions about and care for the user purges of this site."
    )
    subparsers = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands():
        command.add_parser(subparsers).set_defaults(act=command.run)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line; the process's own when left out.

    Returns:
        The exit status.
    """
    args = parser().parse_args(arguments)
    try:
        return int(args.act(args))
    except (PurgeError, AlmaError) as error:
        complain(str(error))
        return int(Exit.TROUBLE)


if __name__ == "__main__":
    sys.exit(main())
