import argparse
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from alma_purge import __main__ as command_line
from alma_purge.commands import command_named, command_names, summary_of
from alma_purge.terminal import Exit, say
from patron_purge.errors import RunFileError


def offer(monkeypatch: pytest.MonkeyPatch, run: object) -> None:
    """Make the command line know one command, which does this."""
    made = SimpleNamespace(add_parser=lambda subparsers: subparsers.add_parser("try-it"), run=run)
    monkeypatch.setattr(command_line, "command_names", lambda: ("try-it",))
    monkeypatch.setattr(command_line, "command_named", lambda _name: made)


@pytest.mark.parametrize("name", command_names())
def test_every_module_of_the_package_is_a_command_with_help(name: str) -> None:
    one = command_named(name)
    subparsers = argparse.ArgumentParser().add_subparsers()
    assert one.add_parser(subparsers).description
    assert list(subparsers.choices) == [name]
    assert callable(one.run)
    assert (one.__doc__ or "").startswith(f"`{name}`: {summary_of(name)}.")
    assert summary_of(name)[0].islower()


def test_a_command_is_found_and_its_status_returned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_args: argparse.Namespace) -> int:
        say("looked")
        return Exit.FOUND

    offer(monkeypatch, run)
    assert command_line.main(["try-it"]) == 1
    assert capsys.readouterr().out == "looked\n"


def test_trouble_is_one_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_args: argparse.Namespace) -> int:
        raise RunFileError("The run folder has no ledger.csv.")

    offer(monkeypatch, run)
    assert command_line.main(["try-it"]) == 2
    assert capsys.readouterr().err == "The run folder has no ledger.csv.\n"


def started(*arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    how = ["-c", code] if code else ["-m", "alma_purge", *arguments]
    return subprocess.run(
        [sys.executable, *how],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_package_can_be_started() -> None:
    done = started("--help")
    assert done.returncode == 0, done.stderr
    assert "COMMAND" in done.stdout
    shown = " ".join(done.stdout.split())
    for name in command_names():
        assert f"{name} {summary_of(name)}" in shown


@pytest.mark.parametrize("arguments", [["--help"], [], ["no-such-command"]])
def test_help_imports_no_command(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom alma_purge.__main__ import main\n"
        f"try:\n    main({arguments})\nexcept SystemExit:\n    pass\n"
        "heavy = {'airflow', 'pydantic', 'pandas', 'sqlalchemy'}\n"
        "slow = [one for one in sys.modules if one.partition('.')[0] in heavy]\n"
        "print('IMPORTED', [one for one in sys.modules if one.startswith('alma_purge.commands.')], slow[:3])"
    )
    assert "IMPORTED [] []" in started(code=code).stdout


def test_the_help_of_a_command_is_whole() -> None:
    done = started("check-config", "--help")
    assert done.returncode == 0, done.stderr
    assert "Asks neither Alma nor the SFTP server" in " ".join(done.stdout.split())


def test_an_unknown_command_is_refused_with_the_known_ones() -> None:
    done = started("no-such-command")
    assert done.returncode == 2
    assert "check-config" in done.stderr
