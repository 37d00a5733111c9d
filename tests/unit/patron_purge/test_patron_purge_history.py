from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.patron_purge.output_samples import NOW

from patron_purge.errors import RunFileError
from patron_purge.history import HistoryEntry, before, from_lines, median_of_last, to_lines, upsert
from patron_purge.states import Mode


def entry(number: int, **changes: Any) -> HistoryEntry:
    usual: dict[str, Any] = {
        "run_id": f"r{number}",
        "finished_at": NOW + timedelta(days=30 * number),
        "mode": Mode.FULL,
        "to_purge": 100 + number,
        "purged": 90,
        "by_group": {"UG": 60, "GRAD": 40 + number},
        "exclusion_rows": {"loans*.xlsx": 300},
        "report_rows": 1000,
    }
    return HistoryEntry(**(usual | changes))


def test_a_run_is_added_once_however_often_it_is_written() -> None:
    history = upsert((), entry(1))
    history = upsert(history, entry(2))
    assert upsert(history, entry(2)) == history
    replaced = upsert(history, entry(1, purged=80))
    assert [each.run_id for each in replaced] == ["r1", "r2"]
    assert replaced[0].purged == 80


def test_a_rerun_with_the_same_numbers_changes_no_byte() -> None:
    history = upsert(upsert((), entry(1)), entry(2))
    later = entry(1, finished_at=NOW + timedelta(days=300))
    assert to_lines(upsert(history, later)) == to_lines(history)


def test_a_rerun_with_other_numbers_counts_from_then() -> None:
    later = entry(1, finished_at=NOW + timedelta(days=300), purged=91)
    assert upsert(upsert((), entry(1)), later) == (later,)


@given(st.lists(st.integers(min_value=0, max_value=20)))
def test_history_has_each_run_once_and_in_order(numbers: list[int]) -> None:
    history: tuple[HistoryEntry, ...] = ()
    for number in numbers:
        history = upsert(history, entry(number))
    assert [each.run_id for each in history] == [f"r{number}" for number in sorted(set(numbers))]


def test_the_run_itself_is_not_its_own_past() -> None:
    assert before((entry(1), entry(2)), "r2") == (entry(1),)


def test_the_median_looks_at_the_last_runs_only() -> None:
    history = [entry(number, to_purge=size) for number, size in enumerate([900, 900, 10, 20, 30, 40, 50, 70])]
    assert median_of_last(reversed(history)) == 35
    assert median_of_last(history, n=1) == 70
    assert median_of_last(history, n=2) == Decimal(60)


def test_without_a_full_run_there_is_no_median() -> None:
    assert median_of_last([]) is None
    others = [entry(1, mode=Mode.PILOT), entry(2, mode=Mode.REPORT_ONLY), entry(3, purged=0)]
    assert median_of_last(others) is None


def test_history_survives_being_written_and_read() -> None:
    history = (entry(1), entry(2, mode=Mode.PILOT))
    assert from_lines(to_lines(history)) == history
    assert from_lines("") == ()
    assert from_lines(to_lines(history) + "\n") == history


@pytest.mark.parametrize("line", ["{", '{"run_id": "r3"}', "null"])
def test_a_damaged_line_stops_the_run(line: str) -> None:
    with pytest.raises(RunFileError, match=r"Line 2 of the history"):
        from_lines(to_lines([entry(1)]) + line)
