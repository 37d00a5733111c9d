"""The command line of the package: `python -m alma_purge`."""

import argparse
import sys
from collections.abc import Sequence

from alma_api.errors import AlmaError
from alma_purge.commands import command_named, command_names, summary_of
from alma_purge.terminal import Exit, complain
from patron_purge.errors import PurgeError


def parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Build the command line: whole for the command that is called, with a line for each of the others.

    Args:
        arguments: The command line; only the command that it begins with is imported.
    """
    made = argparse.ArgumentParser(
        prog="python -m alma_purge", description="Questions about and care for the user purges of this site."
    )
    subparsers = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in command_names():
        if name in arguments[:1]:
            command = command_named(name)
            command.add_parser(subparsers).set_defaults(act=command.run)
        else:
            subparsers.add_parser(name, help=summary_of(name))
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line; the process's own when left out.

    Returns:
        The exit status.
    """
    given = sys.argv[1:] if arguments is None else arguments
    args = parser(given).parse_args(given)
    try:
        return int(args.act(args))
    except (PurgeError, AlmaError) as error:
        complain(str(error))
        return int(Exit.TROUBLE)


if __name__ == "__main__":
    sys.exit(main())
