import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from demo import approve, follow
from demo.approve import Answer, Operator, Person
from demo.ending import given_answer
from demo.follow import Follower, Run
from demo.problems import DemoProblem
from demo.rest import AirflowClient, AirflowProblem, TaskState
from demo.screen import Screen

RUN = "/api/v2/dags/d/dagRuns/r"
QUESTION = f"{RUN}/taskInstances/approve_purge/-1/hitlDetails"
REVIEW = f"{RUN}/taskInstances/prepare_review/xcomEntries/review"
WAITING = TaskState(task_id="approve_purge", state="awaiting_input", try_number=1)
FORM = {"subject": "Purge?", "params": {"count": {}, "code": {}, "comment": {}}}


@dataclass
class StandIn:
    """Answers like Airflow from a script: per path a list of answers, of which the last stays."""

    url: str = ""
    script: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    received: list[tuple[str, str, dict[str, Any] | None]] = field(default_factory=list)

    def next(self, path: str) -> dict[str, Any] | None:
        answers = self.script.get(path)
        if not answers:
            return None
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def airflow() -> Iterator[StandIn]:
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            stand_in.received.append((self.command, self.path, body))
            content = stand_in.next(self.path.split("?")[0])
            text = json.dumps(content or {"detail": "not found"}).encode()
            self.send_response(404 if content is None else content.get("status", 200))
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the names are http.server's

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    yield stand_in
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def run(airflow: StandIn) -> Run:
    return Run(AirflowClient(airflow.url), "d", "r")


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def screen(lines: list[str]) -> Screen:
    return Screen(clock=lambda: 0.0, write=lines.append)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approve, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(follow, "POLL_SECONDS", 0.0)


def patches(airflow: StandIn) -> list[dict[str, Any] | None]:
    return [body for method, _path, body in airflow.received if method == "PATCH"]


def offer_review(airflow: StandIn, *, shown: int, counted: int) -> None:
    airflow.script[QUESTION] = [FORM]
    airflow.script["/alma-purge/api/review"] = [{"count": shown, "code": "ABCDEFGH", "digest": "x"}]
    airflow.script[REVIEW] = [{"value": {"count": counted, "run_folder": "x"}}]


def test_an_approval_types_what_the_review_page_shows(airflow: StandIn, run: Run, screen: Screen) -> None:
    offer_review(airflow, shown=12, counted=12)
    Operator(run, screen, Answer.APPROVE)(WAITING)
    fields = {"count": 12, "code": "ABCDEFGH", "comment": "make demo APPROVE=yes"}
    assert patches(airflow) == [{"chosen_options": ["Approve"], "params_input": fields}]


def test_a_reject_types_no_count_and_no_code(airflow: StandIn, run: Run, screen: Screen) -> None:
    airflow.script[QUESTION] = [FORM]
    Operator(run, screen, Answer.REJECT)(WAITING)
    fields = {"count": None, "code": None, "comment": "make demo APPROVE=no"}
    assert patches(airflow) == [{"chosen_options": ["Reject"], "params_input": fields}]


def test_nothing_is_answered_when_page_and_task_differ(airflow: StandIn, run: Run, screen: Screen) -> None:
    offer_review(airflow, shown=13, counted=12)
    with pytest.raises(DemoProblem, match="shows 13 people and prepare_review counted 12"):
        Operator(run, screen, Answer.APPROVE)(WAITING)
    assert patches(airflow) == []


def test_nothing_is_answered_when_the_page_is_odd(airflow: StandIn, run: Run, screen: Screen) -> None:
    offer_review(airflow, shown=12, counted=12)
    airflow.script["/alma-purge/api/review"] = [{"count": 12}]
    with pytest.raises(DemoProblem, match="can't be understood"):
        Operator(run, screen, Answer.APPROVE)(WAITING)
    assert patches(airflow) == []


def test_the_operator_answers_only_once(airflow: StandIn, run: Run, screen: Screen) -> None:
    offer_review(airflow, shown=12, counted=12)
    with pytest.raises(DemoProblem, match="asks again"):
        Operator(run, screen, Answer.APPROVE)(WAITING.model_copy(update={"try_number": 2}))
    assert airflow.received == []


def test_the_person_gets_link_and_login(airflow: StandIn, run: Run, screen: Screen, lines: list[str]) -> None:
    Person(run, screen, "olga", "secret-password")(WAITING)
    text = "\n".join(lines)
    assert f"{airflow.url}/dags/d/runs/r/tasks/approve_purge/required_actions" in text
    assert "olga" in text
    assert "secret-password" in text
    lines.clear()
    Person(run, screen, "olga", "secret-password")(WAITING.model_copy(update={"try_number": 2}))
    assert "not accepted" in lines[0]


