import json

import pytest
from airflow.sdk.exceptions import AirflowFailException
from tests.support.task_context import TaskStandIn, purge_run, task_context

from alma_purge.run_folder import RunFolder
from alma_purge.steps.drops import read_drops, write_drops
from alma_purge.steps.upstream import FLOW, Problem, fail_after, failed_before, problems_before
from patron_purge.errors import RunFileError
from patron_purge.patron import Finding
from patron_purge.states import Reason

DROPS = "drops-purge.json"
LOAN = Finding(Reason.ACTIVE_LOANS, "2 loans")
FEES = Finding(Reason.OPEN_FEES, "12.00")


def certify_after(**states: str) -> TaskStandIn:
    return TaskStandIn("certify", states=states)


def test_a_run_in_which_nothing_failed_goes_on() -> None:
    context = task_context(certify_after(**dict.fromkeys(FLOW[:-1], "success")))
    assert failed_before(context) == ()
    assert problems_before(context) == ()
    fail_after(context)


def test_skipped_and_unreached_tasks_are_no_failures() -> None:
    context = task_context(certify_after(approve_purge="skipped", regroup_users="upstream_failed"))
    fail_after(context)


def test_the_tasks_that_failed_are_named_in_the_order_of_the_flow() -> None:
    ti = certify_after(purge_users="failed", pull_report="failed", reconcile="failed", certify="failed")
    ti.xcoms["pull_report", "stop"] = "There is no report. Nothing was changed."
    context = task_context(ti)
    ti.xcoms["reconcile", "trouble"] = "Alma does not answer."
    assert problems_before(context) == (
        Problem("pull_report: There is no report. Nothing was changed.", decided=True),
        Problem("purge_users: failed; its log says why.", decided=False),
        Problem("reconcile: Alma does not answer.", decided=False),
    )
    with pytest.raises(AirflowFailException, match=r"pull_report, purge_users, reconcile failed; look there"):
        fail_after(context)


def test_a_task_that_only_followed_another_is_no_cause_of_its_own() -> None:
    ti = TaskStandIn("reconcile", states={"purge_users": "failed"})
    with pytest.raises(AirflowFailException):
        fail_after(task_context(ti))
    later = TaskStandIn("certify", xcoms=ti.xcoms, states={"purge_users": "failed", "reconcile": "failed"})
    assert failed_before(task_context(later)) == ("purge_users",)


def test_whoever_is_taken_off_stays_off_with_the_first_reason(folder: RunFolder) -> None:
    run = purge_run()
    assert read_drops(run, DROPS) == {}
    write_drops(run, DROPS, {"one": LOAN})
    write_drops(run, DROPS, {"one": FEES, "two": FEES})
    write_drops(run, DROPS, {})
    assert read_drops(run, DROPS) == {"one": LOAN, "two": FEES}
    assert set(json.loads(folder.read(DROPS))) == {"one", "two"}


@pytest.mark.parametrize(
    "edited",
    [b"", b"[]", b'{"one": {"reason": "because", "detail": ""}}', b'{"one": {"reason": "active_loans"}}'],
)
def test_an_edited_list_of_drops_stops(folder: RunFolder, edited: bytes) -> None:
    folder.write(DROPS, edited)
    with pytest.raises(RunFileError, match=r"drops-purge\.json .*can't be read.*nothing was sent"):
        read_drops(purge_run(), DROPS)
    with pytest.raises(RunFileError):
        write_drops(purge_run(), DROPS, {"two": FEES})
    assert folder.read(DROPS) == edited
