"""Every Delete User Policy, with people who are refused for every reason: everybody is accounted for."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from airflow.providers.standard.operators.hitl import HITLOperator
from tests.support.chain import Chain
from tests.support.config import own_config
from tests.support.tenant import MARKER, advance, change, people, switch

from alma_purge import files
from alma_purge.sensors.purge_by_hand import PurgeByHandSensor
from alma_purge.sensors.purge_by_hand_form import ENDED
from alma_sandbox.control.operator import LegacyPurge, legacy_purge
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.people import Blocker, Expectation, Person
from alma_sandbox.state.switches import Switches
from patron_purge.ledger import equation, read_ledger_csv
from patron_purge.states import RowState

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

POLICIES = get_args(Switches.model_fields["delete_user_policy"].annotation)
EXPANDED = ("loans", "requests", "fees")
# What may happen to somebody between the last check and the moment when Alma looks.
LATE: dict[str, dict[str, Any]] = {
    "has active loans": {"add_loan": True},
    "owes more than the waive threshold": {"add_fee": 7.5},
    "purge date is missing or too recent": {"purge_date": None},
    "has a resource sharing request on the hold shelf": {"add_rs_request_on_hold": True},
    "has a role besides the harmless ones": {"add_role": "32", "add_blocker": Blocker.RECORD_LOCK},
}
BehindTheBack = Callable[[], None]


def purge_by_job(sandbox: RunningSandbox, chain: Chain, meanwhile: BehindTheBack) -> None:
    """Purge with the set-based job; something happens while it is still queued."""
    chain.moved()
    switch(sandbox, job_seconds=100)
    chain.start("purge_users")
    meanwhile()
    advance(sandbox, 1000)
    switch(sandbox, job_seconds=0)
    chain.finish("purge_users")


def purge_by_hand(sandbox: RunningSandbox, chain: Chain, meanwhile: BehindTheBack) -> None:
    """Purge on Alma's page, as a person who is asked to; something happens before the person gets to it."""
    chain.moved()
    sensor = PurgeByHandSensor(
        task_id="purge_users", institution_name="x", environment="sandbox", approvers=["olga"]
    )
    context = chain.context("purge_users")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HITLOperator, "execute", lambda _self, _context: None)
        sensor.execute(context)
    meanwhile()
    counts = legacy_purge(sandbox.control, LegacyPurge(days=1, record_type="PUBLIC", group=MARKER))
    typed = {"purged": counts["label.users.purged"], "kept": counts["label.users.not.purged"]}
    answer = {"responded_by_user": {"id": "olga"}, "chosen_options": [ENDED], "params_input": typed}
    sensor.execute_complete(context, answer)


ENGINES: dict[str, Callable[[RunningSandbox, Chain, BehindTheBack], None]] = {
    "job": purge_by_job,
    "manual": purge_by_hand,
}
SETTINGS: dict[str, dict[str, Any]] = {"job": {}, "manual": {"engine": "manual", "purge_job": None}}


def everybody(sandbox: RunningSandbox) -> list[Person]:
    """Return all people, also those who are gone."""
    with sandbox.tenant.lock:
        return [*sandbox.tenant.users, *sandbox.tenant.users.gone.values()]


def records(sandbox: RunningSandbox) -> dict[str, Any]:
    """Return the whole record of everybody who is still a patron."""
    with sandbox.tenant.lock:
        tenant = sandbox.tenant
        there = [one for one in tenant.users if one.status != "DELETED"]
        return {one.primary_id: copy.deepcopy(tenant.record(one, EXPANDED)) for one in there}


def private_texts(person: Person) -> list[str]:
    """Return everything by which a person could be recognised."""
    first, last = person.first_name, person.last_name
    barcodes = [str(one["value"]) for one in person.identifiers]
    return [person.primary_id, f"{first} {last}", f"{last}, {first}", *barcodes]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("policy", POLICIES)
