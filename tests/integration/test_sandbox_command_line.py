from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

INCLUDE = Path(__file__).parents[2] / "include"
COMMAND = [sys.executable, "-m", "alma_sandbox", "--users", "60", "--job-seconds", "0"]


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": str(INCLUDE)}
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _first_lines(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(7)]
    return {name: rest.strip() for name, _, rest in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_announces_itself_and_leaves_quietly(tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready.json"
    with _process("--dir", str(tmp_path / "work"), "--ready-file", str(ready)) as process:
        printed = _first_lines(process)
        # The last line is printed before the file is written, so the file may be a moment late.
        while not ready.exists():
            assert process.poll() is None
        about = json.loads(ready.read_text(encoding="utf-8"))
        assert printed["API URL"] == about["base_url"]
        assert printed["SFTP host key"] == about["sftp_host_key"]
        assert printed["SFTP login"].split()[0] == about["sftp_user"] == "xyzftp"
        answer = requests.get(
            f"{about['base_url']}/almaws/v1/conf/general",
            headers={"Authorization": f"apikey {about['key']}", "Accept": "application/json"},
            timeout=20,
        )
        assert answer.json()["environment_type"]["value"] == "SANDBOX"
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("option", ["--port", "--sftp-port"])
def test_a_busy_port_is_one_clear_line(option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with _process(option, str(port)) as process:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 1
            assert errors == f"Port {port} on 127.0.0.1 is taken; choose another with {option}.\n"


def test_the_sandbox_imports_nothing_of_the_client() -> None:
    program = (
        "import sys, alma_sandbox.__main__, alma_sandbox.testing\n"
        "others = {'alma_api', 'patron_purge', 'alma_purge', 'airflow', 'requests', 'pandas'}\n"
        "print(sorted(others & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(INCLUDE)}
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout == "[]\n"
