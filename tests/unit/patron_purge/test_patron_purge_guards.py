from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.patron_purge.output_samples import USUAL

from patron_purge.errors import ConfigurationError
from patron_purge.guards import (
    GUARD_NAMES,
    ExclusionFileFacts,
    ExclusionIdFacts,
    GuardFacts,
    GuardLevel,
    GuardResult,
    evaluate_guards,
    identifier_shape,
    identifier_shapes,
    is_measure,
    stops,
)
from patron_purge.institution import GuardSettings
from patron_purge.states import Mode

SETTINGS = GuardSettings()


def guard(name: str, facts: GuardFacts, **overrides: Decimal) -> GuardResult:
    results = evaluate_guards(facts, SETTINGS, overrides)
    return next(result for result in results if result.name == name)


def files(rows: int, age: str = "13", max_age: int = 36) -> tuple[ExclusionFileFacts, ...]:
    return (ExclusionFileFacts("loans*.xlsx", rows, Decimal(age), max_age),)


def ids(
    matched: int, *shapes: str, count: int = 300, name: str = "loans.xlsx"
) -> tuple[ExclusionIdFacts, ...]:
    return (ExclusionIdFacts(name, count, frozenset(shapes), matched),)


STRANGE_IDS: dict[str, Any] = {"exclusion_ids": ids(0, "9x14")}

STOPPING: list[tuple[str, dict[str, Any], Decimal]] = [
    ("max_count", {"to_purge": 501, "report_rows": 10_000}, Decimal(501)),
    ("percent_of_report", {"report_rows": 699}, Decimal(31)),
    ("percent_of_report", {"report_rows": 0}, Decimal(31)),
    ("ratio_to_median", {"median_to_purge": Decimal("69.5")}, Decimal(4)),
    ("no_history", {"median_to_purge": None, "runs_in_median": 0, "to_purge": 26}, Decimal(26)),
    ("exclusion_drop", {"exclusion_files": files(216)}, Decimal(31)),
    ("exclusion_drop", {"exclusion_files": files(0)}, Decimal(100)),
    ("exclusion_drop", {"exclusion_files": ()}, Decimal(100)),
    ("identifier_shapes", STRANGE_IDS, Decimal(0)),
    ("exclusion_age", {"exclusion_files": files(310, "36.1")}, Decimal(37)),
    ("exclusion_age", {"exclusion_files": ()}, Decimal(37)),
    ("waived_money", {"waived_money": Decimal("0.01")}, Decimal(1)),
    ("api_calls", {"remaining_calls": 13 * 210 + 999}, Decimal(3000)),
    ("days_after_purge_date", {"days_after_purge_date": 0}, Decimal(0)),
]


def test_a_usual_run_passes_every_guard() -> None:
    results = evaluate_guards(USUAL, SETTINGS, {})
    assert [result.name for result in results] == list(GUARD_NAMES)
    assert {result.level for result in results} == {GuardLevel.OK}
    assert stops(results) == ()


@pytest.mark.parametrize(("name", "facts", "_override"), STOPPING)
def test_a_guard_stops_the_run(name: str, facts: dict[str, Any], _override: Decimal) -> None:
    unusual = replace(USUAL, **facts)
    assert guard(name, unusual).level is GuardLevel.STOP
    assert name in {result.name for result in stops(evaluate_guards(unusual, SETTINGS, {}))}


def test_every_guard_has_a_stopping_example() -> None:
    assert {name for name, _, _ in STOPPING} == set(GUARD_NAMES)


@pytest.mark.parametrize(("name", "facts", "_override"), STOPPING)
def test_a_report_is_warned_and_not_stopped(name: str, facts: dict[str, Any], _override: Decimal) -> None:
    unusual = replace(USUAL, **facts, mode=Mode.REPORT_ONLY)
    expected = GuardLevel.OK if name == "no_history" else GuardLevel.WARN
    assert guard(name, unusual).level is expected
    assert stops(evaluate_guards(unusual, SETTINGS, {})) == ()


