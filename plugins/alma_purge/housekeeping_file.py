"""The housekeeping log of an institution, beside its run folders."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from alma_purge.places import store_root
from alma_purge.run_folder import RunFolder
from patron_purge.retention import HousekeepingEntry, entries_from_lines, entry_lines

HOUSEKEEPING = "housekeeping.jsonl"


def read_entries(institution_code: str) -> tuple[HousekeepingEntry, ...]:
    """Return all entries, oldest first.

    Raises:
        RunFileError: A line of the log can't be read.
    """
    content = _folder(institution_code).read_if_there(HOUSEKEEPING)
    return () if content is None else entries_from_lines(content.decode())


@contextmanager
def logged(institution_code: str, run_id: str, did: str, counts: Mapping[str, int]) -> Iterator[None]:
    """Write down what is about to be done, and after the block that it was done.

    An entry that stays unfinished says that the work was broken off.

    Args:
        institution_code: The institution's short code.
        run_id: The run it is about.
        did: What is done.
        counts: How many, by kind.

    Raises:
        RunFileError: The log can't be read; nothing is done then.
    """
    before = read_entries(institution_code)
    entry = HousekeepingEntry(at=datetime.now(UTC), run_id=run_id, did=did, counts=dict(counts), done=False)
    _write(institution_code, (*before, entry))
    yield
    _write(institution_code, (*before, entry.model_copy(update={"done": True})))


def _write(institution_code: str, entries: tuple[HousekeepingEntry, ...]) -> None:
    _folder(institution_code).write(HOUSEKEEPING, entry_lines(entries).encode())


def _folder(institution_code: str) -> RunFolder:
    return RunFolder(store_root() / institution_code)
