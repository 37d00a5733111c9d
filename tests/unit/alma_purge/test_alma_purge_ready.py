"""The question whether a person is ready to run the purge by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    TaskAwaitingInput,
)
from tests.support.chain import Chain
from tests.support.config import own_config

from alma_purge import files
from alma_purge.operators.base import STOP_KEY, SUMMARY_KEY, TROUBLE_KEY, publish
from alma_purge.sensors.ready import READY, STOP, ReadyToPurgeSensor
from patron_purge.decision import Decision

pytestmark = pytest.mark.usefixtures("airflow_database", "sandbox", "full_speed")

TASK = "ready_to_purge"
EVENT: dict[str, Any] = {"chosen_options": [READY], "responded_by_user": {"id": "olga", "name": "Olga"}}


@pytest.fixture
def chain() -> Chain:
    made = Chain()
    made.to_review()
    made.approve()
    made.moved()
    return made


@pytest.fixture
def sensor(monkeypatch: pytest.MonkeyPatch) -> ReadyToPurgeSensor:
    """The question itself goes to Airflow's database."""
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **_: None)
    return ReadyToPurgeSensor(
        task_id=TASK,
        institution_name="Example College",
        environment="sandbox",
        approvers=["olga"],
        retries=10,
    )


def context_of(chain: Chain, sensor: ReadyToPurgeSensor, try_number: int = 1) -> Any:
    context: Any = chain.context(TASK)
    context["ti"].id, context["ti"].try_number = "the id of the task instance", try_number
    return context | {"task": sensor, "task_instance": context["ti"]}


def decided(chain: Chain, deadline: timedelta, valid_until: timedelta) -> None:
    """Move the two ends of the approval on file to some time from now."""
    run, now = chain.open("approve_purge"), datetime.now(UTC)
    decision = Decision.model_validate_json(run.folder.read(files.DECISION))
    moved = decision.model_copy(update={"deadline": now + deadline, "valid_until": now + valid_until})
    publish(chain.context("approve_purge"), run, files.DECISION, moved.model_dump_json().encode())


def ask(chain: Chain, sensor: ReadyToPurgeSensor, try_number: int = 1) -> timedelta:
    """Begin a try; like Airflow, forget what the one before has recorded."""
    chain._forget(TASK)
    with pytest.raises(TaskAwaitingInput) as parked:
        sensor.execute(context_of(chain, sensor, try_number))
    timeout: timedelta | None = parked.value.timeout
    assert timeout is not None
    return timeout


def refused(
    chain: Chain, sensor: ReadyToPurgeSensor, try_number: int = 1, **changes: Any
) -> AirflowException:
    with pytest.raises(AirflowException) as again:
        sensor.execute_complete(context_of(chain, sensor, try_number), EVENT | changes)
    return again.value


def night(tmp_path: Path) -> None:
    path = tmp_path / "config" / "institutions" / "demo.yaml"
    path.write_text(path.read_text() + "quiet_hours: ['00:00-12:00', '12:00-00:00']\n")


def test_a_person_is_waited_for_until_the_approval_expires_not_until_it_had_to_be_answered(
    chain: Chain, sensor: ReadyToPurgeSensor
) -> None:
    decided(chain, deadline=timedelta(hours=-1), valid_until=timedelta(hours=70))
    assert timedelta(hours=69) < ask(chain, sensor) <= timedelta(hours=70)


def test_an_expired_approval_asks_nobody(chain: Chain, sensor: ReadyToPurgeSensor) -> None:
    decided(chain, deadline=timedelta(hours=-2), valid_until=timedelta(hours=-1))
    with pytest.raises(AirflowSkipException, match="The approval has expired"):
        sensor.execute(context_of(chain, sensor))


@pytest.mark.parametrize("why", ["quiet hours", "no approver any more"])
def test_why_ready_was_not_accepted_is_recorded_and_said_again_with_the_next_question(
    chain: Chain, sensor: ReadyToPurgeSensor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, why: str
) -> None:
    own_config(monkeypatch, tmp_path / "config")
    ask(chain, sensor)
    assert chain.said(TASK, TROUBLE_KEY) is None
    person = {"id": "mallory", "name": "Mallory"}
    if why == "quiet hours":
        night(tmp_path)
        person = EVENT["responded_by_user"]
    error = refused(chain, sensor, responded_by_user=person)
    assert not isinstance(error, AirflowFailException), "Airflow must ask again"
    said = chain.said(TASK, TROUBLE_KEY)
    assert said.startswith("The answer was not accepted: ")
    assert why in said
    assert ("Answer after " in said) is (why == "quiet hours")
    ask(chain, sensor, try_number=2)
    assert chain.said(TASK, TROUBLE_KEY) == said
    chain.clear_number += 1
    ask(chain, sensor, try_number=3)
    assert chain.said(TASK, TROUBLE_KEY) is None, "whoever clears the task begins anew"


def test_the_last_refused_answer_stops_with_its_reason(chain: Chain, sensor: ReadyToPurgeSensor) -> None:
    stranger = {"responded_by_user": {"id": "mallory", "name": "Mallory"}}
    assert not isinstance(refused(chain, sensor, 10, **stranger), AirflowFailException)
    error = refused(chain, sensor, 11, **stranger)
    assert isinstance(error, AirflowFailException)
    said = chain.said(TASK, STOP_KEY)
    assert said.startswith(
        "No answer was accepted in 11 tries; the last: this person is no approver any more."
    )
    assert str(error) == said
    assert "To go on, " in said


def test_an_answer_that_airflow_can_not_take_leaves_its_sentence(
    chain: Chain, sensor: ReadyToPurgeSensor
) -> None:
    with pytest.raises(AirflowFailException, match="The purge was not started"):
        sensor.execute_complete(context_of(chain, sensor), {"error": "x", "error_type": "unknown"})
    assert "Airflow could not take the answer" in chain.said(TASK, STOP_KEY)


def test_stop_and_silence_purge_nobody(chain: Chain, sensor: ReadyToPurgeSensor) -> None:
    for changes in ({"chosen_options": [STOP]}, {"responded_by_user": None, "chosen_options": [STOP]}):
        with pytest.raises(AirflowSkipException, match="nobody is purged"):
            sensor.execute_complete(context_of(chain, sensor), EVENT | changes)
    sensor.execute_complete(context_of(chain, sensor), EVENT)
    assert chain.said(TASK, SUMMARY_KEY) == "Olga is ready to run the purge."
