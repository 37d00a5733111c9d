"""What a record does not tell holds a person back, and so do sums that differ."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.support.tenant import people, switch
from tests.unit.alma_api.user_sample import user_record
from tests.unit.alma_purge.test_alma_purge_live_check import check, set_fees
from tests.unit.patron_purge.output_samples import CLEAR

from alma_api.client import AlmaClient
from alma_api.models import FeeSummary, User
from alma_api.user_record import read_user
from alma_purge.steps.patrons import patron_without_fees, with_fees
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.people import Fee
from patron_purge.patron import Finding
from patron_purge.states import Reason


def without(*parts: str, **changes: Any) -> User:
    record = user_record(fees={"value": Decimal("12.5")}, **changes)
    return read_user({key: value for key, value in record.items() if key not in parts})


def test_a_full_record_tells_everything() -> None:
    patron = patron_without_fees(read_user(user_record(fees=None)), "9900112233")
    assert patron.active_roles == ("200",)
    assert patron.identifiers == ("21234000123456",)
    empty = patron_without_fees(
        read_user(user_record(fees=None, user_role=[], user_identifier=[])), "9900112233"
    )
    assert (empty.active_roles, empty.identifiers) == ((), ())


@pytest.mark.parametrize(
    "user",
    [without("user_role", "user_identifier"), without(user_role=None, user_identifier=None)],
    ids=["missing", "null"],
)
def test_a_record_without_roles_and_identifiers_tells_none(user: User) -> None:
    patron = patron_without_fees(user, "9900112233")
    assert (patron.active_roles, patron.identifiers) == (None, None)


def test_preferred_names_are_read() -> None:
    record = user_record(fees=None, pref_first_name="Ada", pref_last_name="King", pref_middle_name=None)
    patron = patron_without_fees(read_user(record), "9900112233")
    assert (patron.preferred_first_name, patron.preferred_last_name) == ("Ada", "King")
    plain = patron_without_fees(read_user(user_record(fees=None, pref_first_name=None)), "9900112233")
    assert (plain.preferred_first_name, plain.preferred_last_name) == ("", "")


@pytest.mark.parametrize(("part", "said"), [("user_role", "roles"), ("user_identifier", "identifiers")])
def test_whoever_is_read_without_a_part_of_the_record_is_held_back(
    sandbox: RunningSandbox, client: AlmaClient, part: str, said: str
) -> None:
    person = people(sandbox, "clean")[0]
    with sandbox.tenant.lock:
        person.details = {**person.details, part: None}
    assert check(client, person).finding == Finding(Reason.NOT_CHECKED, f"Alma did not give the {said}")


class Lists:
    """Stands for the users API of a client, where only the fees are asked for."""

    def __init__(self, owed: str, credit: str) -> None:
        self.users = self
        self._summary = FeeSummary(Decimal(owed), Decimal(credit), Decimal(owed))

    def fees_total(self, _primary_id: str) -> FeeSummary:
        return self._summary


@pytest.mark.parametrize(
    ("recorded", "owed", "credit", "agree"),
    [
        ("0", "0", "0", True),
        ("5", "5", "0", True),
        ("5", "8.35", "0", True),
        ("-45", "5", "50", True),
        ("5.01", "5", "0", False),
        ("12.5", "0", "0", False),
        ("-1", "0", "0", False),
        ("-1", "7", "0.5", False),
        (None, "0", "0", False),
    ],
)
def test_money_is_known_only_when_record_and_lists_do_not_contradict(
    *, recorded: str | None, owed: str, credit: str, agree: bool
) -> None:
    patron = replace(CLEAR, fees_on_record=None if recorded is None else Decimal(recorded))
    patron = with_fees(Lists(owed, credit), patron)  # type: ignore[arg-type]  # only the fees are asked for
    expected = (Decimal(owed), Decimal(credit)) if agree else (None, None)
    assert (patron.open_fees, patron.credit) == expected


@pytest.mark.parametrize("expanded", ["active", "open"])
def test_whatever_the_record_adds_up_honest_sums_agree(
    sandbox: RunningSandbox, client: AlmaClient, expanded: str
) -> None:
    switch(sandbox, expanded_fees=expanded)
    fees = (Fee("1", 0.1), Fee("2", 0.2), Fee("3", 7.0, "EXPORTED"), Fee("4", 0.7, "INDISPUTE"))
    person = people(sandbox, "clean")[0]
    set_fees(sandbox, person, *fees)
    assert check(client, person, waive="8").finding is None
    set_fees(sandbox, person, *fees, Fee("5", -50.0, fee_type="CREDIT"))
    assert check(client, person, waive="8").finding == Finding(Reason.CREDIT_BALANCE, "credit of 50.00")


@pytest.mark.parametrize("value", [0.01, -3.5, None])
def test_money_that_only_the_record_knows_of_holds_back(
    sandbox: RunningSandbox, client: AlmaClient, value: float | None
) -> None:
    person = people(sandbox, "clean")[0]
    with sandbox.tenant.lock:
        person.details = {**person.details, "fees": {"value": value, "link": ""}}
    said = "Alma gave no sum of the open fees, or sums that differ"
    assert check(client, person, waive="40").finding == Finding(Reason.NOT_CHECKED, said)
