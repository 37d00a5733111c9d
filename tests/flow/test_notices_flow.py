"""The mails of whole runs, as they arrive at a mail server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import leaks
from tests.support.config import own_config
from tests.support.connections import connections_to
from tests.support.flow import FormAnswer, Question, approve, clear, connect, go_on, reject, run_flow
from tests.support.mailbox import (
    NOTICES,
    Mailbox,
    assert_names_nobody,
    connect_mail,
    mail_server,
    text_of,
    words_about_people,
)
from tests.support.world import World

from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox

pytestmark = [pytest.mark.whole_run, pytest.mark.usefixtures("airflow_database")]
COMMENT = "agreed with Whitlock"
MAIL_PASSWORD = "only-the-mail-server-knows"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunningSandbox]:
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{tmp_path / 'store'}")
    with running_sandbox(users=300) as running:
        connect(monkeypatch, running)
        read_with_a_second_key(monkeypatch, running)
        yield running


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mailbox]:
    own_config(monkeypatch, tmp_path / "config", notices=NOTICES, poll_seconds=0.05)
    with mail_server(monkeypatch, password=MAIL_PASSWORD) as running:
        connect_mail(monkeypatch, running.port, password=MAIL_PASSWORD)
        yield running


def read_with_a_second_key(monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox) -> None:
    name = "AIRFLOW_CONN_ALMA_DEMO"
    connection = json.loads(connections_to(sandbox, "demo")[name])
    monkeypatch.setenv(name, json.dumps(connection | {"extra": {"read_api_key": sandbox.read_key}}))


def wrong_then_right(question: Question) -> FormAnswer:
    """Forget the code at the first try, and name somebody in the comment."""
    right = approve(question)
    form = {**right.form, "comment": COMMENT}
    if question.try_number == 1:
        form["code"] = "WRONG"
    return FormAnswer("Approve", form=form)


def test_an_approved_run_asks_once_and_tells_of_the_answer_and_of_the_end(
    sandbox: RunningSandbox,
    box: Mailbox,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    people = words_about_people(sandbox)
    with leaks.listening(sandbox.base_url) as wire:
        result = run_flow(answerer=wrong_then_right)
    out, err = capfd.readouterr()

    assert result.state == "success"
    assert wire.authorizations == {f"apikey {key}" for key in (sandbox.key, sandbox.read_key)}
    said = {"output": out, "errors": err, "log records": caplog.text}
    require_nothing_told(
        sandbox, said | mails_of(box) | {"addresses": "\n".join(wire.urls)}, people, tmp_path
    )
    asked, answered, ended = box.subjects()
    assert asked.startswith("approval wanted by ")
    assert answered == "approved by olga"
    certificate = result.document("certificate.json")
    purged, sent = certificate["purged"], certificate["sent"]
    assert ended == f"{purged} of {sent} people purged, the certificate is ready"
    assert certificate["decision"]["comment"] == COMMENT
    assert certificate["unsent_notices"] == []
    assert certificate["equation"]["text"] in text_of(box.mails[2])
    review = result.document("review.json")
    for mail in box.mails[:2]:
        assert review["code"] not in text_of(mail)
        # The deadline's day or minutes may be the same number.
        assert not re.search(rf"(?<![\d:]){review['count']} (?![A-Z][a-z]+ \d{{4}})", text_of(mail))
    assert_names_nobody(box.mails, people)

    clear(result, "certify")
    assert go_on(result).state == "success"
    assert len(box.mails) == 3


def mails_of(box: Mailbox) -> dict[str, str]:
    return {f"mail {mail['Subject']}": leaks.mail_text(mail) for mail in box.mails}


def require_nothing_told(
    sandbox: RunningSandbox, said: dict[str, str], people: set[str], tmp_path: Path
) -> None:
    """Search whatever a run has said, sent or written down for secrets and for people."""
    secrets = leaks.airflow_secrets() | {
        "API key": sandbox.key,
        "API key for reading": sandbox.read_key,
        "password of the SFTP server": sandbox.sftp_password,
        "password of the mail server": MAIL_PASSWORD,
        "name of the header's scheme": f"apikey {sandbox.key}"[: len("apikey ") + 4],
    }
    tables = leaks.database_tables()
    expected = {"xcom", "rendered_task_instance_fields", "dag_run", "task_state_store", "log", "hitl_detail"}
    assert {f"table {name}" for name in expected} <= set(tables)
    store = leaks.stored_files(tmp_path / "store")
    leaks.assert_no_secret({**said, **tables, **store}, secrets)

    of_no_person = {name: text for name, text in said.items() if name != "addresses"}
    # The approver's own comment names somebody, to see that it stays where the approver has put it.
    elsewhere = people - {"Whitlock"}
    leaks.assert_nobody({**of_no_person, **tables, **leaks.without_personal_files(store)}, elsewhere)
    leaks.assert_for_the_owner_alone(tmp_path / "store" / "demo")


def test_a_mail_server_that_goes_away_stops_nothing_and_the_certificate_says_so(
    sandbox: RunningSandbox, box: Mailbox
) -> None:
    def reject_without_mail(question: Question) -> FormAnswer:
        box.stop()
        return reject(question)

    result = run_flow(answerer=reject_without_mail)

    assert result.state == "success"
    assert result.tasks["approve_purge"] == "success"
    assert World(sandbox).changes() == []
    assert [subject[:15] for subject in box.subjects()] == ["approval wanted"]
    certificate = result.document("certificate.json")
    assert certificate["outcome"] == "rejected"
    (unsent,) = certificate["unsent_notices"]
    assert unsent.startswith("rejected: The mail server can't be reached. Check host and port")
    assert unsent in result.folder.read("certificate.html").decode().replace("&#39;", "'")


def test_a_guard_that_stops_the_run_is_told_once_with_its_sentence_and_the_remedy(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limits = {"max_count": 2, "max_percent_of_report": 100, "max_count_without_history": 200}
    own_config(monkeypatch, tmp_path / "config", notices=NOTICES, guards=limits)
    with mail_server(monkeypatch) as box:
        result = run_flow()

    assert result.state == "failed"
    assert box.subjects() == ["stopped by a limit, nobody is purged"]
    said = text_of(box.mails[0])
    guard = next(one for one in result.document("review.json")["guards"] if one["name"] == "max_count")
    assert guard["sentence"] in said
    assert "guard_overrides" in said
    assert_names_nobody(box.mails, words_about_people(sandbox))


def test_a_task_that_fails_is_told_once_and_so_is_the_end_after_everybody_went_home(
    sandbox: RunningSandbox, box: Mailbox
) -> None:
    World(sandbox).order("/jobs", job_id="M20261", end_status="COMPLETED_FAILED")
    result = run_flow()

    assert result.state == "failed"
    sent = result.document("certificate.json")["sent"]
    assert box.subjects()[1:] == [
        "approved by olga",
        "purge_users failed",
        f"nobody purged, Alma kept all {sent} people, the certificate is ready",
    ]
    assert "ended with COMPLETED_FAILED. This run never starts it again" in text_of(box.mails[2])
    assert "people: back in their user group, read back." in text_of(box.mails[3])
    assert_names_nobody(box.mails, words_about_people(sandbox))
