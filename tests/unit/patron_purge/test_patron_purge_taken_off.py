"""People whom the reviewer takes off: what is left, and that nobody ever comes back."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.unit.patron_purge.output_samples import NOW, OLGA, ledger, ledger_row

from patron_purge.digest import digest_of_rest
from patron_purge.errors import RunFileError
from patron_purge.ledger import counts_by_reason, counts_by_state, ids_in_state, require_closed, set_state
from patron_purge.list_numbers import list_numbers
from patron_purge.review import RunIdentity, build_review
from patron_purge.review_rest import review_of_rest
from patron_purge.states import Mode, Reason, RowState
from patron_purge.taken_off import LONGEST_REASON, TakenOff, read_entries, read_record, record_of, rest_of

DIGEST = "d" * 64
IDS = ("a", "b", "c", "held")
PEOPLE = ledger(
    ledger_row(row="1", primary_id="a", fees="10.50"),
    ledger_row(row="2", primary_id="b", original_group="GRAD", purge_date="2020-05-31"),
    ledger_row(row="3", primary_id="c"),
    ledger_row(row="4", primary_id="held", state="held_back", reason="active_loans"),
).astype({"row": int})


def off(primary_id: str, reason: str = "asked to stay", minutes: int = 0) -> TakenOff:
    return TakenOff(primary_id=primary_id, by=OLGA, at=NOW + timedelta(minutes=minutes), reason=reason)


def test_whoever_is_taken_off_is_no_longer_to_be_purged() -> None:
    rest = rest_of(PEOPLE, DIGEST, (off("b"),))
    assert ids_in_state(rest.ledger, RowState.TO_PURGE) == ("a", "c")
    assert ids_in_state(rest.ledger, RowState.TAKEN_OFF) == ("b",)
    assert counts_by_reason(rest.ledger)[Reason.TAKEN_OFF] == 1
    assert rest.ledger.loc[rest.ledger["primary_id"] == "b", "detail"].tolist() == ["asked to stay"]
    assert rest.count == 2
    assert rest.digest == digest_of_rest(DIGEST, ("c", "a")) != DIGEST
    assert ids_in_state(PEOPLE, RowState.TO_PURGE) == ("a", "b", "c"), "the list itself stays as it was"


def test_nobody_taken_off_changes_nothing() -> None:
    for entries in ((), (off("held"),), (off("stranger"),), (off("A"),)):
        rest = rest_of(PEOPLE, DIGEST, entries)
        assert (rest.digest, rest.count) == (DIGEST, 3)
        assert rest.ledger.equals(PEOPLE)


def test_the_first_reason_counts() -> None:
    rest = rest_of(PEOPLE, DIGEST, (off("b", "second", minutes=5), off("b", "first")))
    assert rest.ledger.loc[rest.ledger["primary_id"] == "b", "detail"].tolist() == ["first"]
    assert rest.count == 2


def test_a_final_ledger_with_people_taken_off_adds_up() -> None:
    rest = rest_of(PEOPLE, DIGEST, (off("b"),))
    closed = require_closed(set_state(rest.ledger, ["a", "c"], RowState.PURGED))
    assert closed.text == "4 read = 2 purged + 1 held back by a rule + 1 taken off by the reviewer"


@settings(deadline=None)
@given(st.lists(st.sampled_from([*IDS, "stranger"]), max_size=6), st.lists(st.sampled_from(IDS), max_size=6))
def test_people_only_ever_go(first: list[str], later: list[str]) -> None:
    entries = tuple(off(one, minutes=number) for number, one in enumerate(first))
    more = (*entries, *(off(one, minutes=100 + number) for number, one in enumerate(later)))
    before, after = rest_of(PEOPLE, DIGEST, entries), rest_of(PEOPLE, DIGEST, more)
    left = set(ids_in_state(after.ledger, RowState.TO_PURGE))
    assert left == {"a", "b", "c"} - set(first) - set(later)
    assert left <= set(ids_in_state(before.ledger, RowState.TO_PURGE))
    assert (after.digest == before.digest) == (after.count == before.count)
    assert sum(counts_by_state(after.ledger).values()) == len(PEOPLE)


@settings(deadline=None)
@given(st.permutations([off("a"), off("b"), off("a", "again"), off("c", minutes=1)]))
def test_the_record_is_the_same_in_any_order(entries: list[TakenOff]) -> None:
    written = record_of(tuple(entries))
    assert written == record_of((off("a"), off("b"), off("a", "again"), off("c", minutes=1)))
    assert read_record(written) == read_entries(one.to_bytes() for one in entries)


def test_nobody_has_no_record() -> None:
    assert record_of(()) == b""
    assert read_record(b"") == read_record(None) == ()


@pytest.mark.parametrize("content", [b"{", b"[1]", b'[{"primary_id": "a secret id"}]'])
def test_a_spoiled_record_stops_and_names_nobody(content: bytes) -> None:
    with pytest.raises(RunFileError, match="can't be read") as stopped:
        read_record(content)
    assert "secret" not in str(stopped.value)
    assert stopped.value.__cause__ is None
    with pytest.raises(RunFileError, match="can't be read"):
        read_entries([off("a").to_bytes(), content])


@pytest.mark.parametrize("reason", ["", "  ", "x" * (LONGEST_REASON + 1)])
def test_a_reason_is_needed(reason: str) -> None:
    with pytest.raises(ValidationError):
        off("a", reason)


def test_the_review_of_the_rest_is_that_of_a_list_that_never_had_them() -> None:
    rest = rest_of(PEOPLE, DIGEST, (off("a"),))
    assert review_of_rest(review_of(PEOPLE, DIGEST), rest) == review_of(rest.ledger, rest.digest)
    untouched = review_of(PEOPLE, DIGEST)
    assert review_of_rest(untouched, rest_of(PEOPLE, DIGEST, ())) is untouched
    assert review_of_rest(untouched, rest).money.total == Decimal(0)
    assert review_of_rest(untouched, rest).code != untouched.code


def review_of(people: Any, digest: str) -> Any:
    return build_review(
        RunIdentity("demo", "Example College", "01DEMO_XYZ", "sandbox", "r1", Mode.FULL),
        created_at=NOW,
        digest=digest,
        report_rows=len(people),
        by_state=counts_by_state(people),
        by_reason=counts_by_reason(people),
        numbers=list_numbers(people, date(NOW.year, NOW.month, NOW.day)),
        group_names={"UG": "Undergraduates", "GRAD": "Graduates"},
        last_by_group={"UG": 5, "GRAD": 1},
        inputs=(),
        guards=(),
        marker_group="OKTOPURGE",
        jobs=(),
        file_sha256={},
    )
