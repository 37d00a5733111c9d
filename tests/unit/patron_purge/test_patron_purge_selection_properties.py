"""From the files to the list to purge: selection and live check together keep everybody who is excluded.

A failing example is printed with the line that repeats it.
"""

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.patron_purge.input_samples import (
    FIRST_LINE,
    FIVE_COLUMNS,
    NINE_COLUMNS,
    NO_PROTECT,
    TODAY,
    read_file,
    report_of,
    report_row,
    select,
    workbook,
)
from tests.unit.patron_purge.output_samples import CLEAR, subject
from tests.unit.patron_purge.test_patron_purge_candidates_properties import (
    CHANGES,
    IDS,
    LISTED,
    REPORT_ROWS,
    changed,
)

from patron_purge.digest import purge_digest
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.institution import RuleSettings
from patron_purge.ledger import hold_back, ids_in_state, set_state
from patron_purge.patron import Patron
from patron_purge.rules import RuleContext, evaluate
from patron_purge.states import Reason, RowState

QUICK = settings(max_examples=80, deadline=None, print_blob=True)
ALIASES = ("Primary ID", "Primary Identifier", "Unique ID", "University ID number")
MANGLED = st.sampled_from(["{}", " {} ", "\ufeff{}", "{}:", "\u00a0{}\u00a0", "\u201c{}\u201d"])
NAMES = st.sampled_from(["Kim", "KIM", "kim ", "Kim B.", "\ufeffKim", "K\u00edm"])
SHEETS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=20)
OTHER = "nobody-else-77"


def live(primary_id: str, **facts: Any) -> Patron:
    patron = replace(
        CLEAR, primary_id=primary_id, asked_id=primary_id, user_group="UNDERGRAD", identifiers=()
    )
    return replace(patron, first_name="Alex", last_name="Reader", **facts)


def checked(report: pd.DataFrame, index: ExclusionIndex, patrons: dict[str, Patron]) -> pd.DataFrame:
    """Select, then apply the rules to each candidate as Alma shows them."""
    ledger = select(report, index)
    context = RuleContext(TODAY, RuleSettings(), "OKPURGE", index, NO_PROTECT, {"UNDERGRAD": "Undergraduate"})
    candidates = ids_in_state(ledger, RowState.CANDIDATE)
    answers = {key: evaluate(patrons.get(key) or live(key), context) for key in candidates}
    findings = {key: finding for key, finding in answers.items() if finding is not None}
    ledger = hold_back(ledger, findings, RowState.DROPPED_LIVE)
    return set_state(ledger, answers.keys() - findings.keys(), RowState.TO_PURGE)


def as_number(identifier: str, form: str) -> Any:
    """Return an id of digits as the cell or text that a spreadsheet makes of it, without losing a digit."""
    number = int(identifier)
    shown = f"{number / 10 ** (len(str(number)) - 1):.{len(str(number)) - 1}f}E+{len(str(number)) - 1:02d}"
    return {"integer": number, "float": float(number), "float text": f"{number}.0", "exponent": shown}[form]


@QUICK
@given(data=st.data(), identifier=IDS, in_file=CHANGES, in_alma=CHANGES)
def test_an_excluded_person_is_never_on_the_list_to_purge(
    *, data: st.DataObject, identifier: str, in_file: list[str], in_alma: list[str]
) -> None:
    cell: Any = changed(identifier, in_file)
    if identifier.isdigit() and data.draw(st.booleans(), "as a number"):
        cell = as_number(
            identifier, data.draw(st.sampled_from(["integer", "float", "float text", "exponent"]))
        )
    alias = data.draw(MANGLED).format(data.draw(st.sampled_from(ALIASES)))
    listed = changed(identifier, in_alma)
    known_by = data.draw(st.sampled_from(["primary id", "another identifier", "name"]))
    first = data.draw(NAMES)
    person: list[Any] = [first, "Lost", None if known_by == "name" else cell, "ABC", "", 3]
    other: list[Any] = ["Sam", "Other", "zz-other-zz", "ABC", "", 1]
    order = data.draw(st.permutations(range(len(person))))
    headings: list[Any] = ["First Name", "Last Name", alias, "Institution", "Purge Date", "Number of Loans"]
    rows = [
        [row[place] for place in order] for row in (headings, *data.draw(st.permutations([other, person])))
    ]
    blanks: list[list[Any]] = [[]] * data.draw(st.integers(0, 3))
    content = workbook([[FIRST_LINE], *blanks, *rows], names=(data.draw(SHEETS),))
    index = ExclusionIndex.build([read_file(content, id_headings=ALIASES)])

    key = listed if known_by == "primary id" else "in-the-report-1"
    patron = live(key, identifiers=("other", listed) if known_by == "another identifier" else ())
    if known_by == "name":
        patron = replace(
            patron, first_name=data.draw(NAMES), last_name=data.draw(st.sampled_from(["Lost", "LOST"]))
        )
    columns = data.draw(st.permutations(data.draw(st.sampled_from([NINE_COLUMNS, FIVE_COLUMNS]))))
    cells = [report_row(key, first=patron.first_name, last=patron.last_name), report_row(OTHER)]
    for row in cells:
        row["Primary ID"] = row["Primary Identifier"]
    ledger = checked(report_of(cells, columns), index, {key: patron})
    assert ids_in_state(ledger, RowState.TO_PURGE) == (OTHER,)
    assert ledger["reason"].tolist()[0] in {Reason.IN_EXCLUSION_FILE, Reason.NAME_IN_EXCLUSION_FILE}


