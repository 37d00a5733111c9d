from datetime import UTC, datetime

import pandas as pd
from tests.unit.patron_purge.output_samples import ledger, ledger_row

from patron_purge.changes import ChangeKind, EarlierList, list_changes
from patron_purge.states import Reason

WHEN = datetime(2026, 8, 4, tzinfo=UTC)


def earlier(reviewed: pd.DataFrame, latest: pd.DataFrame) -> EarlierList:
    return EarlierList(run_id="r0", finished_at=WHEN, reviewed=reviewed, latest=latest)


def one(key: str, state: str, reason: str = "") -> dict[str, str]:
    return ledger_row(primary_id=key, state=state, reason=reason)


def test_the_same_list_has_no_changes() -> None:
    same = ledger(one("a", "to_purge"), one("b", "held_back", "proxy"))
    found = list_changes(same, earlier(same, same))
    assert found.rows == ()
    assert "0 new on the list, 0 no longer on it" in found.note


def test_each_change_says_then_and_now() -> None:
    reviewed = ledger(one("a", "held_back", "open_fees"), one("c", "to_purge"), one("d", "to_purge"))
    latest = ledger(one("a", "held_back", "open_fees"), one("c", "kept_by_alma"), one("d", "not_approved"))
    now = ledger(one("a", "to_purge"), one("b", "to_purge"), one("c", "held_back", "active_loans"))
    found = list_changes(now, earlier(reviewed, latest))
    assert [(row.kind, row.primary_id, row.then, row.now) for row in found.rows] == [
        (ChangeKind.NEW, "a", f"held back by a rule: {Reason.OPEN_FEES.label}", "to purge"),
        (ChangeKind.NEW, "b", "not in the report", "to purge"),
        (ChangeKind.GONE, "c", "kept by Alma", f"held back by a rule: {Reason.ACTIVE_LOANS.label}"),
        (ChangeKind.GONE, "d", "not approved", "not in the report"),
    ]
    assert "run r0, which ended on 2026-08-04: 2 new on the list, 2 no longer on it" in found.note


def test_whom_the_earlier_run_has_purged_is_only_counted() -> None:
    reviewed = ledger(one("a", "to_purge"), one("b", "to_purge"))
    latest = ledger(one("a", "purged"), one("b", "purged"))
    found = list_changes(ledger(one("c", "to_purge")), earlier(reviewed, latest))
    assert [row.primary_id for row in found.rows] == ["c"]
    assert "the 2 whom that run purged" in found.note


def test_a_repeated_row_is_not_its_own_person() -> None:
    before = ledger(one("a", "to_purge"), one("a", "duplicate", "duplicate_row"))
    assert list_changes(before, earlier(before, before)).rows == ()


def test_the_note_names_nobody() -> None:
    now = ledger(one("jsecret", "to_purge"))
    assert "jsecret" not in list_changes(now, earlier(ledger(), ledger())).note
