from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk import DAG
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
    TaskAwaitingInput,
)
from tests.support.chain import Chain
from tests.support.config import own_config

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.base import STOP_KEY, TROUBLE_KEY
from alma_purge.operators.certify import CertifyOperator
from alma_purge.sensors.approval import PurgeApprovalSensor
from alma_purge.steps.upstream import Problem, problems_before
from patron_purge.decision import Decision, DecisionState
from patron_purge.digest import approval_code, digest_of_rest

pytestmark = pytest.mark.usefixtures("airflow_database", "sandbox", "full_speed")

TASK = "approve_purge"


@pytest.fixture
def chain() -> Chain:
    made = Chain()
    made.to_review()
    return made


@pytest.fixture
def sensor(monkeypatch: pytest.MonkeyPatch) -> PurgeApprovalSensor:
    """The approval before one task that it can skip; the question itself goes to Airflow's database."""
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **_: None)
    with DAG("approval"):
        approval = PurgeApprovalSensor(
            task_id=TASK,
            institution_name="Example College",
            environment="sandbox",
            approvers=["olga"],
            approval_hours=72,
        )
        approval >> CertifyOperator(task_id="certify")
    return approval


def ask(chain: Chain, sensor: PurgeApprovalSensor) -> None:
    with pytest.raises(TaskAwaitingInput) as parked:
        sensor.execute(context_of(chain, sensor))
    assert parked.value.timeout is not None
    assert timedelta(0) < parked.value.timeout <= timedelta(hours=72)


def context_of(chain: Chain, sensor: PurgeApprovalSensor) -> Any:
    context: Any = chain.context(TASK)
    context["ti"].id = "the id of the task instance"
    context |= {"task": sensor, "task_instance": context["ti"]}
    return context


def decision(chain: Chain) -> Decision:
    return Decision.model_validate_json(chain.open().folder.read(files.DECISION))


def answer(chain: Chain, option: str = "Approve", **changes: Any) -> dict[str, Any]:
    review = chain.review()
    return {
        "chosen_options": [option],
        "params_input": {"count": review.count, "code": review.code, "comment": None},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": "olga", "name": "Olga"},
        **changes,
    }


def test_the_right_count_and_code_approve(chain: Chain, sensor: PurgeApprovalSensor) -> None:
    ask(chain, sensor)
    assert decision(chain).state is DecisionState.ASKED
    sensor.execute_complete(context_of(chain, sensor), answer(chain))
    assert decision(chain).state is DecisionState.APPROVED
    assert chain.xcoms[TASK, f"file:{files.DECISION}"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"params_input": None}, "number of people"),
        ({"params_input": {}}, "number of people"),
        ({"params_input": {"count": "three", "code": "ABCDEFGH"}}, "number of people"),
        ({"params_input": {"count": -1, "code": None, "surprise": []}}, "number of people"),
        ({"responded_by_user": {"id": "mallory", "name": "olga"}}, "not among the people who may approve"),
        ({"responded_at": datetime(2030, 1, 1, tzinfo=UTC)}, "deadline"),
    ],
)
def test_any_other_answer_is_refused_with_a_reason_and_asked_again(
    chain: Chain, sensor: PurgeApprovalSensor, changes: dict[str, Any], why: str
) -> None:
    ask(chain, sensor)
    with pytest.raises(AirflowException, match=why) as again:
        sensor.execute_complete(context_of(chain, sensor), answer(chain, **changes))
    assert not isinstance(again.value, AirflowFailException), "Airflow must ask again"
    assert decision(chain).state is DecisionState.REFUSED
    ask(chain, sensor)
    assert [why in one.why for one in decision(chain).refusals] == [True]


