"""The history of an institution's runs, beside its run folders."""

from alma_purge.places import store_root
from alma_purge.run_folder import RunFolder
from patron_purge.history import HistoryEntry, from_lines, to_lines, upsert

HISTORY = "history.jsonl"


def read_history(institution_code: str) -> tuple[HistoryEntry, ...]:
    """Return the entries of all runs on file, oldest first.

    Raises:
        RunFileError: A line of the file can't be read.
    """
    folder = RunFolder(store_root() / institution_code)
    content = folder.read_if_there(HISTORY)
    return () if content is None else from_lines(content.decode())


def write_entry(institution_code: str, entry: HistoryEntry) -> None:
    """Add a run to the history, or replace its entry."""
    folder = RunFolder(store_root() / institution_code)
    folder.write(HISTORY, to_lines(upsert(read_history(institution_code), entry)).encode())
