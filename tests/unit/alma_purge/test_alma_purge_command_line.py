import argparse
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from alma_purge import __main__ as command_line
from alma_purge.commands import commands
from alma_purge.terminal import Exit, say
from patron_purge.errors import RunFileError


def command(run: object) -> SimpleNamespace:
    return SimpleNamespace(add_parser=lambda subparsers: subparsers.add_parser("try-it"), run=run)


def test_every_module_of_the_package_is_a_command_with_help() -> None:
    for one in commands():
        subparsers = argparse.ArgumentParser().add_subparsers()
        assert one.add_parser(subparsers).description
        assert list(subparsers.choices)
        assert callable(one.run)


def test_a_command_is_found_and_its_status_returned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_args: argparse.Namespace) -> int:
        say("looked")
        return Exit.FOUND

    monkeypatch.setattr(command_line, "commands", lambda: [command(run)])
    assert command_line.main(["try-it"]) == 1
    assert capsys.readouterr().out == "looked\n"


def test_trouble_is_one_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_args: argparse.Namespace) -> int:
        raise RunFileError("The run folder has no ledger.csv.")

    monkeypatch.setattr(command_line, "commands", lambda: [command(run)])
    assert command_line.main(["try-it"]) == 2
    assert capsys.readouterr().err == "The run folder has no ledger.csv.\n"


def test_the_package_can_be_started() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alma_purge", "--help"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "COMMAND" in done.stdout