def test_why_an_answer_was_refused_is_recorded_and_said_again(
    chain: Chain, sensor: PurgeApprovalSensor
) -> None:
    ask(chain, sensor)
    assert chain.said(TASK, TROUBLE_KEY) is None
    with pytest.raises(AirflowException):
        sensor.execute_complete(context_of(chain, sensor), answer(chain, params_input={}))
    said = chain.said(TASK, TROUBLE_KEY)
    assert said.startswith("The answer was not accepted: You typed nothing as the number of people")
    del chain.xcoms[TASK, TROUBLE_KEY]  # Airflow forgets it when the next try begins
    ask(chain, sensor)
    assert chain.said(TASK, TROUBLE_KEY) == said


def test_the_last_refused_answer_stops_the_task_with_its_reason(
    chain: Chain, sensor: PurgeApprovalSensor
) -> None:
    ask(chain, sensor)
    sensor.retries = 10
    context = context_of(chain, sensor)
    context["ti"].try_number = 11
    form = {"count": "21779001234567", "code": "AAAAAAAA"}
    with pytest.raises(AirflowFailException) as stopped:
        sensor.execute_complete(context, answer(chain, params_input=form))
    said = chain.said(TASK, STOP_KEY)
    assert str(stopped.value) == said
    assert said.startswith("No answer was accepted in 11 tries; the last: You ")
    assert "To go on, clear this task." in said
    assert "21779" not in said, "an id must not get into the mail and the certificate"
    chain.states[TASK] = "failed"
    (problem,) = problems_before(chain.context("certify"))
    assert problem == Problem(f"approve_purge: {said}", decided=True)


def test_a_wrong_code_is_refused(chain: Chain, sensor: PurgeApprovalSensor) -> None:
    ask(chain, sensor)
    form = {"count": chain.review().count, "code": "AAAAAAAA"}
    with pytest.raises(AirflowException, match="The code is not the one"):
        sensor.execute_complete(context_of(chain, sensor), answer(chain, params_input=form))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, DecisionState.REJECTED),
        ({"params_input": None}, DecisionState.REJECTED),
        ({"responded_by_user": None}, DecisionState.TIMED_OUT),
    ],
)
def test_a_reject_and_silence_skip_what_follows(
    chain: Chain, sensor: PurgeApprovalSensor, changes: dict[str, Any], state: DecisionState
) -> None:
    ask(chain, sensor)
    with pytest.raises(DownstreamTasksSkipped):
        sensor.execute_complete(context_of(chain, sensor), answer(chain, "Reject", **changes))
    assert decision(chain).state is state


def test_asked_again_after_the_deadline_is_a_reject(chain: Chain, sensor: PurgeApprovalSensor) -> None:
    ask(chain, sensor)
    passed = decision(chain).model_copy(update={"deadline": datetime.now(UTC) - timedelta(minutes=1)})
    chain.open().folder.write(files.DECISION, passed.model_dump_json().encode())
    with pytest.raises(DownstreamTasksSkipped):
        sensor.execute(context_of(chain, sensor))
    assert decision(chain).state is DecisionState.TIMED_OUT


def test_wrong_answers_do_not_buy_time(chain: Chain, sensor: PurgeApprovalSensor) -> None:
    ask(chain, sensor)
    first = decision(chain).deadline
    ask(chain, sensor)
    assert decision(chain).deadline == first


def test_an_answer_about_a_list_that_was_made_again_counts_for_nothing(
    chain: Chain, sensor: PurgeApprovalSensor
) -> None:
    ask(chain, sensor)
    given = answer(chain)
    other = decision(chain).model_copy(update={"digest": "0" * 64})
    ref = chain.open().folder.write(files.DECISION, other.model_dump_json().encode())
    chain.xcoms[TASK, f"file:{files.DECISION}"] = ref.sha256
    with pytest.raises(AirflowFailException, match="made again after this approval was asked for"):
        sensor.execute_complete(context_of(chain, sensor), given)


@pytest.mark.parametrize("event", [{"error": "x", "error_type": "unknown"}])
def test_an_answer_that_airflow_can_not_take_fails(
    chain: Chain, sensor: PurgeApprovalSensor, event: dict[str, Any]
) -> None:
    ask(chain, sensor)
    with pytest.raises(AirflowFailException, match="Nothing was sent to Alma"):
        sensor.execute_complete(context_of(chain, sensor), event)
    assert "Airflow could not take the answer" in chain.said(TASK, STOP_KEY)