OVERRIDABLE = [
    case
    for case in STOPPING
    if "exclusion_files" not in case[1] or case[1]["exclusion_files"] or "drop" in case[0]
]
OVERRIDABLE = [case for case in OVERRIDABLE if case[1].get("report_rows") != 0]


@pytest.mark.parametrize(("name", "facts", "override"), OVERRIDABLE)
def test_an_override_lets_the_list_through_with_a_warning(
    name: str, facts: dict[str, Any], override: Decimal
) -> None:
    result = guard(name, replace(USUAL, **facts), **{name: override})
    assert result.level is GuardLevel.WARN
    assert result.override == override
    assert result.limit == override


def test_an_override_that_is_not_enough_still_stops() -> None:
    assert guard("max_count", replace(USUAL, to_purge=700), max_count=Decimal(699)).level is GuardLevel.STOP


def test_an_override_that_is_not_needed_is_no_warning() -> None:
    result = guard("max_count", USUAL, max_count=Decimal(600))
    assert result.level is GuardLevel.OK
    assert result.override == 600


def test_an_override_may_be_stricter() -> None:
    assert guard("max_count", USUAL, max_count=Decimal(100)).level is GuardLevel.STOP


@pytest.mark.parametrize(
    "overrides",
    [
        {"max_counts": Decimal(1)},
        {"max_count": Decimal("NaN")},
        {"max_count": Decimal(-1)},
        {"max_count": Decimal("Infinity")},
    ],
)
def test_a_useless_override_is_refused(overrides: dict[str, Decimal]) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing was changed"):
        evaluate_guards(USUAL, SETTINGS, overrides)


def test_at_the_limit_a_list_still_passes() -> None:
    facts = replace(USUAL, to_purge=500, report_rows=1700, median_to_purge=Decimal(200))
    assert stops(evaluate_guards(facts, SETTINGS, {})) == ()
    exact = replace(USUAL, to_purge=300, report_rows=1000, median_to_purge=Decimal(100))
    assert stops(evaluate_guards(exact, SETTINGS, {})) == ()


def test_sentences_carry_the_numbers() -> None:
    facts = replace(USUAL, to_purge=1240, median_to_purge=Decimal(210))
    assert guard("ratio_to_median", facts).sentence == (
        "1,240 to purge; median of the last 6 run(s) 210; limit ratio 3."
    )
    assert guard("max_count", facts).sentence == "1,240 to purge; limit 500."
    assert guard("exclusion_drop", replace(USUAL, exclusion_files=files(155))).sentence == (
        "loans*.xlsx: 155 rows, 310 in the last run, 50 % fewer; limit 30 %."
    )


@pytest.mark.parametrize("mode", [Mode.REPORT_ONLY, Mode.PILOT])
def test_without_history_a_report_and_a_pilot_may_be_any_size(mode: Mode) -> None:
    facts = replace(USUAL, mode=mode, median_to_purge=None, runs_in_median=0)
    assert guard("no_history", facts).level is GuardLevel.OK


def test_a_small_exclusion_file_may_shrink_with_a_warning() -> None:
    facts = replace(USUAL, exclusion_files=files(2), previous_exclusion_rows={"loans*.xlsx": 19})
    assert guard("exclusion_drop", facts).level is GuardLevel.WARN


def test_a_large_drop_is_not_hidden_behind_a_larger_one_of_a_small_file() -> None:
    facts = replace(
        USUAL,
        exclusion_files=(
            ExclusionFileFacts("small", 0, Decimal(1), 36),
            ExclusionFileFacts("large", 100, Decimal(1), 36),
        ),
        previous_exclusion_rows={"small": 5, "large": 200},
    )
    assert guard("exclusion_drop", facts).level is GuardLevel.STOP


def test_each_exclusion_file_has_its_own_age_limit() -> None:
    weekly = ExclusionFileFacts("weekly", 10, Decimal(100), 168)
    daily = ExclusionFileFacts("daily", 10, Decimal(37), 36)
    assert guard("exclusion_age", replace(USUAL, exclusion_files=(weekly,))).level is GuardLevel.OK
    result = guard("exclusion_age", replace(USUAL, exclusion_files=(weekly, daily)))
    assert result.level is GuardLevel.STOP
    assert result.sentence == "daily: data 37 hours old; limit 36 hours."


