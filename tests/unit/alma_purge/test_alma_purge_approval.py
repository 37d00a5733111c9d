from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
    TaskAwaitingInput,
)
from tests.support.chain import Chain

from alma_purge import files
from alma_purge.operators.certify import CertifyOperator
from alma_purge.sensors.approval import PurgeApprovalSensor
from patron_purge.decision import Decision, DecisionState

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
            task_id=TASK, institution_name="Example College", environment="sandbox", approvers=["olga"]
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


def test_a_report_asks_nobody(sensor: PurgeApprovalSensor) -> None:
    chain = Chain(mode="report_only")
    chain.to_review()
    with pytest.raises(AirflowSkipException, match="Report only"):
        sensor.execute(context_of(chain, sensor))
    assert chain.open().folder.read_if_there(files.DECISION) is None
