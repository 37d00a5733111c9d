"""The doctor: every check, broken once, on a tenant that must stay as it is."""

import json
import os
import re
import socketserver
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.support.config import edit_payload, own_config
from tests.support.flow import connect
from tests.support.tenant import arm, change, changing_calls, people, switch, whole_state, workbooks

from alma_purge.__main__ import main
from alma_purge.doctor import site_checks
from alma_purge.doctor.examine import CHECKS, examine
from alma_purge.doctor.findings import Finding, Status, report_text
from alma_purge.doctor.visit import Visit
from alma_purge.history_file import write_entry
from alma_purge.places import institution_of_dag
from alma_purge.run_folder import RunFolder
from alma_sandbox.seeding.population import add_leftovers
from alma_sandbox.server import RunningSandbox
from alma_sandbox.sftp import host_key, public_line
from patron_purge.history import HistoryEntry
from patron_purge.states import Mode

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

Spoil = Callable[[RunningSandbox, pytest.MonkeyPatch, Path], None]
NAMES = [name for name, _ in CHECKS]
REPORT_PATH = "/shared/Example College 01DEMO_XYZ/Reports/Nothing Here"


def visit_demo() -> list[Finding]:
    institution = institution_of_dag("alma_user_purge_demo")
    return list(examine(Visit(institution, datetime.now(UTC).astimezone(institution.zone))))


def failures(findings: list[Finding]) -> dict[str, str]:
    return {one.check: one.text for one in findings if one.status is Status.FAILED}


