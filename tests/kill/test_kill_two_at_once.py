"""Two purges of one institution never work at the same time, in one Airflow or in two."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.flow import FormAnswer, Question, approve, connect, reject, run_flow
from tests.support.judgement import TELLS_WHAT_TO_DO, assert_everybody_home
from tests.support.stand import Stand
from tests.support.world import PURGEABLE, gone, of

LONG_JOB_SECONDS = 6
PATIENCE_SECONDS = 240


def test_a_second_run_waits_in_the_queue_until_the_first_has_ended(
    stand: Stand, chance: random.Random
) -> None:
    first = stand.begin("north", [], chance)
    first.watch.answer = False
    first.watch.until(lambda _watch, tasks: any(task.state == "awaiting_input" for task in tasks))
    second = stand.begin("north", [], chance, reset=False)
    assert second.watch.run.client.run_state(second.watch.run.dag_id, second.watch.run.run_id) == "queued"

    first.watch.answer = True
    seen: set[str] = set()

    def look_at_second(_watch: object, _tasks: object) -> bool:
        seen.add(second.watch.run.client.run_state(second.watch.run.dag_id, second.watch.run.run_id))
        return False

    first.state = first.watch.until(look_at_second)
    first.assert_complete()
    assert "queued" in seen
    second.watch.rejects = True
    second.to_the_end()
    assert second.state == "success"
    assert first.world.job_starts() == {"M148": 1, "M20261": 1}


def test_a_second_airflow_does_not_interfere(
    stand: Stand, chance: random.Random, monkeypatch: pytest.MonkeyPatch, airflow_database: None
) -> None:
    """The second one has its own database and store, and its approval comes while the first one's job runs."""
    first = stand.begin("south", [], chance)
    first.world.order("/switches", job_seconds=LONG_JOB_SECONDS)
    first.watch.answer = False
    connect(monkeypatch, stand.sandboxes["south"])
    regrouping, asked = threading.Event(), threading.Event()

    def approve_while_the_first_regroups(question: Question) -> FormAnswer:
        asked.set()
        return approve(question) if regrouping.wait(PATIENCE_SECONDS) else reject(question)

    def follow_first() -> None:
        first.watch.until(lambda _watch, tasks: any(task.state == "awaiting_input" for task in tasks))
        assert asked.wait(PATIENCE_SECONDS)
        first.watch.answer = True
        first.watch.until(lambda _watch, _tasks: bool(first.world.job_starts()))
        regrouping.set()
        first.to_the_end()

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow_first)
        second = run_flow(
            answerer=approve_while_the_first_regroups, institution={"if_job_is_running": "stop"}
        )
        following.result()

    assert first.state == "success", first.watch.sentences
    after = first.world.people()
    assert gone(first.before, after) == {one.primary_id for one in of(first.before, PURGEABLE)}
    assert_everybody_home(first.before, after)
    assert first.world.job_starts() == {"M148": 1, "M20261": 1}
    assert second.state == "failed"
    problems = second.document("certificate.json")["problems"]
    assert any("Alma already runs a job of the same kind" in sentence for sentence in problems), problems
    assert all(any(words in sentence for words in TELLS_WHAT_TO_DO) for sentence in problems), problems
