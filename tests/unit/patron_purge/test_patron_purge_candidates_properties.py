"""Whatever a spreadsheet or a load does to the data, nobody in an exclusion file is a candidate."""

import random
from collections.abc import Callable
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.patron_purge.input_samples import (
    FIRST_LINE,
    HEADINGS,
    NINE_COLUMNS,
    read_file,
    report_of,
    report_row,
    select,
    workbook,
)

from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.ledger import counts_by_state, ids_in_state
from patron_purge.states import Reason, RowState

FULL_WIDTH = str.maketrans("0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")
TEXT_CHANGES: dict[str, Callable[[str], str]] = {
    "as is": lambda text: text,
    "lost leading zeros": lambda text: text.lstrip("0") or text,
    "added leading zeros": lambda text: f"000{text}",
    "float": lambda text: f"{text}.0" if text.isdigit() else text,
    "upper case": str.upper,
    "lower case": str.lower,
    "no-break blank": lambda text: f"\u00a0{text}\u00a0",
    "blanks": lambda text: f"  {text}\t",
    "zero-width": lambda text: f"{text[:1]}\u200b{text[1:]}\u200d",
    "byte order mark": lambda text: f"\ufeff{text}",
    "full-width": lambda text: text.translate(FULL_WIDTH),
    "quotes": lambda text: f'"{text}"',
    "apostrophe": lambda text: f"'{text}",
    "curly quotes": lambda text: f"\u201c{text}\u201d",
    "trailing @": lambda text: f"{text}@",
    "suffix": lambda text: f"{text}@example.edu",
}
NUMBER_CHANGES: dict[str, Callable[[str], float]] = {"number": int, "float number": float}
IDS = st.from_regex(r"[0-9]{1,12}|[A-Za-z]{1,3}[0-9]{1,6}|[a-z]{2,6}[.-][a-z]{2,6}", fullmatch=True).filter(
    lambda text: text.strip("0") != "" and text not in {"na", "nan", "none", "null"}
)
CHANGES = st.lists(st.sampled_from(sorted(TEXT_CHANGES)), min_size=1, max_size=3)
QUICK = settings(max_examples=60, deadline=None)


def changed(text: str, changes: list[str]) -> str:
    for name in changes:
        text = TEXT_CHANGES[name](text)
    return text


@QUICK
@given(
    identifier=IDS,
    in_file=CHANGES,
    in_report=CHANGES,
    heading=st.sampled_from(["Primary ID", "PRIMARY IDENTIFIER", "primary_id", "\ufeffPrimary\u00a0ID"]),
    order=st.permutations(range(len(HEADINGS))),
    columns=st.permutations(NINE_COLUMNS),
    sheet=st.sampled_from(["Sheet1", "Users", "XYZ 11-30"]),
    lines_above=st.integers(0, 3),
)
def test_nobody_in_an_exclusion_file_is_a_candidate(
    *,
    identifier: str,
    in_file: list[str],
    in_report: list[str],
    heading: str,
    order: list[int],
    columns: list[str],
    sheet: str,
    lines_above: int,
) -> None:
    names = [heading if name == "Primary ID" else name for name in HEADINGS]
    person = ["Sample", "Pat", changed(identifier, in_file), "ABC", "2027-01-01"]
    other = ["Other", "Sam", "zz-other-zz", "ABC", "2027-01-01"]
    rows = [[row[place] for place in order] for row in (names, other, person)]
    content = workbook([[FIRST_LINE], *[[]] * lines_above, *rows], names=(sheet,))
    index = ExclusionIndex.build([read_file(content)])
    listed = changed(identifier, in_report)
    report = report_of([report_row(listed), report_row("nobody-else-77")], columns)
    ledger = select(report, index)
    assert ledger["reason"].tolist() == [Reason.IN_EXCLUSION_FILE, ""]
    assert ids_in_state(ledger, RowState.CANDIDATE) == ("nobody-else-77",)
    assert index.match(["other", listed], "", "") is not None