def test_unknown_remaining_calls_are_a_warning() -> None:
    assert guard("api_calls", replace(USUAL, remaining_calls=None)).level is GuardLevel.WARN


@pytest.mark.parametrize(
    "facts",
    [
        {"exclusion_ids": ()},
        {"exclusion_ids": ids(0, count=0)},
        {"report_shapes": frozenset()},
        {"exclusion_ids": ids(1, "9x14")},
        {"exclusion_ids": ids(0, "A9", count=19)},
        {"exclusion_ids": ids(0, "A9"), "report_rows": 19, "to_purge": 1},
    ],
)
def test_ids_of_the_same_kind_or_with_a_match_pass(facts: dict[str, Any]) -> None:
    assert guard("identifier_shapes", replace(USUAL, **facts)).level is GuardLevel.OK


def test_one_right_file_does_not_hide_a_wrong_one() -> None:
    both = ids(40, "A9") + ids(0, "9x14", name="fines.xlsx")
    result = guard("identifier_shapes", replace(USUAL, exclusion_ids=both))
    assert result.level is GuardLevel.STOP
    assert result.sentence == (
        "fines.xlsx: its ids (9x14) look different from those in the report (9x9, A9; A stands for letters, "
        "9 for digits), and 0 matched; at least 1 must match."
    )


def test_a_long_file_that_lists_nobody_of_the_report_is_a_warning() -> None:
    facts = replace(USUAL, exclusion_ids=ids(0, "A9"))
    result = guard("identifier_shapes", facts)
    assert result.level is GuardLevel.WARN
    assert "nobody in the report is among them" in result.sentence
    assert guard("identifier_shapes", facts, identifier_shapes=Decimal(0)).override == 0


def test_a_report_with_shrunken_files_is_no_measure_for_the_next_run() -> None:
    shrunken = replace(USUAL, exclusion_files=files(100))

    def measured(facts: GuardFacts, mode: Mode, **overrides: Decimal) -> bool:
        return is_measure(evaluate_guards(replace(facts, mode=mode), SETTINGS, overrides), mode)

    assert measured(USUAL, Mode.FULL)
    assert measured(USUAL, Mode.REPORT_ONLY)
    assert not measured(shrunken, Mode.FULL)
    assert not measured(shrunken, Mode.REPORT_ONLY)
    assert measured(shrunken, Mode.FULL, exclusion_drop=Decimal(90))


@pytest.mark.parametrize(
    ("identifier", "shape"),
    [
        ("jdoe12", "A9"),
        ("Müller7", "A9"),
        ("123456789", "9x9"),
        ("21234000012345", "9x14"),
        ("jane.doe@example.edu", "A.A@A.A"),
        (" W00123456 ", "A9x8"),
        ("1E+09", "9A+9"),
    ],
)
def test_shape_of_an_identifier(identifier: str, shape: str) -> None:
    assert identifier_shape(identifier) == shape


def test_shapes_leave_out_empty_cells() -> None:
    assert identifier_shapes(["jdoe1", "asmith22", "", "  "]) == {"A9"}


@given(st.integers(min_value=0, max_value=5000), st.integers(min_value=0, max_value=5000))
def test_one_more_person_never_makes_the_guards_milder(count: int, more: int) -> None:
    fewer = evaluate_guards(replace(USUAL, to_purge=count), SETTINGS, {})
    longer = evaluate_guards(replace(USUAL, to_purge=count + more), SETTINGS, {})
    assert {each.name for each in stops(fewer)} <= {each.name for each in stops(longer)}


def test_data_exactly_at_the_age_limit_and_just_enough_calls_pass() -> None:
    facts = replace(USUAL, exclusion_files=files(310, "36"), remaining_calls=13 * 210 + 1000)
    assert stops(evaluate_guards(facts, SETTINGS, {})) == ()


def test_twenty_rows_are_enough_to_compare() -> None:
    facts = replace(USUAL, exclusion_files=files(10), previous_exclusion_rows={"loans*.xlsx": 20})
    assert guard("exclusion_drop", facts).level is GuardLevel.STOP