def own(**changes: Any) -> Spoil:
    def spoil(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        own_config(monkeypatch, folder, **changes)

    return spoil


def fields(variable: str, **given: Any) -> Spoil:
    def spoil(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
        monkeypatch.setenv(variable, json.dumps(json.loads(os.environ[variable]) | given))

    return spoil


def without(variable: str) -> Spoil:
    return lambda _sandbox, monkeypatch, _folder: monkeypatch.delenv(variable)


def switched(**values: Any) -> Spoil:
    return lambda sandbox, _monkeypatch, _folder: switch(sandbox, **values)


def books(action: str, **values: Any) -> Spoil:
    return lambda sandbox, _monkeypatch, _folder: workbooks(sandbox, action, **values)


def bad_payload(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    config = own_config(monkeypatch, folder)
    edit_payload(config, "purge_users.json", lambda values: values.update(PURGE_USERS_User_Group="10"))


def weak_key(sandbox: RunningSandbox, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    sandbox.stage.keys[sandbox.key] = {"users": "R", "conf": "RW", "analytics": "R"}


def late_clock(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    class Late(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(minutes=7)

    monkeypatch.setattr("alma_api.transport.datetime", Late)


def blind_query(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    monkeypatch.setattr(sandbox.tenant.search, "_matching_groups", lambda _needed: set())


def leftovers(sandbox: RunningSandbox, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    with sandbox.tenant.lock:
        add_leftovers(sandbox.tenant, 3)


def other_host_key(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    folder.mkdir()
    fields("AIRFLOW_CONN_SFTP_DEMO", extra={"host_key": public_line(host_key(folder))})(
        sandbox, monkeypatch, folder
    )


def locked_store(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    folder.write_text("a file where the folder should be", encoding="utf-8")
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{folder}")


def odd_store(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    monkeypatch.setattr(RunFolder, "read", lambda _self, _name: b"something else")


def damaged_history(_sandbox: RunningSandbox, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    RunFolder(RunFolder.of_run("demo", "x").path.parent).write("history.jsonl", b"no json\n")


def protected_group_beside(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    path = own_config(monkeypatch, folder) / "institutions" / "demo-protect.csv"
    path.write_text("kind,value,owner,reason,end_date\ngroup,UGG,Olga,seniors,\n", encoding="utf-8")


def protected_group_on_server(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    own_config(monkeypatch, folder, protect_list_sftp="protected.csv")
    rows = "kind,value,owner,reason,end_date\ngroup,faculty,Olga,by policy,\ngroup,UGG,Olga,seniors,\n"
    (sandbox.sftp_folder / "protected.csv").write_text(rows, encoding="utf-8")


def not_installed(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    monkeypatch.setattr(site_checks, "_PACKAGES", ("no-such-package",))


CASES: dict[str, tuple[Spoil, str, str]] = {
    "payload": (bad_payload, "settings", "only the group 'OKTOPURGE' may be purged"),
    "protect list beside": (own(protect_list="gone.csv"), "settings", "there is no file gone.csv"),
    "package": (not_installed, "versions", "no-such-package is not installed"),
    "approvers": (own(approvers=[]), "approvers", "nobody could approve"),
    "store": (locked_store, "store", "can't be written"),
    "odd store": (odd_store, "store", "something else than was written"),
    "history": (damaged_history, "history", "Line 1 of the history file"),
    "no connection": (
        without("AIRFLOW_CONN_ALMA_DEMO"),
        "Alma connection",
        "connection alma_demo is missing",
    ),
    "no host": (fields("AIRFLOW_CONN_ALMA_DEMO", host=""), "Alma connection", "needs a host"),
    "other institution": (own(institution_code="01OTHER"), "Alma tenant", "demo.yaml says 01OTHER"),
    "wrong key": (fields("AIRFLOW_CONN_ALMA_DEMO", password="wrong-key"), "API keys", "lacks a permission"),
    "weak key": (weak_key, "API keys", "Users: write"),
    "clock": (late_clock, "clock", "seconds behind Alma's. Set it by NTP"),
    "calls": (switched(daily_limit=900), "API calls", "API calls are left today; a run needs 1,000"),
    "marker group": (own(marker_group="NOSUCH"), "user groups", "no enabled user group with the code NOSUCH"),
    "protected group": (
        own(rules={"protected_groups": ["FAKULTY"]}),
        "user groups",
        "no user group FAKULTY, which rules.protected_groups names",
    ),
    "group on the protect list": (
        protected_group_beside,
        "user groups",
        "no user group UGG, which the protect list demo-protect.csv names",
    ),
    "group query": (blind_query, "group query", "finds nobody"),
    "leftovers": (leftovers, "purge group", "3 people are still in the group OKTOPURGE"),
    "regroup job": (
        own(regroup_job={"name": "Move", "payload": "update_notify_users.json"}),
        "regroup job",
        "no manual jobs named Move",
    ),
    "purge job": (switched(purge_job_id=None), "purge job", "no manual jobs named Purge users"),
    "report": (own(report={"path": REPORT_PATH}), "Analytics report", f"no report at {REPORT_PATH}"),
    "report columns": (
        own(report={"path": "", "id_headings": ["Barcode"]}),
        "Analytics report",
        "Barcode",
    ),
    "no sftp connection": (
        without("AIRFLOW_CONN_SFTP_DEMO"),
        "exclusion files",
        "connection sftp_demo is missing",
    ),
    "sftp password": (
        fields("AIRFLOW_CONN_SFTP_DEMO", password="wrong-word"),
        "exclusion files",
        "refuses the login",
    ),
    "host key": (other_host_key, "exclusion files", "another host key than the pinned one"),
    "missing file": (books("drop", book="loans"), "exclusion files", "No file matches"),
    "old file": (books("stale", book="fines"), "exclusion files", "is too old"),
    "empty file": (books("truncate", book="pids"), "exclusion files", "incomplete or damaged"),
    "sftp folder": (own(sftp_folder="elsewhere"), "exclusion files", "shows no folder elsewhere"),
    "group on the sftp protect list": (
        protected_group_on_server,
        "SFTP protect list",
        "no user group UGG, which protected.csv names",
    ),
    "sftp protect list": (
        own(protect_list_sftp="p*.csv"),
        "SFTP protect list",
        'No protect list matches "p*.csv"',
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_check_fails_by_itself_and_the_others_go_on(
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    case: str,
) -> None:
    spoil, name, part = CASES[case]
    if case == "report columns":
        spoil = own(report={"path": sandbox.report_path, "id_headings": ["Barcode"]})
    spoil(sandbox, monkeypatch, tmp_path / "spoilt")
    before, on_server = whole_state(sandbox), files_of(sandbox)
    findings = visit_demo()
    assert part in " ".join(one.text for one in findings if one.check == name and one.status is Status.FAILED)
    assert list(dict.fromkeys(one.check for one in findings)) == NAMES
    assert main(["doctor", "--institution", "demo"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "FAILED" in said
    assert whole_state(sandbox) == before
    assert files_of(sandbox) == on_server
    assert changing_calls(sandbox) == []
    assert_no_secret_and_no_person(sandbox, said)


def files_of(sandbox: RunningSandbox) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sandbox.sftp_folder.iterdir()}


def assert_no_secret_and_no_person(sandbox: RunningSandbox, said: str) -> None:
    for secret in (sandbox.key, sandbox.read_key, sandbox.sftp_password, "wrong-key", "wrong-word"):
        assert secret not in said
    words = set(re.findall(r"[^\s,;:()]+", said))
    for person in people(sandbox):
        assert person.primary_id not in words
        assert f"{person.first_name} {person.last_name}" not in said


def test_a_healthy_site_is_fine(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields("AIRFLOW_CONN_ALMA_DEMO", extra={"read_api_key": sandbox.read_key})(sandbox, monkeypatch, Path())
    before, on_server = whole_state(sandbox), files_of(sandbox)
    findings = visit_demo()
    assert failures(findings) == {}
    assert list(dict.fromkeys(one.check for one in findings)) == NAMES
    assert {one.status for one in findings} == {Status.FINE, Status.NOTE}
    assert main(["doctor", "--institution", "DEMO"]) == 0
    said = capsys.readouterr().out
    assert "Doctor's report for Example College (demo)" in said
    assert "Nothing was changed in Alma or on the SFTP server." in said
    assert re.search(r"\n\d+ fine, 1 note\.\n$", said)
    with sandbox.tenant.lock:
        sent = {(one.method, one.path) for one in sandbox.tenant.journal.entries}
    assert {path for method, path in sent if method != "GET"} == {
        "/almaws/v1/conf/test",
        "/almaws/v1/users/operation/test",
        "/almaws/v1/analytics/test",
    }
    assert whole_state(sandbox) == before
    assert files_of(sandbox) == on_server
    assert_no_secret_and_no_person(sandbox, said)


def test_the_probe_in_the_store_is_taken_away(sandbox: RunningSandbox, store_folder: Path) -> None:
    visit_demo()
    assert [path for path in store_folder.rglob("*") if path.is_file()] == []
    assert not (store_folder / "doctor").exists()


def test_the_report_tells_what_a_run_would_read(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "config", protect_list_sftp="protected.csv")
    rows = "kind,value,owner,reason,end_date\nid,guest1,Olga,scholar,\nid,guest2,Olga,scholar,2020-01-01\n"
    (sandbox.sftp_folder / "protected.csv").write_text(rows, encoding="utf-8")
    ended = datetime(2026, 11, 2, 12, tzinfo=UTC)
    write_entry(
        "demo",
        HistoryEntry(run_id="a", finished_at=ended, mode=Mode.FULL, to_purge=1, purged=1, report_rows=9),
    )
    texts = {one.text for one in visit_demo()}
    assert "protected.csv: 1 entries protect today, 1 have ended." in texts
    assert "1 earlier run(s); the last one ended at 2026-11-02 06:00 CST (full)." in texts
    assert any(
        re.search(r"\.xlsx: \d+ rows, data of .* C[SD]T, \d+ hours old \(at most 36\)", one) for one in texts
    )
    assert any("the columns for primary_id, user_group, expiry_date, purge_date" in one for one in texts)


def test_an_alma_that_is_down_is_asked_once_and_the_rest_is_still_checked(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma_api.transport._LONGEST_PAUSE", 0)
    arm(sandbox, "500", times=0)
    findings = visit_demo()
    assert list(failures(findings)) == ["Alma tenant"]
    not_checked = [one.check for one in findings if one.status is Status.NOT_CHECKED]
    assert not_checked == NAMES[NAMES.index("clock") : NAMES.index("exclusion files")]
    assert [one.status for one in findings if one.check == "exclusion files"] == [Status.FINE] * 4
    with sandbox.tenant.lock:
        assert {entry.path for entry in sandbox.tenant.journal.entries} == {"/almaws/v1/conf/general"}


def test_settings_with_mistakes_are_a_report_too(
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own_config(monkeypatch, tmp_path / "config", timezone="Chicago", marker_group=None)
    assert main(["doctor", "--institution", "demo"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "timezone: unknown time zone 'Chicago'" in said
    assert "marker_group: is missing" in said
    assert f"2 FAILED, {len(NAMES) - 1} not checked." in said
    with sandbox.tenant.lock:
        assert sandbox.tenant.journal.entries == []


def test_an_institution_without_a_file_is_no_patient(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--institution", "abc"]) == 2
    assert "There is no include/institutions/abc.yaml" in capsys.readouterr().err


def test_notes_do_not_fail(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pattern = {"pattern": "Somebody else's list*.xlsx", "required": False}
    own_config(
        monkeypatch,
        tmp_path / "config",
        approvers=[],
        mode="report_only",
        schedule=None,
        exclusion_files=[pattern],
    )
    fields("AIRFLOW_CONN_ALMA_DEMO", extra={"read_api_key": sandbox.key, "colour": "red"})(
        sandbox, monkeypatch, tmp_path
    )
    findings = visit_demo()
    assert failures(findings) == {}
    notes = " ".join(one.text for one in findings if one.status is Status.NOTE)
    for part in (
        "extra fields without a meaning: colour",
        "may also write; make it read-only",
        "There is no schedule",
        "nobody may approve",
        "it is not required",
    ):
        assert part in notes


class MailServer(socketserver.StreamRequestHandler):
    """Greets, agrees to everything, and remembers what it was told."""

    told: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 mail.example.edu\r\n")
        while line := self.rfile.readline().decode().strip():
            self.told.append(line.split()[0].upper())
            self.wfile.write(b"221 bye\r\n" if self.told[-1] == "QUIT" else b"250 fine\r\n")


@pytest.mark.parametrize("case", ["fine", "no sender", "down", "no connection"])
def test_the_mail_server_is_greeted_and_no_mail_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    MailServer.told.clear()
    notices = {"to": ["systems@example.edu"], "smtp_connection": "smtp_demo"}
    own_config(monkeypatch, tmp_path / "config", notices=notices)
    visit = Visit(institution_of_dag("alma_user_purge_demo"), datetime.now(UTC))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        extra = {
            "disable_ssl": True,
            "disable_tls": True,
            "retry_limit": 0,
            "from_email": "purge@example.edu",
        }
        if case == "no sender":
            del extra["from_email"]
        given = {"conn_type": "smtp", "host": "127.0.0.1", "port": server.server_address[1], "extra": extra}
        if case != "no connection":
            monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEMO", json.dumps(given))
        if case == "down":
            server.server_close()
        ((status, text),) = site_checks.mail_server(visit)
        server.shutdown()
    assert status is (Status.FINE if case == "fine" else Status.FAILED)
    assert "smtp_demo" in text
    assert ("names no sender" in text) is (case == "no sender")
    assert set(MailServer.told) <= {"EHLO", "HELO", "QUIT"}


def test_without_anybody_to_write_to_no_mail_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SMTP_DEFAULT", raising=False)
    visit = Visit(institution_of_dag("alma_user_purge_demo"), datetime.now(UTC))
    assert visit.institution.notices is None
    assert list(site_checks.mail_server(visit)) == [(Status.FINE, "The settings name nobody who gets mails.")]


def test_a_secret_that_slipped_into_a_sentence_is_taken_out() -> None:
    findings = [Finding("a check", Status.FAILED, "the server said key-0123 twice: key-0123")]
    said = report_text("Heading", findings, ["key-0123", "", "key"])
    assert "key-0123" not in said
    assert "the server said *** twice: ***" in said


def test_secrets_are_those_of_both_connections(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, sandbox)
    fields("AIRFLOW_CONN_ALMA_DEMO", extra={"read_api_key": sandbox.read_key})(sandbox, monkeypatch, Path())
    private = {"host_key": sandbox.sftp_host_key, "private_key": "line one\nline two"}
    fields("AIRFLOW_CONN_SFTP_DEMO", extra=private)(sandbox, monkeypatch, Path())
    visit = Visit(institution_of_dag("alma_user_purge_demo"), datetime.now(UTC))
    expected = {
        sandbox.key,
        sandbox.read_key,
        sandbox.sftp_password,
        "line one\nline two",
        "line one\\nline two",
    }
    assert expected <= set(visit.secrets())


def test_a_person_who_changes_meanwhile_changes_nothing_for_the_doctor(sandbox: RunningSandbox) -> None:
    change(sandbox, people(sandbox)[0].primary_id, user_group="10")
    assert failures(visit_demo()) == {}
