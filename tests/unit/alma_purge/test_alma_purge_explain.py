"""`explain`, run over folders of past runs."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.patron_purge.output_samples import NOW, OLGA, asked, ledger, ledger_row

from alma_purge import files
from alma_purge.__main__ import main
from alma_purge.run_folder import RunFolder
from alma_purge.run_note import note_run
from patron_purge.decision import DecisionState
from patron_purge.ledger import ledger_csv

EXPLAIN = ["explain", "--institution", "demo"]


def keep(run_id: str, *rows: dict[str, str], days: int = 0, name: str = files.LEDGER_RESTORED) -> RunFolder:
    folder = RunFolder.of_run("demo", run_id)
    note_run(folder, "alma_user_purge_demo", run_id, NOW + timedelta(days=days))
    folder.write(name, ledger_csv(ledger(*rows)))
    return folder


@pytest.fixture
def past() -> None:
    keep("june", ledger_row(primary_id="00123", state="held_back", reason="active_loans", detail="2 loans"))
    folder = keep("july", ledger_row(primary_id="00123", state="purged"), days=30)
    approved = asked().model_copy(
        update={
            "state": DecisionState.APPROVED,
            "answered_by": OLGA,
            "answered_at": datetime(2026, 10, 2, 9, 30, tzinfo=UTC),
        }
    )
    folder.write(files.DECISION, approved.model_dump_json().encode())
    RunFolder.of_run("demo", "may").write(files.CERTIFICATE, b"{}")


@pytest.mark.usefixtures("past")
def test_every_run_with_a_ledger_is_explained_latest_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*EXPLAIN, "--user", "123"]) == 0
    said = capsys.readouterr().out
    assert said.index("Run july, 2026-10-02") < said.index("Run june, 2026-09-02")
    assert "00123 (typed: 123)" in said
    assert "PURGED" in said
    assert "approved by Olga Operator (olga) on 2026-10-02 09:30" in said
    assert "has active loans (2 loans)" in said
    assert "Nobody was asked to approve the list of this run." in said
    assert "1 run(s) have no list of people any more" in said


@pytest.mark.usefixtures("past")
def test_one_run_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*EXPLAIN, "--user", "00123", "--run", "june"]) == 0
    said = capsys.readouterr().out
    assert "Run june" in said
    assert "july" not in said


@pytest.mark.usefixtures("past")
def test_somebody_who_was_in_no_run_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*EXPLAIN, "--user", "99999"]) == 0
    assert "No run that still has its list of people has a person with this" in capsys.readouterr().out


@pytest.mark.usefixtures("past")
def test_the_id_is_asked_for_when_it_is_not_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda _question: "00123")
    assert main(EXPLAIN) == 0
    assert "PURGED" in capsys.readouterr().out


def test_an_unknown_institution_or_run_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--institution", "nowhere", "--user", "1"]) == 2
    assert "There is no institution nowhere. The settings files name: demo" in capsys.readouterr().err
    assert main([*EXPLAIN, "--user", "1", "--run", "r0"]) == 2
    assert "There is no folder of the run r0" in capsys.readouterr().err


@pytest.mark.usefixtures("past")
def test_a_damaged_ledger_hides_no_other_run(capsys: pytest.CaptureFixture[str]) -> None:
    RunFolder.of_run("demo", "july").write(files.LEDGER_RESTORED, b"damaged")
    assert main([*EXPLAIN, "--user", "123"]) == 0
    said = capsys.readouterr()
    assert "Run july: ledger.csv in the run folder" in said.err
    assert "Run june" in said.out


def test_nothing_that_a_terminal_obeys_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    keep("june", ledger_row(primary_id="1", state="held_back", reason="note_text", detail="\x1b[2Jgone"))
    assert main([*EXPLAIN, "--user", "1"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_run_without_its_note_is_named_by_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder.of_run("demo", "early")
    folder.write(files.LEDGER_SELECTED, ledger_csv(ledger(ledger_row(primary_id="1", state="candidate"))))
    assert main([*EXPLAIN, "--user", "1"]) == 0
    assert f"Run {folder.path.name}" in capsys.readouterr().out
