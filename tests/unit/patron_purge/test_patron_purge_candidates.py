from datetime import date
from typing import Any

import pandas as pd
import pytest
from tests.unit.patron_purge.input_samples import (
    FIRST_LINE,
    FIVE_COLUMNS,
    HEADINGS,
    NO_PROTECT,
    TODAY,
    index_of,
    person_row,
    read_file,
    report_of,
    report_row,
    select,
    workbook,
)

from patron_purge.candidates import select_candidates
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.institution import RuleSettings
from patron_purge.ledger import LEDGER_COLUMNS
from patron_purge.protect_list import ProtectEntry, ProtectKind, ProtectList
from patron_purge.states import Reason, RowState

NOBODY_LISTED = ExclusionIndex.build([])


def outcome(ledger: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(ledger["state"].tolist(), ledger["reason"].tolist(), strict=True))


def one(row: dict[str, str | None], index: ExclusionIndex = NOBODY_LISTED, **options: Any) -> tuple[str, str]:
    return outcome(select(report_of([row]), index, **options))[0]


CANDIDATE = (RowState.CANDIDATE, "")


def held(reason: Reason) -> tuple[str, str]:
    return (RowState.HELD_BACK, reason)


def test_the_ledger_carries_the_report() -> None:
    ledger = select(report_of([report_row("p1"), report_row("p2", group="I-Share")]), NOBODY_LISTED)
    assert tuple(ledger.columns) == LEDGER_COLUMNS
    assert ledger.to_dict("records")[0] == {
        **dict.fromkeys(LEDGER_COLUMNS, ""),
        "row": 1,
        "primary_id": "p1",
        "first_name": "Alex",
        "last_name": "Reader",
        "report_group": "Undergraduate",
        "expiry_date": "2025-05-31",
        "purge_date": "2026-05-31",
        "state": "candidate",
    }
    second = ledger[["state", "reason", "detail"]].to_numpy().tolist()[1]
    assert second == ["held_back", "protected_group", "I-Share"]


def test_an_empty_report_makes_an_empty_ledger() -> None:
    ledger = select(report_of([]), index_of("p1"))
    assert (len(ledger), tuple(ledger.columns)) == (0, LEDGER_COLUMNS)


@pytest.mark.parametrize("identifier", [None, "", " ", "\u00a0", "\ufeff"])
def test_no_identifier(identifier: str | None) -> None:
    ledger = select(
        report_of([report_row(identifier), report_row(identifier), report_row("p1")]), index_of("q")
    )
    assert outcome(ledger) == [held(Reason.NO_IDENTIFIER)] * 2 + [CANDIDATE]


def test_a_person_listed_twice_is_held_back_and_the_repeat_is_a_duplicate() -> None:
    ledger = select(report_of([report_row("p1"), report_row("p2"), report_row("p1")]), NOBODY_LISTED)
    assert outcome(ledger) == [held(Reason.DUPLICATE_ROW), CANDIDATE, (RowState.DUPLICATE, "")]
    assert ledger.loc[2, "detail"] == "same as row 1"


def test_a_duplicate_of_somebody_held_back_is_a_duplicate() -> None:
    ledger = select(report_of([report_row("p1"), report_row("p1")]), index_of("p1"))
    assert outcome(ledger) == [held(Reason.DUPLICATE_ROW), (RowState.DUPLICATE, "")]


@pytest.mark.parametrize(
    "change", [{"group": "Faculty"}, {"purge": "2026-05-30"}, {"first": "A."}, {"role": "Y"}]
)
def test_conflicting_rows_are_all_held_back(change: dict[str, str]) -> None:
    rows = [report_row("p1"), report_row("p1", **change), report_row("p1"), report_row("p2")]
    assert outcome(select(report_of(rows), NOBODY_LISTED)) == [
        held(Reason.DUPLICATE_ROW),
        held(Reason.DUPLICATE_ROW),
        (RowState.DUPLICATE, ""),
        CANDIDATE,
    ]