@QUICK
@given(
    identifier=st.from_regex(r"0{0,4}[1-9][0-9]{0,11}", fullmatch=True),
    number=st.sampled_from(sorted(NUMBER_CHANGES)),
    in_report=CHANGES,
)
def test_an_id_that_became_a_number_still_excludes(
    identifier: str, number: str, in_report: list[str]
) -> None:
    cell: Any = NUMBER_CHANGES[number](identifier)
    content = workbook([[FIRST_LINE], HEADINGS, ["Sample", "Pat", cell, "ABC", ""]])
    index = ExclusionIndex.build([read_file(content)])
    ledger = select(report_of([report_row(changed(identifier, in_report))]), index)
    assert ledger["reason"].tolist() == [Reason.IN_EXCLUSION_FILE]


REPORT_ROWS = st.lists(
    st.builds(
        report_row,
        st.sampled_from(["", "p1", "P1", "p2", "00123", "123", "p3@x", "p4"]),
        group=st.sampled_from(["Undergraduate", "I-Share", "OKPURGE"]),
        expiry=st.sampled_from(["2025-01-01", "2027-01-01", ""]),
        purge=st.sampled_from(["2026-01-01", "2026-12-01", ""]),
        first=st.sampled_from(["Alex", "Pat", ""]),
        role=st.sampled_from(["N", "Y"]),
    ),
    max_size=8,
)
LISTED = st.lists(st.sampled_from(["p1", "p2", "123", "p3", "p4", None]), max_size=4)


def index_for(listed: list[str | None]) -> ExclusionIndex:
    if not listed:
        return ExclusionIndex.build([])
    rows = [["Reader", "Pat", identifier, "ABC", ""] for identifier in listed]
    return ExclusionIndex.build([read_file(workbook([[FIRST_LINE], HEADINGS, *rows]))])


@QUICK
@given(rows=REPORT_ROWS, listed=LISTED)
def test_every_row_has_exactly_one_state(rows: list[dict[str, str | None]], listed: list[str | None]) -> None:
    ledger = select(report_of(rows), index_for(listed))
    counts = counts_by_state(ledger)
    assert ledger["row"].tolist() == list(range(1, len(rows) + 1))
    assert sum(counts.values()) == len(rows)
    assert set(counts) <= {RowState.CANDIDATE, RowState.HELD_BACK, RowState.DUPLICATE}
    assert ((ledger["reason"] != "") == (ledger["state"] == RowState.HELD_BACK)).all()
    candidates = ids_in_state(ledger, RowState.CANDIDATE)
    assert len({text.casefold() for text in candidates}) == len(candidates)


@QUICK
@given(rows=REPORT_ROWS, listed=LISTED, more=st.sampled_from(["p1", "p2", "00123", "p3@", "q9", None]))
def test_one_more_exclusion_never_adds_a_candidate(
    rows: list[dict[str, str | None]], listed: list[str | None], more: str | None
) -> None:
    report = report_of(rows)
    fewer = select(report, index_for(listed))
    after = select(report, index_for([*listed, more]))
    before_ids = set(ids_in_state(fewer, RowState.CANDIDATE))
    assert set(ids_in_state(after, RowState.CANDIDATE)) <= before_ids


@QUICK
@given(rows=REPORT_ROWS, listed=LISTED, seed=st.integers(0, 99))
def test_shuffling_changes_nothing(
    rows: list[dict[str, str | None]], listed: list[str | None], seed: int
) -> None:
    report, index = report_of(rows), index_for(listed)
    expected = select(report, index)
    pd.testing.assert_frame_equal(select(report.sample(frac=1, random_state=seed), index), expected)
    again = rows.copy()
    random.Random(seed).shuffle(again)
    same = select(report_of(again), index)
    kept = ["primary_id", "report_group", "expiry_date", "purge_date", "first_name", "state", "reason"]
    assert sorted(same[kept].to_numpy().tolist()) == sorted(expected[kept].to_numpy().tolist())