def test_a_report_asks_nobody(sensor: PurgeApprovalSensor) -> None:
    chain = Chain(mode="report_only")
    chain.to_review()
    with pytest.raises(AirflowSkipException, match="Report only"):
        sensor.execute(context_of(chain, sensor))
    assert chain.open().folder.read_if_there(files.DECISION) is None


def right(chain: Chain, count: int, digest: str) -> dict[str, Any]:
    return answer(chain, params_input={"count": count, "code": approval_code(digest)})


def test_an_old_code_is_refused_after_somebody_was_taken_off_and_the_new_one_is_accepted(
    chain: Chain, sensor: PurgeApprovalSensor
) -> None:
    ask(chain, sensor)
    before, gone = decision(chain), chain.approved()[0]
    assert (before.count, before.digest) == (chain.review().count, chain.review().digest)
    old = answer(chain)
    chain.take_off(gone)
    with pytest.raises(AirflowException, match="number of people"):
        sensor.execute_complete(context_of(chain, sensor), old)
    with_right_count = old | {"params_input": {"count": before.count - 1, "code": chain.review().code}}
    ask(chain, sensor)
    with pytest.raises(AirflowException, match="somebody was taken off"):
        sensor.execute_complete(
            context_of(chain, sensor), with_right_count | {"responded_at": datetime.now(UTC)}
        )
    ask(chain, sensor)
    asked_again = decision(chain)
    assert asked_again.count == before.count - 1 == len(chain.approved())
    assert asked_again.digest != before.digest
    assert (asked_again.deadline, asked_again.reviewed_digest) == (before.deadline, before.digest)
    sensor.execute_complete(context_of(chain, sensor), right(chain, asked_again.count, asked_again.digest))
    approved = decision(chain)
    assert approved.state is DecisionState.APPROVED
    assert approved.taken_off_sha256 == chain.xcoms[TASK, f"file:{files.TAKEN_OFF}"]
    assert len(approved.refusals) == 2


def test_the_new_code_is_accepted_although_the_question_is_older(
    chain: Chain, sensor: PurgeApprovalSensor
) -> None:
    ask(chain, sensor)
    chain.take_off(*chain.approved()[:2])
    left = tuple(chain.approved())
    digest = digest_of_rest(chain.review().digest, left)
    sensor.execute_complete(context_of(chain, sensor), right(chain, len(left), digest))
    assert decision(chain).state is DecisionState.APPROVED
    assert (decision(chain).count, decision(chain).digest) == (len(left), digest)


def test_an_answer_that_was_given_before_this_try_asked_is_refused(
    chain: Chain, sensor: PurgeApprovalSensor
) -> None:
    ask(chain, sensor)
    early = answer(chain)
    ask(chain, sensor)
    with pytest.raises(AirflowException, match="older than the question"):
        sensor.execute_complete(context_of(chain, sensor), early)
    assert decision(chain).state is DecisionState.REFUSED


def settings(tmp_path: Path, **values: Any) -> None:
    path = tmp_path / "config" / "institutions" / "demo.yaml"
    path.write_text(
        yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | values), encoding="utf-8"
    )


@pytest.fixture
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return own_config(monkeypatch, tmp_path / "config")


def test_where_two_people_are_wanted_whoever_triggered_the_run_can_only_reject(
    own_settings: Path, chain: Chain, sensor: PurgeApprovalSensor, tmp_path: Path
) -> None:
    del own_settings
    settings(tmp_path, four_eyes=True, approvers=["olga", "oscar"])
    context = context_of(chain, sensor)
    context["dag_run"].triggering_user_name = "olga"
    ask(chain, sensor)
    with pytest.raises(AirflowException, match="triggered this run yourself"):
        sensor.execute_complete(context, answer(chain))
    assert "triggered this run yourself" in decision(chain).refusals[-1].why
    ask(chain, sensor)
    with pytest.raises(DownstreamTasksSkipped):
        sensor.execute_complete(context, answer(chain, "Reject"))
    assert decision(chain).state is DecisionState.REJECTED
    ask(chain, sensor)
    other = answer(chain, responded_by_user={"id": "oscar", "name": "Oscar"})
    sensor.execute_complete(context, other)
    assert decision(chain).state is DecisionState.APPROVED


