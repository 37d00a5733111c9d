"""The report's older form, which has five columns: what it does not tell must come from the live check."""

from datetime import date
from pathlib import Path

import pytest
from tests.support.chain import Chain
from tests.support.config import own_config
from tests.support.tenant import people

from alma_purge import files
from alma_sandbox.rest import analytics as rest
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state import analytics
from patron_purge.ledger import read_ledger_csv
from patron_purge.report_table import read_report_csv

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

OLDER = ("Primary ID", "User Record Type", "User Group", "Purge Date", "Days in the Past")
GUARDS = {"max_percent_of_report": 100, "max_count_without_history": 500}
Ledger = dict[str, dict[str, str]]


def use_older_form(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tenant answer with the five columns."""

    def older_row(copy: analytics.Copy, groups: dict[str, str], today: date) -> analytics.Row:
        person = sandbox.tenant.users.by_serial(copy.serial)
        record_type = person.record_type.capitalize() if person else "Public"
        due = copy.purge_date or today
        group = groups.get(copy.user_group, copy.user_group)
        return (copy.primary_id or None, record_type, group, due.isoformat(), str((today - due).days))

    columns = tuple((name, f'"{name}"', "User Details", "varchar", "xsd:string") for name in OLDER)
    monkeypatch.setattr(rest, "COLUMNS", columns)
    monkeypatch.setattr(analytics, "_row", older_row)


def review(chain: Chain) -> Ledger:
    chain.to_review()
    table = read_ledger_csv(chain.open().folder.read(files.LEDGER_REVIEWED)).astype(str)
    rows = table[table["state"] != "duplicate"].to_dict("records")
    return {str(row["primary_id"]): {str(name): str(cell) for name, cell in row.items()} for row in rows}


def scenarios_held(sandbox: RunningSandbox, ledger: Ledger, reason: str, state: str) -> set[str]:
    return {
        person.scenario
        for person in people(sandbox)
        if (row := ledger.get(person.primary_id)) and (row["reason"], row["state"]) == (reason, state)
    }


def test_the_older_form_leads_to_the_same_list(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "config", guards=GUARDS)
    chain = Chain()
    today = review(chain)
    approved = chain.approved()
    assert approved
    assert "expiry_date" in read_report_csv(chain.open().folder.read(files.REPORT)).columns

    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{tmp_path / 'another'}")
    use_older_form(sandbox, monkeypatch)
    chain = Chain()
    older = review(chain)
    report = read_report_csv(chain.open().folder.read(files.REPORT))
    assert list(report.columns) == ["row", "primary_id", "user_group", "purge_date", "record_type"]
    assert chain.approved() == approved
    assert older.keys() == today.keys()
    assert {key: row["reason"] for key, row in older.items()} == {
        key: row["reason"] for key, row in today.items()
    }
    for reason in ("expiry_date", "staff_role"):
        in_today = scenarios_held(sandbox, today, reason, "held_back")
        assert in_today, reason
        assert in_today <= scenarios_held(sandbox, older, reason, "dropped_live"), reason
    assert all(older[key]["last_name"] and older[key]["expiry_date"] for key in approved)


def test_a_wrong_record_type_of_the_older_form_is_held_back_by_the_report(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "config", guards=GUARDS)
    use_older_form(sandbox, monkeypatch)
    ledger = review(Chain())
    assert "record_type_staff" in scenarios_held(sandbox, ledger, "record_type", "held_back")
