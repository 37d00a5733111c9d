from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron_purge.errors import AccountingError, RunFileError
from patron_purge.ledger import (
    ALLOWED,
    LEDGER_COLUMNS,
    counts_by_reason,
    counts_by_state,
    equation,
    hold_back,
    ids_in_state,
    ledger_csv,
    read_ledger_csv,
    require_closed,
    set_state,
)
from patron_purge.ledger_notes import note_groups_restored, note_patrons
from patron_purge.patron import Finding, Patron
from patron_purge.states import GroupRestored, Reason, RowState

BLANK = Patron(
    primary_id="p1",
    asked_id="p1",
    first_name="Pat",
    last_name="Sample",
    user_group="UG",
    record_type="PUBLIC",
    expiry_date=date(2025, 5, 31),
    purge_date=None,
    last_activity=date(2024, 1, 2),
    loans=0,
    requests=0,
    open_fees=Decimal("1.50"),
    credit=None,
    active_roles=(),
    identifiers=(),
    linked_copy=False,
    blocks=(),
    notes=(),
    proxy_for=0,
)


def ledger_of(*states: RowState | str, **columns: list[str]) -> pd.DataFrame:
    count = len(states)
    cells: dict[str, list[str]] = {name: [""] * count for name in LEDGER_COLUMNS[1:]}
    cells |= {
        "primary_id": [f"p{number}" for number in range(1, count + 1)],
        "state": [str(s) for s in states],
    }
    frame = pd.DataFrame(cells | columns, dtype="str")
    frame.insert(0, "row", pd.Series(range(1, count + 1), dtype="int64"))
    return frame


def test_setting_a_state_leaves_the_old_ledger_alone() -> None:
    before = ledger_of(RowState.CANDIDATE, RowState.CANDIDATE)
    after = set_state(before, ["p2"], RowState.DROPPED_LIVE, Reason.ACTIVE_LOANS, "2 loans")
    assert before["state"].tolist() == ["candidate", "candidate"]
    assert after[["state", "reason", "detail"]].to_numpy().tolist() == [
        ["candidate", "", ""],
        ["dropped_live", "active_loans", "2 loans"],
    ]
    assert after["state"].dtype == before["state"].dtype


@pytest.mark.parametrize(("old", "new"), list(product(RowState, RowState)))
def test_only_the_listed_changes_are_allowed(old: RowState, new: RowState) -> None:
    ledger = ledger_of(old)
    if new in ALLOWED.get(old, frozenset()):
        assert set_state(ledger, ["p1"], new)["state"].tolist() == [new]
    else:
        with pytest.raises(AccountingError):
            set_state(ledger, ["p1"], new)


def test_the_table_of_changes() -> None:
    assert {old for old in RowState if old not in ALLOWED} == {
        *(state for state in RowState if state.is_final and state is not RowState.UNKNOWN)
    }
    for state in (RowState.PURGED, RowState.KEPT_BY_ALMA):
        assert {old for old in RowState if state in ALLOWED.get(old, ())} == {
            RowState.TO_PURGE,
            RowState.UNKNOWN,
        }
    assert [old for old in RowState if RowState.DROPPED_LATE in ALLOWED.get(old, ())] == [RowState.TO_PURGE]
    assert [old for old in RowState if RowState.TO_PURGE in ALLOWED.get(old, ())] == [RowState.CANDIDATE]
    assert not any(RowState.DUPLICATE in later or RowState.CANDIDATE in later for later in ALLOWED.values())


def test_one_illegal_change_refuses_all_and_names_nobody() -> None:
    ledger = ledger_of(RowState.TO_PURGE, RowState.HELD_BACK)
    with pytest.raises(AccountingError, match="as held back by a rule can't become purged") as caught:
        set_state(ledger, ["p1", "p2"], RowState.PURGED)
    assert "p2" not in str(caught.value)
    assert ledger["state"].tolist() == ["to_purge", "held_back"]


@pytest.mark.parametrize("identifier", ["p9", "P1", "p1 ", "0p1"])
def test_ids_are_compared_byte_for_byte(identifier: str) -> None:
    with pytest.raises(AccountingError, match=r"1 person\(s\) are not in the ledger"):
        set_state(ledger_of(RowState.CANDIDATE), [identifier], RowState.TO_PURGE)


def test_a_repeated_row_stays_a_duplicate() -> None:
    ledger = ledger_of(RowState.CANDIDATE, RowState.DUPLICATE, primary_id=["p1", "p1"])
    assert set_state(ledger, ["p1"], RowState.TO_PURGE)["state"].tolist() == ["to_purge", "duplicate"]
    alone = ledger_of(RowState.DUPLICATE)
    with pytest.raises(AccountingError):
        set_state(alone, ["p1"], RowState.TO_PURGE)