def test_policy_and_authority_are_asked_for_where_the_settings_say_so(
    own_settings: Path, chain: Chain, sensor: PurgeApprovalSensor, tmp_path: Path
) -> None:
    del own_settings
    settings(tmp_path, delete_user_policy="Keep statistics", ask_disposal_authority=True)
    form = answer(chain)["params_input"]
    for more, why in (
        ({}, "Delete User Policy"),
        ({"policy": "Fully remove"}, "Delete User Policy"),
        ({"policy": "Keep statistics"}, "disposal authority"),
    ):
        ask(chain, sensor)
        with pytest.raises(AirflowException, match=why):
            sensor.execute_complete(context_of(chain, sensor), answer(chain, params_input=form | more))
    ask(chain, sensor)
    whole = form | {"policy": "Keep statistics", "disposal_authority": "RIMS 12", "comment": "checked"}
    sensor.execute_complete(context_of(chain, sensor), answer(chain, params_input=whole))
    made = decision(chain)
    assert (made.state, made.policy, made.disposal_authority, made.comment) == (
        DecisionState.APPROVED,
        "Keep statistics",
        "RIMS 12",
        "checked",
    )


def test_the_required_action_says_what_it_is_about_and_nothing_about_the_list(
    sensor: PurgeApprovalSensor,
) -> None:
    assert sensor.subject == "SANDBOX: purge expired patrons of Example College?"
    for part in (
        "Example College",
        "SANDBOX",
        "IRREVERSIBLE",
        "72 hours",
        "Only olga",
        "plugin/purge_review",
    ):
        assert part in str(sensor.body)
    assert {name: param.value for name, param in sensor.params.items()} == dict.fromkeys(
        ("count", "code", "comment", "policy", "disposal_authority")
    )


@pytest.mark.parametrize("stage", list(JobStage))
def test_nobody_is_asked_again_about_a_purge_that_was_sent(
    chain: Chain, sensor: PurgeApprovalSensor, stage: JobStage
) -> None:
    ask(chain, sensor)
    sensor.execute_complete(context_of(chain, sensor), answer(chain))
    chain.open().folder.write(files.PURGE_RECORD, JobRecord(stage=stage).to_bytes())
    del chain.xcoms[TASK, f"file:{files.DECISION}"]
    chain.clear_number += 1
    if stage is JobStage.NONE:
        ask(chain, sensor)
        return
    assert sensor.execute(context_of(chain, sensor)) is None
    assert decision(chain).state is DecisionState.APPROVED
    assert chain.xcoms[TASK, f"file:{files.DECISION}"]
    assert "nobody is asked" in chain.said(TASK, "summary")


def test_nobody_is_asked_about_a_list_whose_people_were_put_back(
    chain: Chain, sensor: PurgeApprovalSensor
) -> None:
    chain.approve()
    chain.moved()
    chain.clear_number += 1
    ask(chain, sensor)
    chain.account("restore_kept")
    with pytest.raises(
        AirflowFailException, match=r"This run is over.*nobody is asked\. Trigger a new run\."
    ):
        sensor.execute(context_of(chain, sensor))


def test_nobody_is_asked_about_a_purge_that_was_started_without_an_approval_on_file(
    chain: Chain, sensor: PurgeApprovalSensor
) -> None:
    chain.open().folder.write(files.PURGE_RECORD, JobRecord(stage=JobStage.STARTED).to_bytes())
    with pytest.raises(AirflowFailException, match="already started, and no approval is on file"):
        sensor.execute(context_of(chain, sensor))
