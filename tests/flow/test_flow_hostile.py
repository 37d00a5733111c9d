"""An Alma that answers badly and people who change under way, from the approval to the certificate."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from tests.support.chain import ACCOUNTING, ACTING, Chain
from tests.support.config import own_config
from tests.support.flow import connect
from tests.support.tenant import (
    MARKER,
    advance,
    arm,
    calls,
    change,
    changing_calls,
    digest_of,
    disarm,
    ids_of,
    job_starts,
    members_of,
    people,
    switch,
    whole_state,
    workbooks,
)

from alma_api.rate_limit import RateLimit
from alma_purge import files
from alma_purge.sensors.approval import PurgeApprovalSensor
from alma_purge.steps import job_start
from alma_purge.steps.job_book import read_job_record
from alma_purge.triggers.alma_job import AlmaJobEndTrigger
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.people import Expectation
from alma_sandbox.testing import running_sandbox
from patron_purge import looked
from patron_purge.decision import Person as Staff
from patron_purge.ledger import read_ledger_csv
from patron_purge.looked import Looked, Seen

pytestmark = pytest.mark.usefixtures("airflow_database")

GUARDS = {"max_percent_of_report": 100, "max_count_without_history": 500}
REGROUP, PURGE = "/conf/jobs/M148", "/conf/jobs/M20261"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunningSandbox]:
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{tmp_path / 'store'}")
    monkeypatch.setattr(RateLimit, "wait", lambda _self: None)
    own_config(monkeypatch, tmp_path / "config", guards=GUARDS, poll_seconds=0.05)
    with running_sandbox(users=200) as running:
        connect(monkeypatch, running)
        yield running


@pytest.fixture
def chain(sandbox: RunningSandbox) -> Chain:
    """A run whose list is approved."""
    del sandbox
    made = Chain()
    made.to_review()
    made.approve()
    return made


def groups(sandbox: RunningSandbox) -> dict[str, str]:
    return {one.primary_id: one.user_group for one in people(sandbox)}


def in_marker_group(sandbox: RunningSandbox) -> set[str]:
    return {key for key, group in groups(sandbox).items() if group == MARKER}


def refusing(sandbox: RunningSandbox) -> list[str]:
    """Return whom the purge job keeps for a reason that nobody can read."""
    return ids_of([one for one in people(sandbox) if one.expectation is Expectation.JOB_REFUSES])


def states(chain: Chain) -> dict[str, tuple[str, str]]:
    """Return state and reason of every row of the final ledger."""
    ledger = read_ledger_csv(chain.open().folder.read(files.LEDGER_RESTORED))
    rows = zip(ledger["primary_id"], ledger["state"], ledger["reason"], strict=True)
    return {str(key): (str(state), str(reason)) for key, state, reason in rows}


def test_fees_that_nobody_finds_after_the_purge_make_nobody_purged(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    home, kept = groups(sandbox), set(refusing(sandbox))
    assert kept
    approved = set(chain.approved())
    chain.purged()
    arm(sandbox, "refusal", method="GET", path="/fees", code="401651", times=0)
    chain.account()
    assert {key for key, (state, _) in states(chain).items() if state == "purged"} == approved - kept
    assert {key for key, (state, _) in states(chain).items() if state == "kept_by_alma"} == kept
    assert groups(sandbox) == {key: group for key, group in home.items() if key not in approved - kept}
    certificate = chain.document(files.CERTIFICATE)
    assert (certificate["outcome"], certificate["sent"]) == ("partly", len(approved))
    assert certificate["purged"] == len(approved - kept)


def test_whoever_was_moved_to_another_group_during_the_approval_is_left_alone(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    approved = chain.approved()
    moved = approved[0]
    change(sandbox, moved, user_group="30" if groups(sandbox)[moved] != "30" else "20")
    (person,) = [one for one in people(sandbox) if one.primary_id == moved]
    before = digest_of(sandbox, person)
    chain.purged()
    chain.account()
    assert digest_of(sandbox, person) == before
    assert states(chain)[moved] == ("dropped_late", "group_changed")
    assert chain.document(files.CERTIFICATE)["sent"] == len(approved) - 1
    worked_on = [run.captured for run in sandbox.tenant.jobs.runs]
    assert len(worked_on) == 2
    assert all(captured and person.serial not in captured for captured in worked_on)
    assert calls(sandbox, "PUT", quote(moved, safe="")) == 0


def test_where_alma_shows_no_names_an_unclear_start_stops_at_once_and_nobody_is_moved(
    sandbox: RunningSandbox, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch(sandbox, job_name_echoed=False)
    chain.moved()
    switch(sandbox, job_seconds=3600)
    arm(sandbox, "reset_after", method="POST", path=PURGE)
    said = chain.stop("purge_users")
    for part in ("It is not known whether", "can't be looked up", "not sent again", "Monitor Jobs"):
        assert part in said
    assert len(job_starts(sandbox)) == 2
    approved = set(chain.approved())
    before = whole_state(sandbox)
    monkeypatch.setattr(job_start, "UNLISTED_IS_OVER", timedelta(0))
    for task_id in ("reconcile", "restore_kept"):
        assert "an approver can say so on the review page" in chain.stop(task_id)
    chain.stop("certify")
    assert chain.document(files.CERTIFICATE)["outcome"] == "failed"
    assert whole_state(sandbox) == before
    assert in_marker_group(sandbox) == approved
    assert "It is not known whether" in chain.stop("purge_users"), "clearing sends nothing either"
    assert calls(sandbox, "POST", PURGE) == len(job_starts(sandbox)) - 1 == 1


def test_where_alma_shows_no_names_a_person_who_saw_the_end_of_the_purge_lets_everybody_be_accounted_for(
    sandbox: RunningSandbox, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looked, "LOOK_AFTER", timedelta(0))
    switch(sandbox, job_name_echoed=False)
    before = {one.primary_id for one in people(sandbox)}
    chain.moved()
    arm(sandbox, "reset_after", method="POST", path=PURGE)
    chain.stop("purge_users")
    assert len(job_starts(sandbox)) == 2
    advance(sandbox, 3600)
    assert "wait until it has ended" in chain.stop("reconcile")

    record = read_job_record(chain.open().folder, files.PURGE_RECORD)
    entry = Looked(
        job_name=record.job_name,
        attempt=record.attempt,
        by=Staff(id="olga", name="Olga"),
        at=datetime.now(UTC),
        seen=Seen.ENDED,
    )
    chain.open().folder.append(files.LOOKED_ENTRY, entry.to_bytes())
    for task_id in ("reconcile", "restore_kept"):
        assert "failed; look there for what to do" in chain.stop(task_id)
    purged = before - {one.primary_id for one in people(sandbox)}
    ledger = read_ledger_csv(chain.open().folder.read(files.LEDGER_RESTORED))
    assert purged
    assert set(ledger.loc[ledger["state"] == "purged", "primary_id"]) == purged
    assert in_marker_group(sandbox) == set()
    assert calls(sandbox, "POST", PURGE) == 1


def test_whoever_was_taken_off_late_from_a_list_that_is_made_again_does_not_spoil_the_books(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    first = chain.approved()
    change(sandbox, first[0], add_loan=True)
    arm(sandbox, "500", method="POST", path="/conf/sets", times=0)
    chain.stop("regroup_users")
    assert first[0] in chain.document(files.DROPS_REGROUP)
    disarm(sandbox)

    chain.to_review()
    assert first[0] not in chain.approved()
    chain.approve()
    del chain.states["regroup_users"]
    chain.purged()
    chain.account()
    assert job_starts(sandbox)
    assert in_marker_group(sandbox) == set()


def test_a_file_that_has_shrunk_since_the_approval_stops_the_regroup(sandbox: RunningSandbox) -> None:
    workbooks(sandbox, "add", book="fines", ids=[f"more{number}" for number in range(40)])
    chain = Chain()
    chain.to_review()
    chain.approve()
    workbooks(sandbox, "shrink", book="fines", keep=4)
    before = whole_state(sandbox)
    assert "rows when the list was made and has" in chain.stop("regroup_users")
    assert changing_calls(sandbox) == []
    for task_id in ACCOUNTING:
        chain.stop(task_id)
    assert whole_state(sandbox) == before
    assert chain.document(files.CERTIFICATE)["outcome"] == "stopped"


def test_a_guard_that_has_stopped_a_shrunken_file_stops_it_in_the_next_run_too(
    sandbox: RunningSandbox,
) -> None:
    workbooks(sandbox, "add", book="fines", ids=[f"more{number}" for number in range(40)])
    month = Chain("manual__1", mode="report_only")
    month.to_review()
    month.account("certify")
    workbooks(sandbox, "shrink", book="fines", keep=4)
    for run_id in ("manual__2", "manual__3"):
        later = Chain(run_id)
        said = later.stop_at_review()
        assert "exclusion_drop: " in said
        later.stop("certify")
        assert later.document(files.CERTIFICATE)["outcome"] == "stopped"
    assert changing_calls(sandbox) == []


def test_a_list_that_a_guard_has_stopped_moves_nobody_even_with_an_approval_on_file(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    strict = {"max_count": 2, "max_percent_of_report": 100}
    own_config(monkeypatch, tmp_path / "strict", guards=strict, poll_seconds=0.05)
    chain = Chain()
    assert "max_count: " in chain.stop_at_review()
    approval = PurgeApprovalSensor(
        task_id="approve_purge",
        institution_name="",
        environment="sandbox",
        approvers=["olga"],
        approval_hours=72,
    )
    with pytest.raises(AirflowFailException, match="A guard has stopped this list"):
        approval.execute(chain.context("approve_purge"))
    chain.approve()
    for task_id in ACTING:
        assert "A guard has stopped this list" in chain.stop(task_id)
    assert changing_calls(sandbox) == []


def test_when_alma_is_full_the_start_waits_and_everybody_is_checked_again(
    sandbox: RunningSandbox, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma_purge.steps.job_start.PAUSE_WHEN_FULL", timedelta(seconds=5))
    arm(sandbox, "402222", method="POST", path=REGROUP)
    with pytest.raises(TaskDeferred) as waiting:
        ACTING["regroup_users"](task_id="regroup_users").execute(chain.context("regroup_users"))
    assert isinstance(waiting.value.trigger, DateTimeTrigger)
    assert waiting.value.trigger.moment.timestamp() - datetime.now(UTC).timestamp() < 5
    assert job_starts(sandbox) == []
    approved = chain.approved()
    borrower = approved[0]
    change(sandbox, borrower, add_loan=True)
    home = groups(sandbox)[borrower]

    operator = ACTING["regroup_users"](task_id="regroup_users")
    with pytest.raises(TaskDeferred) as started:
        getattr(operator, waiting.value.method_name)(chain.context("regroup_users"), datetime.now(UTC))
    assert isinstance(started.value.trigger, AlmaJobEndTrigger)
    (held,) = sandbox.tenant.sets.all()
    assert sorted(members_of(sandbox, held.set_id)) == approved[1:]
    chain.finish("regroup_users")
    assert in_marker_group(sandbox) == set(approved[1:])
    assert groups(sandbox)[borrower] == home
    assert (calls(sandbox, "POST", REGROUP), len(job_starts(sandbox))) == (2, 1)
