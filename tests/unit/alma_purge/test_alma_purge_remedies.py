"""What a task adds to its reason to stop, so that a person knows how the run goes on."""

import re

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tests.support.task_context import MemoryStore, TaskStandIn, task_context

from alma_api.errors import AlmaError, AlmaRequestError, AlmaUnavailableError
from alma_purge.documents import STORE_KEY, JobRecord, JobStage
from alma_purge.operators.base import BrokenWaitError, TryAgainError, fail_or_retry
from alma_purge.remedies import ASK_AGAIN, CLEAR_THIS, NEW_RUN, to_run
from alma_purge.steps.job_start import AnotherJobError, JobAwaitedError, JobStoppedError
from alma_purge.steps.marker_group import MarkerGroupError
from alma_purge.steps.purge_set import SetMismatchError, SetUnclearError
from alma_purge.steps.tenant import MarkerGroupNotEmptyError
from alma_purge.steps.upstream import FLOW
from patron_purge.errors import (
    ApprovalRefusedError,
    ApprovalWantedError,
    ConfigurationError,
    InputRefusedError,
    PurgeError,
)

REFUSED = AlmaRequestError("Could not read it: Alma refused it, nothing was changed.")
GOES_ON = (
    REFUSED,
    ApprovalWantedError("Why."),
    InputRefusedError("Why."),
    SetMismatchError("Why."),
    MarkerGroupError("Why."),
    MarkerGroupNotEmptyError("Why."),
    AnotherJobError("Why."),
    JobAwaitedError("Why."),
)
TRIED_AGAIN = (AlmaUnavailableError("Why."), SetUnclearError("Why."), BrokenWaitError("Why."))
SAYS_IT_ITSELF = (ConfigurationError("Why."), ApprovalRefusedError("Why."), JobStoppedError("Why."))
OF_THE_TASK = dict.fromkeys(FLOW, CLEAR_THIS) | {
    "regroup_users": ASK_AGAIN,
    "ready_to_purge": NEW_RUN,
    "purge_users": NEW_RUN,
    "housekeeping": CLEAR_THIS,
}


def stopped(task_id: str, error: PurgeError | AlmaError, stored: object = None) -> AirflowException:
    store = MemoryStore()
    if stored is not None:
        store.set(STORE_KEY, stored)
    ti = TaskStandIn(task_id)
    made = fail_or_retry(task_context(ti, store), error)
    key = "stop" if isinstance(made, AirflowFailException) else "trouble"
    assert ti.said(key) == str(made), "the certificate and the mail repeat it"
    return made


@pytest.mark.parametrize(("task_id", "remedy"), OF_THE_TASK.items())
@pytest.mark.parametrize("error", GOES_ON, ids=lambda one: type(one).__name__)
def test_the_way_on_is_that_of_the_task(task_id: str, remedy: str, error: PurgeError | AlmaError) -> None:
    made = stopped(task_id, error)
    assert isinstance(made, AirflowFailException)
    mend = " Mend the cause." if error is REFUSED else ""
    assert str(made) == f"{error}{mend} To go on, {remedy}."


@pytest.mark.parametrize(("task_id", "remedy"), OF_THE_TASK.items())
@pytest.mark.parametrize("error", TRIED_AGAIN, ids=lambda one: type(one).__name__)
def test_what_is_tried_again_says_what_to_do_when_that_does_not_help(
    task_id: str, remedy: str, error: PurgeError | AlmaError
) -> None:
    made = stopped(task_id, error)
    assert not isinstance(made, AirflowFailException)
    assert str(made) == f"{error} If this task stays red, {remedy}."


@pytest.mark.parametrize("stored", [*JobStage, "no record", 7])
def test_a_purge_that_was_started_is_found_again_by_clearing_its_task(stored: object) -> None:
    text = JobRecord(stage=stored).model_dump_json() if isinstance(stored, JobStage) else stored
    remedy = NEW_RUN if stored is JobStage.NONE else CLEAR_THIS
    assert str(stopped("purge_users", JobAwaitedError("Why."), text)) == f"Why. To go on, {remedy}."
    assert str(stopped("regroup_users", JobAwaitedError("Why."), text)) == f"Why. To go on, {ASK_AGAIN}."


@pytest.mark.parametrize(
    "error", [*SAYS_IT_ITSELF, TryAgainError("Why.")], ids=lambda one: type(one).__name__
)
def test_an_error_that_says_itself_what_to_do_gets_nothing_added(error: PurgeError) -> None:
    assert str(stopped("purge_users", error)) == "Why."


@pytest.mark.parametrize("task_id", FLOW)
def test_a_task_that_was_marked_by_hand_is_run_by_what_is_advised(task_id: str) -> None:
    (cleared,) = re.findall(r"clear (\w+) with everything after it", to_run(task_id))
    assert cleared == ("approve_purge" if task_id in {"regroup_users", "ready_to_purge"} else task_id)
