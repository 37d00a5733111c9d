"""Which earlier list a new one is compared with."""

from datetime import UTC, datetime

from tests.unit.patron_purge.output_samples import ledger, ledger_row

from alma_purge import files
from alma_purge.run_folder import RunFolder
from alma_purge.steps.review_list import changes_since
from patron_purge.history import HistoryEntry
from patron_purge.ledger import ledger_csv
from patron_purge.states import Mode

NOW = ledger(ledger_row(primary_id="new"))


def entry(run_id: str, month: int) -> HistoryEntry:
    return HistoryEntry(
        run_id=run_id,
        finished_at=datetime(2026, month, 4, tzinfo=UTC),
        mode=Mode.FULL,
        to_purge=1,
        purged=0,
        report_rows=1,
    )


def keep(run_id: str, name: str, primary_id: str, state: str) -> None:
    content = ledger_csv(ledger(ledger_row(primary_id=primary_id, state=state)))
    RunFolder.of_run("demo", run_id).write(name, content)


def test_the_last_run_with_a_ledger_is_compared() -> None:
    for run_id, person in (("june", "a"), ("july", "b")):
        keep(run_id, files.LEDGER_REVIEWED, person, "to_purge")
        keep(run_id, files.LEDGER_RESTORED, person, "kept_by_alma")
    history = [entry("july", 7), entry("august", 8), entry("june", 6)]
    found = changes_since("demo", history, NOW)
    assert "the run july, which ended on 2026-07-04" in found.note
    assert [(row.primary_id, row.then) for row in found.rows] == [
        ("new", "not in the report"),
        ("b", "kept by Alma"),
    ]


def test_a_run_that_ended_with_its_review_is_compared_by_it() -> None:
    keep("june", files.LEDGER_REVIEWED, "a", "to_purge")
    assert [row.then for row in changes_since("demo", [entry("june", 6)], NOW).rows][1] == "to purge"


def test_without_any_ledger_the_reason_is_given() -> None:
    found = changes_since("demo", [entry("june", 6)], NOW)
    assert found.rows == ()
    assert "no earlier run of this institution has a ledger any more" in found.note


def test_a_damaged_ledger_of_an_earlier_run_stops_nobody() -> None:
    RunFolder.of_run("demo", "june").write(files.LEDGER_REVIEWED, b"damaged")
    found = changes_since("demo", [entry("june", 6)], NOW)
    assert found.rows == ()
    assert "can't be read" in found.note
