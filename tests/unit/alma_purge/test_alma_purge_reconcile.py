"""The task reconcile: resumed after a crash, and held against the purge job's own counters."""

import json
from collections import Counter
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from tests.support.chain import Chain
from tests.support.tenant import advance, arm, change, disarm, people, switch

from alma_purge import files
from alma_purge.operators.base import JOB_KEY
from alma_purge.operators.reconcile import ReconcileOperator
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.people import Blocker
from patron_purge.ledger import counts_by_state, read_ledger_csv
from patron_purge.states import RowState

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

ONE_USER = r"/users/[^/?]+(\?|$)"


@pytest.fixture
def chain(sandbox: RunningSandbox) -> Chain:
    """A run whose purge job has ended; Alma has kept a few people."""
    del sandbox
    made = Chain()
    made.to_review()
    made.approve()
    made.purged()
    return made


def reads(sandbox: RunningSandbox) -> Counter[str]:
    """Count how often Alma has given out each person or said that there is nobody."""
    with sandbox.tenant.lock:
        entries = list(sandbox.tenant.journal.entries)
    return Counter(
        one.path.rpartition("/")[2]
        for one in entries
        if one.method == "GET" and one.path.rpartition("/")[0].endswith("/users") and one.status != 429
    )


def break_off(sandbox: RunningSandbox, chain: Chain, after: int) -> None:
    """Let reconcile end in the middle: from one read on, Alma gives nobody out any more."""
    arm(sandbox, "429_day", method="GET", path=ONE_USER, nth=after + 1, times=0)
    with pytest.raises(TaskDeferred):  # it waits for the calls of the next day
        ReconcileOperator(task_id="reconcile").execute(chain.context("reconcile"))
    disarm(sandbox)


def kept_files(chain: Chain) -> list[str]:
    return [one.name for one in chain.open().folder.path.iterdir() if "progress" in one.name]


def test_after_a_crash_reconcile_goes_on_where_it_stopped(sandbox: RunningSandbox, chain: Chain) -> None:
    chain.account("reconcile")
    undisturbed = chain.open().folder.read(files.LEDGER)
    assert len(counts_by_state(read_ledger_csv(undisturbed))) > 3
    before = reads(sandbox)
    for after in (6, 0, 4):
        break_off(sandbox, chain, after)
        assert kept_files(chain)
    chain.account("reconcile")
    again = reads(sandbox) - before
    assert sorted(again.values()) == [1] * len(chain.approved()), "somebody was read twice or not at all"
    assert chain.open().folder.read(files.LEDGER) == undisturbed
    assert kept_files(chain) == []


def edit_purge_record(chain: Chain, **values: Any) -> None:
    """Change what is on record about the purge job."""
    record = chain.document(files.PURGE_RECORD) | values
    chain.open().folder.write(files.PURGE_RECORD, json.dumps(record).encode())
    chain.xcoms["purge_users", JOB_KEY] = json.dumps(record)