FACTS = st.fixed_dictionaries(
    {
        "loans": st.sampled_from([0, 0, 0, 1, None]),
        "open_fees": st.sampled_from([Decimal(0), Decimal(0), Decimal("5.00")]),
        "identifiers": st.sampled_from([(), (), ("bar1",), ("p2",)]),
        "expiry_date": st.sampled_from([date(2025, 1, 1), date(2025, 1, 1), None]),
    }
)
LIVE = st.dictionaries(st.sampled_from(["p1", "P1", "p2", "00123", "123", "p3@x", "p4"]), FACTS)
Facts = dict[str, dict[str, Any]]
Row = dict[str, str | None]


def file_of(listed: list[str | None]) -> ExclusionIndex:
    headings = ["Last Name", "First Name", "Primary ID"]
    rows = [["Reader", "Pat", identifier] for identifier in [*listed, "zz-other-zz"]]
    return ExclusionIndex.build([read_file(workbook([[FIRST_LINE], headings, *rows]))])


def outcome(rows: list[Row], listed: list[str | None], facts: Facts) -> pd.DataFrame:
    patrons = {key: live(key, **each) for key, each in facts.items()}
    return checked(report_of(rows), file_of(listed), patrons)


@QUICK
@given(rows=REPORT_ROWS, listed=LISTED, facts=LIVE)
def test_the_states_partition_the_rows(rows: list[Row], listed: list[str | None], facts: Facts) -> None:
    ledger = outcome(rows, listed, facts)
    assert ledger["row"].tolist() == list(range(1, len(rows) + 1))
    parts = [RowState.TO_PURGE, RowState.HELD_BACK, RowState.DROPPED_LIVE, RowState.DUPLICATE]
    assert sum((ledger["state"] == state).sum() for state in parts) == len(rows)
    explained = ledger["state"].isin([RowState.HELD_BACK, RowState.DROPPED_LIVE])
    assert ((ledger["reason"] != "") == explained).all()


@QUICK
@given(
    rows=REPORT_ROWS,
    listed=LISTED,
    facts=LIVE,
    more=st.sampled_from(["p1", "p2", "00123", "p3@", "bar1", "BAR1@", "q9", None]),
)
def test_one_more_exclusion_never_adds_a_purge(
    rows: list[Row], listed: list[str | None], facts: Facts, more: str | None
) -> None:
    before = ids_in_state(outcome(rows, listed, facts), RowState.TO_PURGE)
    after = ids_in_state(outcome(rows, [*listed, more], facts), RowState.TO_PURGE)
    assert set(after) <= set(before)


@QUICK
@given(rows=REPORT_ROWS, listed=LISTED, facts=LIVE, seed=st.integers(0, 999))
def test_shuffled_inputs_give_the_same_ledger_and_digest(
    rows: list[Row], listed: list[str | None], facts: Facts, seed: int
) -> None:
    order = random.Random(seed)
    ledger = outcome(rows, listed, facts)
    again = outcome(order.sample(rows, len(rows)), order.sample(listed, len(listed)), facts)

    def lines(table: pd.DataFrame) -> list[list[str]]:
        # Where a repeated row stood, and which row it repeats, is the only thing that may change.
        repeated = table["state"] == RowState.DUPLICATE
        bare = table.assign(detail=table["detail"].mask(repeated, "")).drop(columns="row")
        return sorted(bare.to_numpy().tolist())

    def digest(table: pd.DataFrame) -> str:
        return purge_digest(replace(subject(), primary_ids=ids_in_state(table, RowState.TO_PURGE)))

    assert lines(again) == lines(ledger)
    assert digest(again) == digest(ledger)
