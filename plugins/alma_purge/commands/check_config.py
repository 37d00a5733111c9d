"""`check-config`: report every mistake in the institution files, with file and line."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from alma_purge.config_check import check_config
from alma_purge.terminal import Exit, say

if TYPE_CHECKING:
    from alma_purge.commands import Subparsers


def add_parser(subparsers: "Subparsers") -> argparse.ArgumentParser:
    """Add the command's parser and return it."""
    return subparsers.add_parser(
        "check-config",
        description="Checks all institution files, their job payloads and protect lists, and the files against "
        "each other. Asks neither Alma nor the SFTP server; `doctor` does.",
    )


def run(args: argparse.Namespace) -> int:
    """Check the files and print what is wrong."""
    del args
    report = check_config()
    for name, mistake in report.mistakes:
        say(f"{_shown(report.folder / name)}:{mistake.line}: {mistake.sentence}")
    found, files = len(report.mistakes), len(report.files)
    if found:
        say(f"{found:,} mistake(s); {files:,} institution file(s) in {_shown(report.folder)} checked.")
        return Exit.FOUND
    say(f"No mistakes; {files:,} institution file(s) in {_shown(report.folder)} checked.")
    return Exit.FINE


def _shown(path: Path) -> Path:
    """Return a path as short as it can be from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