def test_each_for_their_own_reason() -> None:
    findings = {"p2": Finding(Reason.OPEN_FEES, "12.00"), "p1": Finding(Reason.PROXY)}
    after = hold_back(ledger_of(*[RowState.CANDIDATE] * 3), findings, RowState.DROPPED_LIVE)
    assert after[["state", "reason", "detail"]].to_numpy().tolist() == [
        ["dropped_live", "proxy", ""],
        ["dropped_live", "open_fees", "12.00"],
        ["candidate", "", ""],
    ]
    assert counts_by_reason(after) == {Reason.OPEN_FEES: 1, Reason.PROXY: 1}
    assert list(counts_by_reason(after)) == [Reason.OPEN_FEES, Reason.PROXY]


def test_nobody_changes_nothing() -> None:
    ledger = ledger_of(RowState.CANDIDATE)
    pd.testing.assert_frame_equal(set_state(ledger, [], RowState.PURGED), ledger)
    pd.testing.assert_frame_equal(hold_back(ledger, {}, RowState.DROPPED_LIVE), ledger)
    pd.testing.assert_frame_equal(note_patrons(ledger, []), ledger)


def test_ids_and_counts() -> None:
    ledger = ledger_of(RowState.HELD_BACK, RowState.TO_PURGE, RowState.TO_PURGE, primary_id=["c", "b", "a"])
    assert ids_in_state(ledger, RowState.TO_PURGE) == ("a", "b")
    assert ids_in_state(ledger, RowState.PURGED) == ()
    assert counts_by_state(ledger) == {RowState.TO_PURGE: 2, RowState.HELD_BACK: 1}


def test_the_live_facts_are_noted_and_the_first_group_stays() -> None:
    ledger = ledger_of(RowState.CANDIDATE, RowState.CANDIDATE, last_name=["Reader", ""])
    noted = note_patrons(ledger, [BLANK])
    columns = [
        "first_name",
        "last_name",
        "original_group",
        "expiry_date",
        "purge_date",
        "last_activity",
        "fees",
        "loans",
    ]
    assert noted[columns].to_numpy().tolist() == [
        ["Pat", "Reader", "UG", "2025-05-31", "", "2024-01-02", "1.50", "0"],
        [""] * 8,
    ]
    again = note_patrons(noted, [replace(BLANK, user_group="OKPURGE", loans=3)])
    assert again[["original_group", "loans"]].to_numpy().tolist() == [["UG", "3"], ["", ""]]


def test_restored_groups_are_noted() -> None:
    ledger = ledger_of(RowState.KEPT_BY_ALMA, RowState.PURGED)
    outcomes: Mapping[str, GroupRestored] = {"p1": GroupRestored.RESTORED}
    assert note_groups_restored(ledger, outcomes)["group_restored"].tolist() == ["restored", ""]
    with pytest.raises(AccountingError):
        note_groups_restored(ledger, {"p3": GroupRestored.FAILED})


def test_the_equation_in_words() -> None:
    states = [RowState.PURGED] * 85 + [RowState.KEPT_BY_ALMA] * 3 + [RowState.HELD_BACK] * 1912
    found = require_closed(ledger_of(*states), read=2000)
    assert found.text == "2,000 read = 85 purged + 3 kept by Alma + 1,912 held back by a rule"
    assert found.closes
    assert (found.read, sum(found.parts.values())) == (2000, 2000)


def test_an_empty_ledger_closes() -> None:
    assert require_closed(ledger_of()).text == "0 read = 0"


@pytest.mark.parametrize("state", [RowState.UNKNOWN, RowState.CANDIDATE, RowState.TO_PURGE, "purgd", ""])
def test_a_row_without_a_certain_end_does_not_close(state: str) -> None:
    ledger = ledger_of(RowState.PURGED, state)
    assert not equation(ledger).closes
    with pytest.raises(AccountingError, match="The ledger does not add up: 2 read = "):
        require_closed(ledger)


def test_a_lost_or_doubled_row_does_not_close() -> None:
    ledger = ledger_of(*[RowState.HELD_BACK] * 3)
    assert equation(ledger).closes
    assert not equation(ledger.drop(index=1)).closes
    assert not equation(ledger.drop(index=2), read=3).closes
    assert not equation(pd.concat([ledger, ledger.tail(1)])).closes
    assert not equation(ledger.assign(row=[1, 3, 3])).closes
    assert not equation(ledger, read=2).closes


CELL = st.text(st.characters(codec="utf-8"), max_size=10) | st.sampled_from(
    ["NA", "007", "1.0", "a\rb", '","']
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(RowState), CELL, CELL), max_size=5))
def test_nothing_is_lost_in_the_file(rows: list[tuple[RowState, str, str]]) -> None:
    ledger = ledger_of(
        *(row[0] for row in rows), primary_id=[row[1] for row in rows], detail=[row[2] for row in rows]
    )
    pd.testing.assert_frame_equal(read_ledger_csv(ledger_csv(ledger)), ledger)


def test_an_edited_file_is_refused() -> None:
    good = ledger_csv(ledger_of(RowState.PURGED))
    for content in (b"", good.replace(b'"purged"', b'"gone"'), good.replace(b'"fees"', b'"fines"')):
        with pytest.raises(RunFileError, match=r"ledger\.csv in the run folder"):
            read_ledger_csv(content)