def test_ids_that_differ_only_in_case_are_one_person() -> None:
    ledger = select(report_of([report_row("p1"), report_row("P1")]), NOBODY_LISTED)
    assert outcome(ledger) == [held(Reason.DUPLICATE_ROW)] * 2


@pytest.mark.parametrize(
    "listed", ["00123", "123", 123, 123.0, "123.0", "'00123", "\ufeff00123", "00123@uni.edu"]
)
def test_excluded_by_either_key(listed: Any) -> None:
    ledger = select(report_of([report_row("00123"), report_row("p1")]), index_of(listed))
    assert outcome(ledger) == [held(Reason.IN_EXCLUSION_FILE), CANDIDATE]
    assert ledger.loc[0, "detail"] == "Users with fines at other i-share libraries XYZ.xlsx"


def test_excluded_by_the_name_of_a_row_without_an_id() -> None:
    rows = [[FIRST_LINE], HEADINGS, person_row(None, last="Reader", first="ALEX")]
    index = ExclusionIndex.build([read_file(workbook(rows))])
    assert one(report_row("p1"), index) == held(Reason.NAME_IN_EXCLUSION_FILE)
    assert one(report_row("p1", first="Sam"), index) == CANDIDATE


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ProtectKind.ID, "0P1"),
        (ProtectKind.PATTERN, "P?"),
        (ProtectKind.GROUP, "undergrad"),
        (ProtectKind.GROUP, "Undergraduate"),
    ],
)
def test_protect_list(kind: ProtectKind, value: str) -> None:
    protect = ProtectList.build([ProtectEntry(kind, value, "me", "why", None)], today=TODAY)
    ledger = select(
        report_of([report_row("p1"), report_row("q22", group="Faculty")]), NOBODY_LISTED, protect=protect
    )
    assert outcome(ledger) == [held(Reason.PROTECT_LIST), CANDIDATE]
    assert ledger.loc[0, "detail"] == f"{kind}: why (me)"


@pytest.mark.parametrize(
    "group", ["I-Share", "i-share ", "ISHARE", "I-Share User", "i share", "I\u2011Share", "CARLI I_Share"]
)
def test_i_share_is_protected_without_a_setting(group: str) -> None:
    assert one(report_row("p1", group=group)) == held(Reason.PROTECTED_GROUP)


@pytest.mark.parametrize("description", ["I-Share User", "I-Share patron", "i share"])
def test_i_share_is_known_by_its_description(description: str) -> None:
    names = {"VISITOR": description, "UNDERGRAD": "Undergraduate"}
    assert one(report_row("p1", group="VISITOR"), group_names=names) == held(Reason.PROTECTED_GROUP)
    assert one(report_row("p1", group="UNDERGRAD"), group_names=names) == CANDIDATE


@pytest.mark.parametrize("group", ["EM", "Emeritus  Faculty", "emeritus-faculty"])
@pytest.mark.parametrize("wanted", ["Emeritus Faculty", "EMERITUS\tFACULTY", "em"])
def test_blanks_and_signs_in_the_name_of_a_group_do_not_count(group: str, wanted: str) -> None:
    names = {"EM": "Emeritus  Faculty"}
    rules = RuleSettings(protected_groups=(wanted,))
    assert one(report_row("p1", group=group), rules=rules, group_names=names) == held(Reason.PROTECTED_GROUP)
    entry = ProtectEntry(ProtectKind.GROUP, wanted, "me", "why", None)
    protect = ProtectList.build([entry], today=TODAY)
    assert one(report_row("p1", group=group), protect=protect, group_names=names) == held(Reason.PROTECT_LIST)


@pytest.mark.parametrize("group", ["Faculty", "FACULTY", "faculty\u00a0"])
@pytest.mark.parametrize("setting", ["FACULTY", "Faculty", "faculty"])
def test_a_protected_group_matches_by_code_or_description(group: str, setting: str) -> None:
    rules = RuleSettings(protected_groups=(setting,))
    assert one(report_row("p1", group=group), rules=rules) == held(Reason.PROTECTED_GROUP)
    assert one(report_row("p1"), rules=rules) == CANDIDATE


