import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from structlog.tracebacks import ExceptionDictTransformer

from demo.rest import AirflowClient, TaskState

TASK = TaskState(task_id="preflight", state="failed", try_number=2)
LOG = "/api/v2/dags/dag/dagRuns/run/taskInstances/preflight/logs/2?map_index=-1"
Served = dict[str, list[object]]


@pytest.fixture
def served() -> Served:
    return {}


@pytest.fixture
def client(served: Served) -> Iterator[AirflowClient]:
    """A client of a server that knows only the logs it was given."""

    class Logs(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"content": served.get(self.path, [])}).encode()
            self.send_response(200 if self.path in served else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Logs)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield AirflowClient(f"http://127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    thread.join()
    server.server_close()


def line_of(fail: Callable[[], object]) -> dict[str, Any]:
    """Return a line of a task's log about an exception, as Airflow writes it."""
    try:
        fail()
    except ValueError as error:
        told = ExceptionDictTransformer()((type(error), error, error.__traceback__))
        return {"event": "Task failed", "error_detail": told}
    raise AssertionError("nothing was raised")


def refused_by_alma() -> None:
    error = ValueError("Alma can't be reached; nothing was changed.")
    error.__cause__ = LookupError("Max retries exceeded")
    error.__cause__.__cause__ = ConnectionError("[Errno 111] Connection refused")
    raise error


def while_another_was_handled() -> None:
    error = ValueError("The key may not read sets.")
    error.__context__ = KeyError("left over")
    raise error


def test_the_tasks_own_sentence_is_shown_and_not_what_lies_below_it(
    client: AirflowClient, served: Served
) -> None:
    served[LOG] = [{"event": "start"}, line_of(refused_by_alma)]
    assert client.error_of("dag", "run", TASK) == "Alma can't be reached; nothing was changed."
    served[LOG] = ["no object", line_of(while_another_was_handled), {"event": "end", "error_detail": None}]
    assert client.error_of("dag", "run", TASK) == "The key may not read sets."


def test_the_last_error_of_a_log_counts(client: AirflowClient, served: Served) -> None:
    served[LOG] = [line_of(while_another_was_handled), line_of(refused_by_alma)]
    assert client.error_of("dag", "run", TASK) == "Alma can't be reached; nothing was changed."


def test_without_an_error_there_is_none(client: AirflowClient, served: Served) -> None:
    assert client.error_of("dag", "run", TASK) is None
    served[LOG] = [{"event": "start"}]
    assert client.error_of("dag", "run", TASK) is None


def test_an_error_without_words_is_named(client: AirflowClient, served: Served) -> None:
    def fail() -> None:
        raise ValueError

    served[LOG] = [line_of(fail)]
    assert client.error_of("dag", "run", TASK) == "ValueError"