def test_what_was_read_about_another_job_instance_does_not_count(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    break_off(sandbox, chain, 15)
    before = reads(sandbox)
    edit_purge_record(chain, instance_id="99999999999999")
    chain.account("reconcile")
    assert len(reads(sandbox) - before) == len(chain.approved())


def test_whoever_could_not_be_read_is_read_again_and_nobody_else(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    unread = [key for key in chain.approved() if key.isalnum()][:3]
    for key in unread:
        arm(sandbox, "refusal", method="GET", path=f"/users/{key}(\\?|$)", times=0, code="60101")
    assert chain.stop("reconcile").startswith("It is not known what became of 3 people")
    disarm(sandbox)
    before = reads(sandbox)
    chain.account("reconcile")
    assert sorted(reads(sandbox) - before) == sorted(unread)


def test_the_equation_and_the_counters_of_the_job_are_said(chain: Chain) -> None:
    chain.account("reconcile")
    states = counts_by_state(read_ledger_csv(chain.open().folder.read(files.LEDGER)))
    said = chain.said("reconcile", "summary")
    purged, kept = states[RowState.PURGED], states[RowState.KEPT_BY_ALMA]
    assert kept > 0
    assert f" = {purged:,} purged + {kept:,} kept by Alma + " in said
    assert f"The job's counter 'Users purged' says {purged:,}, single reads say {purged:,} purged" in said
    assert (
        f"The job's counter 'Users not purged' says {kept:,}, single reads say {kept:,} kept by Alma" in said
    )


@pytest.mark.parametrize("name", ["Users purged", "Users not purged", "label.records.processed"])
def test_a_gap_to_a_counter_of_the_job_fails_and_names_both_numbers(chain: Chain, name: str) -> None:
    chain.account("reconcile")
    states = counts_by_state(read_ledger_csv(chain.open().folder.read(files.LEDGER)))
    purged, kept = states[RowState.PURGED], states[RowState.KEPT_BY_ALMA]
    counted = {"Users purged": purged, "Users not purged": kept}.get(name, purged + kept)
    counter = {"code": "c", "description": name, "value": counted + 1}
    edit_purge_record(chain, counters=[counter])
    said = chain.stop("reconcile")
    assert f"The job's counter '{name}' says {counted + 1:,}, single reads say {counted:,}" in said
    assert not any(key in said for key in chain.approved() if len(key) > 5)
    chain.stop("restore_kept")
    assert chain.document(files.RESTORE)["restored"] == kept, "the gap keeps nobody from the old group"
    chain.stop("certify")
    assert chain.document(files.CERTIFICATE)["outcome"] == "failed"


@pytest.mark.parametrize("name", ["Requests deleted", "Fees waived", "label.something", "Loans anonymized"])
def test_a_counter_of_unknown_meaning_is_shown_and_does_not_fail(chain: Chain, name: str) -> None:
    edit_purge_record(chain, counters=[{"code": "c", "description": name, "value": 9_999}])
    chain.account("reconcile")
    assert f"The job's counter '{name}' says 9,999." in chain.said("reconcile", "summary")


def test_a_gap_that_was_alma_lagging_behind_is_gone_at_the_next_try(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    lagging = next(one.primary_id for one in people(sandbox) if one.primary_id in chain.approved())
    arm(sandbox, "refusal", method="GET", path=ONE_USER, code="401861", times=len(chain.approved()))
    assert "the single reads differ" in chain.stop("reconcile")
    assert chain.xcoms["reconcile", "trouble"], "the task is tried again"
    disarm(sandbox)
    chain.account("reconcile")
    ledger = read_ledger_csv(chain.open().folder.read(files.LEDGER)).set_index("primary_id")
    assert ledger.loc[lagging, "state"] == RowState.KEPT_BY_ALMA


def test_a_purge_that_broke_off_counted_less_and_only_says_so(chain: Chain) -> None:
    counter = {"code": "c", "description": "Users purged", "value": 0}
    edit_purge_record(chain, stage="ended_badly", counters=[counter])
    chain.account("reconcile")
    assert "says 0, single reads say" in chain.said("reconcile", "summary")


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        ({"add_loan": True}, "has active loans"),
        ({"add_fee": 12.0}, "owes more than the waive threshold"),
        ({"purge_date": None}, "purge date is missing or too recent"),
        ({"add_role": "32", "add_blocker": Blocker.PO_LINE}, "has a role besides the harmless ones"),
        ({"add_rs_request_on_hold": True}, "has a resource sharing request on the hold shelf"),
        ({"add_blocker": Blocker.INVOICE}, "no reason visible; see the job report in Alma"),
    ],
)
def test_why_alma_kept_somebody_stands_in_the_ledger(
    sandbox: RunningSandbox, happens: dict[str, Any], words: str
) -> None:
    made = Chain()
    made.to_review()
    made.approve()
    made.moved()
    switch(sandbox, job_seconds=100)
    made.start("purge_users")
    victim = made.approved()[0]
    change(sandbox, victim, **happens)
    advance(sandbox, 1000)
    made.finish("purge_users")
    made.account("reconcile")
    ledger = read_ledger_csv(made.open().folder.read(files.LEDGER)).set_index("primary_id")
    assert (ledger.loc[victim, "state"], ledger.loc[victim, "detail"]) == (RowState.KEPT_BY_ALMA, words)


def test_a_task_that_can_not_be_mended_by_another_try_is_not_tried_again(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ALMA_DEMO", json.dumps({"conn_type": "alma"}))
    with pytest.raises(AirflowFailException):
        ReconcileOperator(task_id="reconcile").execute(chain.context("reconcile"))
