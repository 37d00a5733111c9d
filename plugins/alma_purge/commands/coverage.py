"""`coverage`: tell which institutions have not had their scheduled run."""

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alma_purge.coverage import coverage
from alma_purge.terminal import Exit, say

if TYPE_CHECKING:
    from alma_purge.commands import Subparsers


def add_parser(subparsers: "Subparsers") -> argparse.ArgumentParser:
    """Add the command's parser and return it."""
    return subparsers.add_parser(
        "coverage",
        description="Compares the schedule of every institution with the certificates in the store that "
        "ALMA_PURGE_STORE names. The DAG alma_purge_coverage says the same every week.",
    )


def run(args: argparse.Namespace) -> int:
    """Compare, and print the result."""
    del args
    found = coverage(datetime.now(UTC))
    say(found.sentence)
    if found.by_hand:
        say(f"Without a schedule, and so not expected: {', '.join(found.by_hand)}.")
    return Exit.FOUND if found.left_out else Exit.FINE