def script_run(airflow: StandIn, *moments: tuple[str, dict[str, str]]) -> None:
    """Let the run go through these moments: its state and its tasks' states."""
    airflow.script[RUN] = [{"state": state} for state, _ in moments]
    airflow.script[f"{RUN}/taskInstances"] = [
        {
            "task_instances": [
                {"task_id": task, "state": state, "try_number": 1} for task, state in tasks.items()
            ]
        }
        for _, tasks in moments
    ]


def test_each_change_is_shown_once_with_its_summary(
    airflow: StandIn, run: Run, screen: Screen, lines: list[str]
) -> None:
    script_run(
        airflow,
        ("running", {"preflight": "running", "pull_report": "scheduled"}),
        ("running", {"preflight": "running", "pull_report": "queued"}),
        ("running", {"pull_report": "running", "preflight": "success"}),
        ("running", {"pull_report": "failed", "preflight": "success"}),
        ("failed", {"pull_report": "failed", "preflight": "success", "certify": "upstream_failed"}),
    )
    airflow.script[f"{RUN}/taskInstances/preflight/xcomEntries/summary"] = [{"value": "6 checks passed."}]
    airflow.script[f"{RUN}/taskInstances/pull_report/logs/1"] = [
        {"content": [{"event": "boom", "error_detail": [{"exc_value": "The report is empty."}]}]}
    ]
    follower = Follower(run, screen, lambda: None, lambda _task: None)
    assert follower.until_end() == "failed"
    assert [" ".join(line.split()) for line in lines] == [
        "0:00 preflight working",
        "0:00 preflight done 6 checks passed.",
        "0:00 pull_report working",
        "0:00 pull_report FAILED The report is empty.",
        "0:00 certify not started an earlier step failed",
    ]


def test_a_question_is_dealt_with_once(airflow: StandIn, run: Run, screen: Screen) -> None:
    waiting = ("running", {"approve_purge": "awaiting_input"})
    script_run(airflow, waiting, waiting, waiting, ("success", {"approve_purge": "success"}))
    asked: list[TaskState] = []
    Follower(run, screen, lambda: None, asked.append).until_end()
    assert [task.task_id for task in asked] == ["approve_purge"]


def test_following_ends_when_a_program_has_ended(run: Run, screen: Screen) -> None:
    def dead() -> None:
        raise DemoProblem("Airflow has ended")

    with pytest.raises(DemoProblem, match="Airflow has ended"):
        Follower(run, screen, dead, lambda _task: None).until_end()


def test_a_short_silence_is_borne_and_a_long_one_is_not(
    airflow: StandIn, run: Run, screen: Screen, lines: list[str]
) -> None:
    now = iter(range(0, 1000, 25))
    airflow.script[RUN] = [{"state": "running", "status": 500}]
    with pytest.raises(AirflowProblem, match="500"):
        Follower(run, screen, lambda: None, lambda _task: None, clock=lambda: next(now)).until_end()
    assert len([path for _, path, _ in airflow.received if path == RUN]) > 1
    assert lines == []


@pytest.mark.parametrize(
    ("chosen", "state", "answer"),
    [
        (["Approve"], "success", Answer.APPROVE),
        (["Reject"], "success", Answer.REJECT),
        (["Approve"], "failed", Answer.REJECT),
        (None, "success", Answer.REJECT),
    ],
)
def test_only_an_accepted_approval_counts(
    airflow: StandIn, run: Run, chosen: list[str] | None, state: str, answer: Answer
) -> None:
    script_run(airflow, ("success", {"approve_purge": state}))
    airflow.script[QUESTION] = [FORM | {"chosen_options": chosen}]
    assert given_answer(run, "approve_purge", asked=True) is answer
    assert given_answer(run, "approve_purge", asked=False) is None


def test_a_long_summary_goes_on_below_itself(screen: Screen, lines: list[str]) -> None:
    screen.task("prepare_review", "done", "many words " * 20)
    assert len(lines) > 1
    assert all(len(line) <= 120 for line in lines)
    column = lines[0].index("many")
    assert all(line[:column].strip() == "" for line in lines[1:])


def test_a_link_is_never_broken(screen: Screen, lines: list[str]) -> None:
    link = "http://127.0.0.1:8080/" + "x" * 200
    screen.facts([("open", link), ("user", "olga")])
    assert any(link in line for line in lines)
