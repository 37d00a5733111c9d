"""What a person saw in Alma counts for exactly one start of one job, and not too early."""

from datetime import timedelta

import pytest
from tests.unit.patron_purge.output_samples import NOW, OLGA

from patron_purge.errors import RunFileError
from patron_purge.looked import LOOK_AFTER, Looked, Seen, looked_for, read_looked

SEEN = Looked(job_name="purge-1", attempt=1, by=OLGA, at=NOW, comment="twice")


def test_a_statement_counts_for_its_job_and_start() -> None:
    assert looked_for([SEEN], "purge-1", 1, NOW - LOOK_AFTER) is SEEN
    assert looked_for([SEEN], "purge-1", 2, NOW - LOOK_AFTER) is None
    assert looked_for([SEEN], "purge-2", 1, NOW - LOOK_AFTER) is None
    assert looked_for([SEEN], "purge-1", 1, None) is None
    assert looked_for([SEEN.model_copy(update={"job_name": ""})], "", 1, NOW - LOOK_AFTER) is None


def test_a_statement_that_was_made_too_early_does_not_count() -> None:
    assert looked_for([SEEN], "purge-1", 1, NOW - LOOK_AFTER + timedelta(seconds=1)) is None
    later = SEEN.model_copy(update={"at": NOW + timedelta(seconds=1)})
    assert looked_for([SEEN, later], "purge-1", 1, NOW - LOOK_AFTER + timedelta(seconds=1)) is later


def test_statements_are_read_oldest_first() -> None:
    later = SEEN.model_copy(update={"at": NOW + timedelta(hours=1)})
    assert read_looked([later.to_bytes(), SEEN.to_bytes()]) == (SEEN, later)


def test_the_certificate_can_say_who_looked_and_when() -> None:
    for part in ("Olga Operator (olga)", "purge-1", "not there and did not run", "twice"):
        assert part in SEEN.sentence
    assert "is there and has ended" in SEEN.model_copy(update={"seen": Seen.ENDED}).sentence
    assert "Comment" not in SEEN.model_copy(update={"comment": ""}).sentence


def test_a_spoiled_statement_stops() -> None:
    with pytest.raises(RunFileError, match="can't be read"):
        read_looked([b"{}"])