def test_under_every_policy_the_equation_closes_and_whoever_was_kept_is_as_before(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, policy: str, engine: str
) -> None:
    assert len(POLICIES) == 4
    own_config(monkeypatch, tmp_path / "config", poll_seconds=0.05, **SETTINGS[engine])
    switch(sandbox, delete_user_policy=policy, deleted_in_search=True)
    chain = Chain()
    chain.to_review()
    chain.approve()
    approved = chain.approved()
    persons = {one.primary_id: one for one in people(sandbox)}
    refused = {key for key in approved if persons[key].expectation is Expectation.JOB_REFUSES}
    assert {kind for key in refused for kind in persons[key].blockers} == set(Blocker) - {
        Blocker.PURCHASE_ORDER
    }, "the list holds people of every hidden reason"
    plain = [key for key in approved if key not in refused]
    late = dict(zip(LATE, plain, strict=False))
    assert len(late) == len(LATE) < len(plain)
    barcode_of_the_purged, other = plain[-1], people(sandbox, "expiry_future")[0]
    before: dict[str, Any] = {}

    def meanwhile() -> None:
        for words, key in late.items():
            change(sandbox, key, **LATE[words])
        with sandbox.tenant.lock, sandbox.tenant.users.changing(other):
            other.identifiers = [{**other.identifiers[0], "value": barcode_of_the_purged}]
        before.update(records(sandbox))

    home = {key: record["user_group"] for key, record in records(sandbox).items()}
    ENGINES[engine](sandbox, chain, meanwhile)
    chain.account()

    after = records(sandbox)
    kept = refused | set(late.values())
    assert set(before) - set(after) == set(approved) - kept, "exactly the others are gone"
    for key, record in after.items():
        assert record == before[key] | {"user_group": home[key]}, f"changed: {persons[key].scenario}"
    assert all(record["user_group"]["value"] != MARKER for record in after.values())

    ledger = read_ledger_csv(chain.open().folder.read(files.LEDGER_RESTORED))
    assert equation(ledger).closes
    rows = ledger[ledger["primary_id"].isin(approved)].set_index("primary_id")
    assert set(rows.index[rows["state"] == RowState.PURGED]) == set(approved) - kept
    assert {key: rows.loc[key, "detail"] for key in late.values()} == {
        key: words for words, key in late.items()
    }
    assert set(rows.loc[sorted(kept), "group_restored"]) == {"restored"}
    certificate = chain.document(files.CERTIFICATE)
    assert (certificate["outcome"], certificate["problems"]) == ("partly", [])
    assert certificate["purged"] == len(approved) - len(kept)
    assert {one["label"]: one["count"] for one in certificate["kept_by_alma"]} == {
        **dict.fromkeys(LATE, 1),
        "no reason visible; see the job report in Alma": len(refused),
    }
    folder = chain.open().folder
    public = b"".join(folder.read(name) for name in (files.CERTIFICATE, files.CERTIFICATE_PAGE)).decode()
    told = [one.scenario for one in everybody(sandbox) for text in private_texts(one) if text in public]
    assert told == [], "somebody can be recognised in the certificate"


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("group", ["10", MARKER])
def test_somebody_else_holding_a_purged_id_as_a_barcode_is_never_touched(
    sandbox: RunningSandbox, policy: str, group: str
) -> None:
    switch(sandbox, delete_user_policy=policy)
    chain = Chain()
    chain.to_review()
    chain.approve()
    chain.purged()
    victim = next(key for key in chain.approved() if key not in records(sandbox))
    other = people(sandbox, "expiry_future")[0]
    with sandbox.tenant.lock, sandbox.tenant.users.changing(other):
        other.identifiers = [{**other.identifiers[0], "value": victim}]
        other.user_group = group
    before = records(sandbox)[other.primary_id]
    if group == MARKER and policy != "keep_fully_reportable":
        # It may be the same person under a new id: nobody decides that but a person.
        assert "what became of 1 people" in chain.stop("reconcile")
        assert "1: the record has another primary id now" in chain.stop("restore_kept")
    else:
        chain.account()
    assert records(sandbox)[other.primary_id] == before
