"""How a command speaks to the person who typed it."""

import sys
from enum import IntEnum


class Exit(IntEnum):
    """The exit status of a command.

    Attributes:
        FINE: Done, and nothing is wrong.
        FOUND: Done, and something was found that a person must look at.
        TROUBLE: The command could not do its work; argparse uses the same status for a wrong command line.
    """

    FINE = 0
    FOUND = 1
    TROUBLE = 2


def say(text: str = "") -> None:
    """Print a line for the person; it goes nowhere else, least of all to a log."""
    sys.stdout.write(f"{_printable(text)}\n")


def complain(text: str) -> None:
    """Print a line about what is wrong."""
    sys.stderr.write(f"{_printable(text)}\n")


def _printable(text: str) -> str:
    """Take out what a terminal would obey instead of showing it."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)
