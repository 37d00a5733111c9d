"""When typed counts are asked for again, and what is kept of the earlier ones."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alma_purge.documents import JobRecord, JobStage
from alma_purge.links import review_alone
from alma_purge.sensors.purge_by_hand_form import Asked, Wanted, text, text_again
from alma_purge.steps.job_book import furthest, refused
from alma_purge.steps.purge_by_hand import answered, asked_for, ended_by_word, is_typed, wants_correction
from patron_purge.purge_page import PageCriteria, TypedCounts

MORNING, NOON = datetime(2026, 11, 2, 9, tzinfo=UTC), datetime(2026, 11, 2, 12, tzinfo=UTC)
ASKED = asked_for("Purge User Records", 1, "set-1")
ABOUT = Asked("Example College", "production", ["olga"])


def typed(purged: int, *, before: JobRecord = ASKED, at: datetime = MORNING, cleared: int = 0) -> JobRecord:
    return answered(before, ended_by_word(before, TypedCounts(purged, 2), "olga"), at, cleared)


@pytest.mark.parametrize(
    ("record", "cleared", "again"),
    [
        (typed(5), 0, False),  # only tried again
        (typed(5), 1, True),
        (typed(5, cleared=3), 3, False),
        (typed(5, cleared=3), 4, True),
        (typed(5).model_copy(update={"instance_id": "77"}), 1, False),  # Alma's own word
        (typed(5).model_copy(update={"stage": JobStage.ENDED_BADLY}), 1, False),
        (typed(5).model_copy(update={"by_hand": False}), 1, False),
        (ASKED, 1, False),
        (JobRecord(), 1, False),
    ],
)
def test_only_typed_counts_are_asked_for_again_and_only_after_a_clear(
    record: JobRecord, cleared: int, *, again: bool
) -> None:
    assert wants_correction(record, cleared) is again


def test_a_later_answer_replaces_the_earlier_one_and_keeps_it() -> None:
    first = typed(50)
    second = typed(6, before=first, at=NOON, cleared=1)
    third = typed(5, before=second, at=NOON, cleared=2)
    assert [one.value for one in third.counters] == [5, 2]
    assert [(one.purged, one.at) for one in third.earlier_words] == [(50, MORNING), (6, NOON)]
    assert (third.answered_at, third.answered_clear) == (NOON, 2)
    assert third.intended_at == ASKED.intended_at
    # The folder is written first: broken off in between, its newer answer is the one that counts.
    assert furthest(third, second) == third


def test_a_first_answer_replaces_none() -> None:
    assert typed(5).earlier_words == ()
    assert is_typed(typed(5))
    not_run = refused(ASKED)
    assert answered(ASKED, not_run, NOON, 1) == not_run


def test_a_record_from_before_there_were_corrections_can_be_read() -> None:
    old = typed(5).model_dump(exclude={"answered_at", "answered_clear", "earlier_words"}, mode="json")
    assert wants_correction(JobRecord.model_validate(old), 1)


def test_both_texts_say_that_the_purge_is_not_started_twice() -> None:
    criteria = PageCriteria(1, "Public", "OKTOPURGE", Decimal(0))
    first = text(ABOUT, Wanted("alma_user_purge_demo", "manual__1+2", criteria, NOON), NOON)
    assert "Never start the\npurge in Alma a second time" in first
    assert f"on a phone: [review page]({review_alone('alma_user_purge_demo', 'manual__1+2')})" in first
    again = text_again(ABOUT, typed(1234))
    assert "Do not run the purge again" in again
    assert "olga typed 1,234 purged and 2 not purged" in again
    assert "OKTOPURGE" not in again
