"""No error, with everything chained to it, and no log line holds a key or a password."""

import json
import logging
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import BaseHook
from tests.support import leaks

from alma_api.errors import AlmaError
from alma_purge.hooks.alma import AlmaHook
from alma_purge.places import dag_id_of, institution_of_dag
from alma_purge.steps.sftp_folder import ExclusionServerError, open_sftp_folder
from alma_sandbox.server import RunningSandbox
from alma_sandbox.sftp import host_key, public_line
from alma_sandbox.testing import running_sandbox
from demo.ports import any_free
from patron_purge.errors import ConfigurationError, PurgeError

SECRET = "l7xx-wrong/key+with-signs=="
LOOSE = "l7xx a key with blanks"


@pytest.fixture(scope="module")
def tenant() -> Iterator[RunningSandbox]:
    with running_sandbox(users=40) as running:
        yield running


@pytest.fixture
def parrot() -> Iterator[str]:
    """A server that says back what it was sent, headers included, as some proxies do in their error pages."""

    class Parrot(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = f"<html>401 for {self.path}: {self.headers}</html>".encode()
            self.send_response(401, f"refused {self.headers['Authorization']}")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Parrot)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def set_alma(monkeypatch: pytest.MonkeyPatch, host: str, key: str, read_key: str | None = None) -> None:
    extra = {"read_api_key": read_key} if read_key else {}
    connection = {"conn_type": "alma", "host": host, "password": key, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_ALMA_TEST", json.dumps(connection))


def what_is_said(error: BaseException, caplog: pytest.LogCaptureFixture) -> dict[str, str]:
    return {"error": "".join(traceback.format_exception(error)), "log": caplog.text or "nothing"}


def ask_alma() -> None:
    with AlmaHook("alma_test").get_conn() as client:
        client.conf.general()


@pytest.mark.parametrize("which", ["wrong key", "wrong key for reading", "nobody answers", "parrot"])
def test_no_error_of_a_call_holds_a_key(
    tenant: RunningSandbox,
    parrot: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    which: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("alma_api.transport._LONGEST_PAUSE", 0)
    nobody = f"http://127.0.0.1:{any_free()}"
    host = {"nobody answers": nobody, "parrot": parrot}.get(which, tenant.base_url)
    read_key = SECRET if which == "wrong key for reading" else None
    set_alma(monkeypatch, host, tenant.key if read_key else SECRET, read_key)
    with pytest.raises(AlmaError) as caught:
        ask_alma()
    leaks.assert_no_secret(what_is_said(caught.value, caplog), {"key": SECRET, "right key": tenant.key})
    worked, sentence = AlmaHook("alma_test").test_connection()
    assert not worked
    leaks.assert_no_secret({"button Test": sentence, "log": caplog.text}, {"key": SECRET})


@pytest.mark.parametrize(
    ("host", "key", "word"),
    [
        (f"https://apikey:{SECRET}@alma.example.org", SECRET, "scheme and host only"),
        (f"https://alma.example.org?apikey={SECRET}", SECRET, "scheme and host only"),
        ("http://alma.example.org", SECRET, "https://"),
        ("https://alma.example.org", LOOSE, "holds blanks"),
    ],
)
def test_no_error_about_a_connection_holds_its_key(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, host: str, key: str, word: str
) -> None:
    caplog.set_level(logging.DEBUG)
    set_alma(monkeypatch, host, key)
    with pytest.raises(ConfigurationError, match=word) as caught:
        ask_alma()
    leaks.assert_no_secret(what_is_said(caught.value, caplog), {"key": key})


@pytest.mark.parametrize("which", ["wrong password", "other host key", "no host key", "nobody answers"])
def test_no_error_of_the_sftp_server_holds_a_password(
    tenant: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    which: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    other = public_line(host_key(tmp_path))
    password = SECRET if which == "wrong password" else tenant.sftp_password
    pinned = {"other host key": other, "no host key": ""}.get(which, tenant.sftp_host_key)
    connection = {
        "conn_type": "sftp",
        "host": tenant.sftp_host,
        "port": any_free() if which == "nobody answers" else tenant.sftp_port,
        "login": tenant.sftp_user,
        "password": password,
        "extra": {"host_key": pinned},
    }
    monkeypatch.setenv("AIRFLOW_CONN_SFTP_TEST", json.dumps(connection))
    assert BaseHook.get_connection("sftp_test").password == password
    institution = institution_of_dag(dag_id_of("demo")).model_copy(update={"sftp_connection": "sftp_test"})
    with pytest.raises((PurgeError, ExclusionServerError)) as caught, open_sftp_folder(institution):
        pass
    leaks.assert_no_secret(what_is_said(caught.value, caplog), {"password": password})
