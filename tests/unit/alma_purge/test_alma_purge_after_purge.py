import re
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

import pytest
from tests.support.task_context import MemoryStore
from tests.support.tenant import (
    MARKER,
    arm,
    change,
    ids_of,
    payload,
    people,
    regroup,
    set_of,
    switch,
    talking,
)

from alma_api.client import AlmaClient
from alma_api.errors import AlmaAuthError, AlmaDailyLimitError
from alma_purge.run_folder import RunFolder
from alma_purge.steps.after_purge import ReconcileProgress, classify_people, read_after_purge
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.people import Expectation
from patron_purge.institution import RuleSettings
from patron_purge.outcome import AfterPurgeState, KeptWhy, Reading, classify_after_purge
from patron_purge.states import RowState

RULES = RuleSettings()
TODAY = datetime.now(UTC).date()
PURGED = AfterPurgeState(RowState.PURGED)
JUDGE = partial(classify_after_purge, rules=RULES, today=TODAY, marker_group=MARKER)


def progress(basis: str = "") -> ReconcileProgress:
    """Return progress that an earlier try has left nothing in."""
    return ReconcileProgress(RunFolder.of_run("demo", "manual__test"), MemoryStore(), basis)


def kept(why: KeptWhy) -> AfterPurgeState:
    return AfterPurgeState(RowState.KEPT_BY_ALMA, why)


def classify(client: AlmaClient, ids: list[str]) -> dict[str, AfterPurgeState]:
    found = classify_people(client, ids, JUDGE, progress())
    by_id = {key: state for state, keys in found.items() for key in keys}
    assert sorted(key for keys in found.values() for key in keys) == sorted(ids), "everybody stands once"
    return by_id


def purge(client: AlmaClient, ids: list[str]) -> None:
    regroup(client, ids)
    set_id = set_of(client, ids, "purge set")
    start = client.jobs.run("M20261", payload("purge_users.json", set_id, "purge"))
    assert client.jobs.instance("M20261", start.instance_id).status.is_terminal


@pytest.mark.parametrize(
    "policy", ["keep_fully_reportable", "keep_statistics", "remove_primary_id", "fully_remove"]
)
def test_everybody_is_accounted_for_under_every_delete_policy(
    sandbox: RunningSandbox, client: AlmaClient, policy: str
) -> None:
    switch(sandbox, delete_user_policy=policy)
    refused = [one for one in people(sandbox) if one.expectation is Expectation.JOB_REFUSES]
    clean, borrower = people(sandbox, "clean"), people(sandbox, "active_loan")
    ids = ids_of([*clean, *refused, *borrower])
    purge(client, ids)
    assert classify(client, ids) == {
        **dict.fromkeys(ids_of(clean), PURGED),
        **dict.fromkeys(ids_of(refused), kept(KeptWhy.NOT_KNOWN)),
        **dict.fromkeys(ids_of(borrower), kept(KeptWhy.LOANS)),
    }


def test_somebody_else_with_that_barcode_does_not_bring_a_purged_person_back(
    sandbox: RunningSandbox, client: AlmaClient
) -> None:
    person, other = people(sandbox, "clean")[0], people(sandbox, "clean_internal")[0]
    purge(client, [person.primary_id])
    with sandbox.tenant.lock, sandbox.tenant.users.changing(other):
        other.identifiers = [{**other.identifiers[0], "value": person.primary_id}]
    assert classify(client, [person.primary_id]) == {person.primary_id: PURGED}


def test_whoever_is_still_there_is_kept_with_the_likely_reason(
    sandbox: RunningSandbox, client: AlmaClient
) -> None:
    owing, asking, late, plain, waiting, *_ = ids_of(people(sandbox, "clean"))
    change(sandbox, owing, add_fee=3.5)
    change(sandbox, waiting, add_request=True, add_rs_request_on_hold=True)
    change(sandbox, asking, add_request=True)
    change(sandbox, late, purge_date=TODAY)
    assert classify(client, [owing, asking, late, plain, waiting]) == {
        waiting: kept(KeptWhy.RESOURCE_SHARING),
        owing: kept(KeptWhy.FEES),
        asking: kept(KeptWhy.REQUESTS),
        late: kept(KeptWhy.PURGE_DATE),
        plain: kept(KeptWhy.NOT_KNOWN),
    }


@pytest.mark.parametrize("kind", ["500", "502_html", "reset_before", "truncated", "refusal"])
def test_whoever_can_not_be_read_is_unknown_and_not_purged(
    sandbox: RunningSandbox, client: AlmaClient, kind: str
) -> None:
    key = people(sandbox, "clean")[0].primary_id
    arm(sandbox, kind, method="GET", path=f"/users/{re.escape(quote(key, safe=''))}\\?", times=0)
    assert classify(client, [key]) == {key: AfterPurgeState(RowState.UNKNOWN)}


@pytest.mark.parametrize("code", ["401651", "401861", "401890"])
def test_fees_that_are_not_found_prove_nothing(
    sandbox: RunningSandbox, client: AlmaClient, code: str
) -> None:
    key = people(sandbox, "clean")[0].primary_id
    arm(sandbox, "refusal", method="GET", path="/fees", times=0, code=code)
    assert read_after_purge(client, key).reading is Reading.FOUND
    assert classify(client, [key]) == {key: kept(KeptWhy.NOT_KNOWN)}


def test_the_fees_of_a_deleted_record_are_not_asked_for(sandbox: RunningSandbox, client: AlmaClient) -> None:
    switch(sandbox, delete_user_policy="keep_fully_reportable")
    key = people(sandbox, "clean")[0].primary_id
    purge(client, [key])
    arm(sandbox, "refusal", method="GET", path="/fees", times=0, code="401651")
    assert classify(client, [key]) == {key: PURGED}


def test_trouble_with_the_key_or_the_quota_is_no_answer_about_anybody(
    sandbox: RunningSandbox, client: AlmaClient
) -> None:
    ids = ids_of(people(sandbox, "clean"))
    with talking(sandbox, "unknown") as stranger, pytest.raises(AlmaAuthError):
        classify_people(stranger, ids, JUDGE, progress())
    arm(sandbox, "429_day", method="GET", nth=3, times=0)
    with pytest.raises(AlmaDailyLimitError):
        classify_people(client, ids, JUDGE, progress())