@pytest.mark.parametrize("group", ["OKPURGE", "ok to purge"])
def test_marker_group(group: str) -> None:
    assert one(report_row("p1", group=group)) == held(Reason.IN_MARKER_GROUP)


@pytest.mark.parametrize(
    ("expiry", "reason"),
    [
        ("2026-11-30", ""),
        ("2026-12-01", "x"),
        ("2026-12-02", "x"),
        ("9999-12-31", "x"),
        ("0001-01-01", "x"),
        (None, "x"),
    ],
)
def test_expiry_date(expiry: str | None, reason: str) -> None:
    expected = held(Reason.EXPIRY_DATE) if reason else CANDIDATE
    assert one(report_row("p1", expiry=expiry)) == expected


@pytest.mark.parametrize(
    ("purge", "days", "due"),
    [
        ("2026-11-30", 1, True),
        ("2026-12-01", 1, False),
        ("2026-11-01", 30, True),
        ("2026-11-02", 30, False),
        ("2027-01-01", 1, False),
        (None, 1, False),
        ("0001-01-01", 1, False),
    ],
)
def test_purge_date(purge: str | None, days: int, due: bool) -> None:
    expected = CANDIDATE if due else held(Reason.PURGE_DATE)
    assert one(report_row("p1", purge=purge), rules=RuleSettings(days_after_purge_date=days)) == expected


@pytest.mark.parametrize(
    ("role", "staff"),
    [
        *((text, False) for text in ("N", "no", "0", "0.0", "False", "", " ", None)),
        *((text, True) for text in ("Y", "Yes", "1", "TRUE", "?", "maybe", "2", "n/a", "Not")),
    ],
)
def test_staff_role(role: str | None, staff: bool) -> None:
    assert one(report_row("p1", role=role)) == (held(Reason.STAFF_ROLE) if staff else CANDIDATE)


@pytest.mark.parametrize(
    ("text", "types", "allowed"),
    [
        ("Public", ("PUBLIC",), True),
        ("STAFF", ("PUBLIC",), False),
        ("Staff", ("PUBLIC", "STAFF"), True),
        ("Robot", ("PUBLIC",), False),
        ("", ("PUBLIC",), True),
    ],
)
def test_record_type_of_the_older_report(text: str, types: Any, allowed: bool) -> None:
    row = {"Primary ID": "p1", "User Record Type": text, "User Group": "Faculty", "Purge Date": "2026-05-31"}
    ledger = select(report_of([row], FIVE_COLUMNS), NOBODY_LISTED, rules=RuleSettings(record_types=types))
    assert outcome(ledger) == [CANDIDATE if allowed else held(Reason.RECORD_TYPE)]
    assert ledger[["first_name", "last_name", "expiry_date"]].to_numpy().tolist() == [["", "", ""]]


def test_the_first_reason_in_the_order_of_the_rules_is_noted() -> None:
    everything = report_row("p1", group="I-Share", expiry="2030-01-01", purge=None, role="Y")
    assert one(everything, index_of("p1")) == held(Reason.IN_EXCLUSION_FILE)
    assert one(everything) == held(Reason.PROTECTED_GROUP)
    assert one({**everything, "User Group": "OKPURGE"}) == held(Reason.IN_MARKER_GROUP)
    assert one({**everything, "User Group": "Faculty"}) == held(Reason.EXPIRY_DATE)
    assert one(report_row("p1", purge=None, role="Y")) == held(Reason.PURGE_DATE)


def test_today_is_an_argument() -> None:
    ledger = select_candidates(
        report_of([report_row("p1")]),
        index=NOBODY_LISTED,
        rules=RuleSettings(),
        protect=NO_PROTECT,
        marker_group_names=("OKPURGE",),
        group_names={},
        today=date(2026, 5, 31),
    )
    assert outcome(ledger) == [held(Reason.PURGE_DATE)]
