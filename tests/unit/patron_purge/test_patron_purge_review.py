from decimal import Decimal
from typing import Any

import pytest
from tests.unit.patron_purge.output_samples import (
    MARKER,
    NOW,
    TODAY,
    USUAL,
    ledger,
    ledger_row,
    purge_payload,
    regroup_payload,
)

from patron_purge.digest import approval_code
from patron_purge.errors import AccountingError, RunFileError
from patron_purge.guards import evaluate_guards
from patron_purge.institution import GuardSettings
from patron_purge.list_numbers import list_numbers
from patron_purge.review import RunIdentity, build_equation, build_review, group_table, job_summary
from patron_purge.review_model import InputSummary, Review
from patron_purge.states import Mode, Reason, RowState

DIGEST = "d" * 64
LEDGER = ledger(
    ledger_row(row="1", fees="2.50"),
    ledger_row(row="2", primary_id="asmith", original_group="GRAD", fees="0.10", purge_date="2020-01-01"),
    ledger_row(row="3", primary_id="bjones", fees="0", purge_date="2024-09-02"),
    ledger_row(
        row="4", primary_id="held", original_group="", fees="", state="held_back", reason="expiry_date"
    ),
    ledger_row(row="5", primary_id="twice", state="duplicate"),
)
RUN = RunIdentity(
    institution="demo",
    institution_name="Example College",
    institution_code="01DEMO_XYZ",
    environment="production",
    run_id="r1",
    mode=Mode.FULL,
)
INPUTS = (
    InputSummary(
        name="loans.xlsx", sha256="c" * 64, data_date=TODAY, age_hours=Decimal(13), rows=300, matched=12
    ),
    InputSummary(name="report.csv", sha256="b" * 64, data_date=None, age_hours=None, rows=5),
)


def review(**changes: Any) -> Review:
    usual: dict[str, Any] = {
        "created_at": NOW,
        "digest": DIGEST,
        "report_rows": 5,
        "by_state": {RowState.HELD_BACK: 1, RowState.TO_PURGE: 3, RowState.DUPLICATE: 1},
        "by_reason": {Reason.EXPIRY_DATE: 1},
        "numbers": list_numbers(LEDGER, TODAY),
        "group_names": {"UG": "Undergraduate"},
        "last_by_group": {"UG": 5, "OLD": 1},
        "inputs": INPUTS,
        "guards": evaluate_guards(USUAL, GuardSettings(), {}),
        "marker_group": MARKER,
        "jobs": (
            job_summary("Update/Notify Users", "M148", regroup_payload()),
            job_summary("Purge users", "M999", purge_payload()),
        ),
        "file_sha256": {"ledger.csv": "f" * 64},
    }
    return build_review(RUN, **(usual | changes))


def test_the_list_in_numbers() -> None:
    numbers = list_numbers(LEDGER, TODAY)
    assert numbers.to_purge == 3
    assert numbers.by_group == {"GRAD": 1, "UG": 2}
    assert (numbers.owed_total, numbers.owed_largest) == (Decimal("2.60"), Decimal("2.50"))
    assert numbers.people_who_owe == 2
    assert {code: count for (code, _), count in numbers.by_age.items()} == {
        "under_1_year": 1,
        "under_2_years": 0,
        "under_5_years": 1,
        "older": 1,
    }


def test_an_empty_list_in_numbers() -> None:
    numbers = list_numbers(ledger(), TODAY)
    assert numbers.to_purge == 0
    assert numbers.owed_total == numbers.owed_largest == Decimal(0)


@pytest.mark.parametrize(
    "damage", [{"original_group": ""}, {"fees": ""}, {"fees": "NaN"}, {"purge_date": ""}, {"purge_date": "x"}]
)
def test_a_listed_row_without_its_facts_stops_the_review(damage: dict[str, str]) -> None:
    with pytest.raises(RunFileError, match="Row 7") as caught:
        list_numbers(ledger(ledger_row(row="7", **damage)), TODAY)
    assert "jdoe1" not in str(caught.value)


def test_the_equation_names_every_state_in_words() -> None:
    assert review().equation.text == (
        "5 rows in the report = 3 to purge + 1 held back by a rule + 1 repeated in the report"
    )


def test_an_equation_that_does_not_close_stops_the_review() -> None:
    with pytest.raises(AccountingError, match="do not add up"):
        review(report_rows=6)
    with pytest.raises(AccountingError, match="do not add up"):
        build_equation(1, {})
    assert build_equation(0, {}).text == "0 rows in the report = 0"


def test_numbers_of_another_list_stop_the_review() -> None:
    with pytest.raises(AccountingError, match="differ"):
        review(numbers=list_numbers(ledger(ledger_row()), TODAY))


def test_the_review_carries_count_code_and_digest_of_the_list() -> None:
    found = review()
    assert found.count == 3
    assert found.digest == DIGEST
    assert found.code == approval_code(DIGEST)
    assert [(each.code, each.count) for each in found.by_reason] == [("expiry_date", 1)]
    assert found.money.total == Decimal("2.60")
    assert [parameter.name for parameter in found.jobs[1].parameters][-1] == "job_name"


def test_groups_are_compared_with_the_last_full_run() -> None:
    rows = {row.code: row for row in review().by_group}
    assert list(rows) == ["UG", "GRAD", "OLD"]
    assert (rows["UG"].count, rows["UG"].last_count, rows["UG"].change) == (2, 5, -3)
    assert rows["UG"].description == "Undergraduate"
    assert rows["GRAD"].is_new
    assert not rows["UG"].is_new
    assert (rows["OLD"].count, rows["OLD"].change) == (0, -1)


def test_without_history_there_is_no_change() -> None:
    row = group_table({"UG": 2}, {}, None)[0]
    assert (row.last_count, row.change, row.is_new) == (None, None, False)


def test_the_review_holds_no_names_and_no_ids() -> None:
    text = review().model_dump_json()
    for personal in ("jdoe1", "asmith", "bjones", "Jane", "Doe"):
        assert personal not in text


def test_the_review_survives_being_written_and_read() -> None:
    assert Review.model_validate_json(review().model_dump_json()) == review()
