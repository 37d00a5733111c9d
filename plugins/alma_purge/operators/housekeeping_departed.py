"""The housekeeping task `find_departed`: no list of people outlives the settings that say when it is deleted."""

from typing import Any

from airflow.sdk import BaseOperator, Context

from alma_purge.file_kinds import kind_of
from alma_purge.operators.base import fail_or_retry, report_summary
from alma_purge.operators.housekeeping import HousekeepingError
from alma_purge.places import institution_files
from alma_purge.run_folder import institution_folders, run_folders
from patron_purge.errors import PurgeError
from patron_purge.retention import FileKind

_KEPT_FOR_GOOD = frozenset({FileKind.NOT_PERSONAL, FileKind.UNKNOWN})


class FindDepartedOperator(BaseOperator):
    """Looks for lists of people of libraries that have no settings file any more; it deletes nothing."""

    def execute(self, context: Context) -> Any:
        """Compare the folders in the store with the settings files."""
        try:
            report_summary(context, self, _look())
        except PurgeError as error:
            raise fail_or_retry(context, error) from error


def _look() -> str:
    """Say that every list of people has settings, or name those that have none.

    Raises:
        HousekeepingError: A library without settings has left lists of people.
    """
    known = {path.stem for path in institution_files()}
    left = {code: _personal_runs(code) for code in institution_folders() if code not in known}
    found = {code: runs for code, runs in left.items() if runs}
    if not found:
        return "Every library whose runs have lists of people on file has a settings file."
    named = ", ".join(f"{code} ({runs:,} runs)" for code, runs in sorted(found.items()))
    raise HousekeepingError(
        f"The store holds lists of people of libraries that have no settings file any more: {named}. Nothing deletes "
        "these lists, and nobody looks for people left in the purge group there. Bring the settings file back without "
        "a schedule until the housekeeping has deleted them, then take it away again; or delete the folder yourself."
    )


def _personal_runs(code: str) -> int:
    """Count the runs of a library that still have a file with personal data."""
    return sum(
        any(kind_of(name) not in _KEPT_FOR_GOOD for name in folder.names()) for folder in run_folders(code)
    )
