import hashlib
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.patron_purge.output_samples import (
    MARKER,
    PURGE_PARAMETERS,
    REGROUP_PARAMETERS,
    payload,
    subject,
)

from patron_purge.digest import DigestSubject, approval_code, purge_digest, same_code
from patron_purge.errors import AccountingError
from patron_purge.institution import GuardSettings, RuleSettings
from patron_purge.payloads import check_purge_payload, check_regroup_payload
from patron_purge.states import Mode

CHANGES: dict[str, Any] = {
    "institution": "other",
    "institution_code": "01OTHER",
    "environment": "production",
    "run_id": "r2",
    "mode": Mode.PILOT,
    "marker_group": "OTHER",
    "regroup_job_id": "M149",
    "purge_job_id": "",
    "regroup_payload": check_regroup_payload(payload(REGROUP_PARAMETERS) + b"\n", MARKER),
    "purge_payload": check_purge_payload(payload(PURGE_PARAMETERS) + b"\n", MARKER, RuleSettings()),
    "rules": RuleSettings(waive_threshold=Decimal(1)),
    "guards": GuardSettings(max_count=501),
    "overrides": {"max_count": Decimal(600)},
    "primary_ids": ("jdoe1", "asmith"),
    "snapshot_sha256": "e" * 64,
    "input_sha256": {"report.csv": "b" * 64, "loans.xlsx": "d" * 64},
}


def test_the_digest_is_a_sha256_in_hexadecimal() -> None:
    digest = purge_digest(subject())
    assert len(digest) == 64
    assert int(digest, 16)
    assert digest == purge_digest(subject())


@pytest.mark.parametrize("name", CHANGES)
def test_any_change_changes_the_digest(name: str) -> None:
    assert purge_digest(replace(subject(), **{name: CHANGES[name]})) != purge_digest(subject())


def test_every_part_of_the_subject_is_tried() -> None:
    # There is one engine so far, so it has no other value to change to.
    assert set(CHANGES) | {"engine"} == {each.name for each in fields(DigestSubject)}


@pytest.mark.parametrize(
    "setting",
    [
        {"days_after_purge_date": 2},
        {"record_types": ("PUBLIC", "STAFF")},
        {"protected_groups": ("A",)},
        {"hold_instructors": True},
        {"harmless_roles": ("200", "201")},
        {"instructor_roles": ("52",)},
        {"hold_blocked": True},
        {"hold_note_texts": ("keep",)},
        {"hold_proxies": True},
        {"recent_activity_days": 1},
    ],
)
def test_every_rule_setting_is_part_of_the_digest(setting: dict[str, Any]) -> None:
    assert purge_digest(replace(subject(), rules=RuleSettings(**setting))) != purge_digest(subject())


@given(st.sets(st.text(min_size=1), min_size=1, max_size=8).flatmap(lambda ids: st.permutations(sorted(ids))))
def test_the_order_of_ids_does_not_matter(ids: list[str]) -> None:
    shuffled = replace(subject(), primary_ids=tuple(ids))
    assert purge_digest(shuffled) == purge_digest(replace(subject(), primary_ids=tuple(sorted(ids))))


@given(st.sets(st.text(), max_size=6), st.sets(st.text(), max_size=6))
def test_other_people_give_another_digest(one: set[str], other: set[str]) -> None:
    first = purge_digest(replace(subject(), primary_ids=tuple(one)))
    second = purge_digest(replace(subject(), primary_ids=tuple(other)))
    assert (first == second) == (one == other)


def test_the_order_of_inputs_and_overrides_does_not_matter() -> None:
    same = replace(
        subject(),
        input_sha256=dict(reversed(list(subject().input_sha256.items()))),
        overrides=dict(reversed(list(subject().overrides.items()))),
    )
    assert purge_digest(same) == purge_digest(subject())


@pytest.mark.parametrize(("one", "other"), [("0", "0.00"), ("9.9", "9.90"), ("100", "1E+2"), ("0", "-0")])
def test_equal_amounts_give_the_same_digest(one: str, other: str) -> None:
    first = replace(subject(), overrides={"waived_money": Decimal(one)})
    second = replace(subject(), overrides={"waived_money": Decimal(other)})
    assert purge_digest(first) == purge_digest(second)


def test_ids_that_look_alike_are_not_the_same() -> None:
    composed = replace(subject(), primary_ids=("m\u00fcller",))
    decomposed = replace(subject(), primary_ids=("mu\u0308ller",))
    assert purge_digest(composed) != purge_digest(decomposed)


def test_ids_do_not_run_into_one_another() -> None:
    one = replace(subject(), primary_ids=('a","b',))
    two = replace(subject(), primary_ids=("a", "b"))
    assert purge_digest(one) != purge_digest(two)


def test_a_list_that_names_somebody_twice_has_no_digest() -> None:
    with pytest.raises(AccountingError, match="twice"):
        purge_digest(replace(subject(), primary_ids=("jdoe1", "jdoe1")))


@given(st.binary())
def test_a_code_has_eight_letters_without_look_alikes(content: bytes) -> None:
    code = approval_code(hashlib.sha256(content).hexdigest())
    assert len(code) == 8
    assert set(code) <= set("ABCDEFGHJKMNPQRSTUVWXYZ")


def test_codes_of_different_digests_differ() -> None:
    digests = [hashlib.sha256(bytes([number])).hexdigest() for number in range(200)]
    assert len({approval_code(digest) for digest in digests}) == 200


@pytest.mark.parametrize("typed", ["ABCDEFGH", "abcdefgh", " ABCD EFGH ", "abcd-efgh", "A B-C D\tEFGH\n"])
def test_a_code_may_be_typed_in_many_ways(typed: str) -> None:
    assert same_code(typed, "ABCDEFGH")


@pytest.mark.parametrize("typed", ["", "ABCDEFG", "ABCDEFGJ", "ABCDEFGHH", "ABCD_EFGH", "ÄBCDEFGH"])
def test_another_code_is_not_taken(typed: str) -> None:
    assert not same_code(typed, "ABCDEFGH")


def test_nothing_is_not_the_code_of_nothing() -> None:
    assert not same_code("", "")
    assert not same_code(" - ", "-")
