"""What reaches a real mail server on this machine, and what is said when it can't be reached."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.config import own_config
from tests.support.mailbox import NOTICES, SENDER, Mailbox, connect_mail, html_of, mail_server, text_of

from alma_purge.notices.delivery import Occasion, deliver
from alma_purge.notices.records import records, unsent
from alma_purge.notices.subject import NoticeSubject, subject_of
from patron_purge.errors import RunFileError
from patron_purge.notices import nobody_to_purge, report_ready


@pytest.fixture(autouse=True)
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, airflow_database: None) -> Path:
    return own_config(monkeypatch, tmp_path / "config", notices=NOTICES)


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with mail_server(monkeypatch) as running:
        yield running


@pytest.fixture
def subject() -> NoticeSubject:
    return subject_of("alma_user_purge_demo", "manual__test")


def ended(subject: NoticeSubject, event: str = "ended") -> Occasion:
    return Occasion(event, "certify", nobody_to_purge(subject.place))


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_notice_arrives_as_text_and_html_with_proper_headers(box: Mailbox, subject: NoticeSubject) -> None:
    assert deliver(subject, ended(subject)) == ""

    (mail,) = box.mails
    assert mail["Subject"] == "Example College (SANDBOX), user purge: nobody to purge"
    assert mail["From"] == SENDER
    assert mail["To"] == "systems@library.test, head@library.test"
    assert box.recipients == [["systems@library.test", "head@library.test"]]
    assert mail["Date"]
    assert mail["Message-ID"].endswith("@library.test>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    link = "http://127.0.0.1:8080/dags/alma_user_purge_demo/runs/manual__test/plugin/purge_review"
    assert link in text_of(mail)
    assert link in html_of(mail)
    assert text_of(mail).isascii()


def test_the_same_event_is_told_once_and_another_one_again(box: Mailbox, subject: NoticeSubject) -> None:
    for event in ("one", "one", "two", "one"):
        deliver(subject, ended(subject, event))
    deliver(subject, Occasion("one", "certify", report_ready(subject.place)))
    assert box.subjects() == ["nobody to purge"] * 2 + ["the report is ready, nothing was changed"]
    assert len(records(subject.folder)) == 3


def test_without_a_notices_block_nothing_is_sent_or_written(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "silent")
    subject = subject_of("alma_user_purge_demo", "manual__test")
    assert deliver(subject, ended(subject)) == ""
    assert box.mails == []
    assert records(subject.folder) == ()


def test_a_mail_that_could_not_be_sent_is_on_record_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, subject: NoticeSubject, caplog: pytest.LogCaptureFixture
) -> None:
    connect_mail(monkeypatch, closed_port())
    trouble = deliver(subject, ended(subject))

    assert trouble.startswith(
        "The mail server can't be reached. Check host and port of the connection smtp_default"
    )
    assert unsent(subject.folder) == (f"nobody to purge: {trouble}",)
    assert trouble in caplog.text
    assert "The run goes on without it." in caplog.text

    with mail_server(monkeypatch) as box:
        assert deliver(subject, ended(subject)) == ""
        assert deliver(subject, ended(subject)) == ""
    assert len(box.mails) == 1
    assert unsent(subject.folder) == ()


def test_a_server_that_wants_a_login_gets_it(monkeypatch: pytest.MonkeyPatch, subject: NoticeSubject) -> None:
    with mail_server(monkeypatch, password="right-secret") as box:
        connect_mail(monkeypatch, box.port, password="wrong-secret")
        refused = deliver(subject, ended(subject))
        connect_mail(monkeypatch, box.port, password="right-secret")
        assert deliver(subject, ended(subject)) == ""
    assert refused == (
        "The mail server refuses the login. Check login and password of the connection smtp_default (answer 535)."
    )
    assert len(box.mails) == 1


def test_an_address_that_the_server_refuses_is_named_by_its_setting(
    monkeypatch: pytest.MonkeyPatch, subject: NoticeSubject
) -> None:
    with mail_server(monkeypatch, refuse="head@library.test") as box:
        trouble = deliver(subject, ended(subject))
    assert trouble == "The mail server refused 1 of 2 addresses. Check notices.to in the settings."
    assert box.recipients == [["systems@library.test"]]


def test_only_refused_addresses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own_config(monkeypatch, tmp_path / "one", notices={"to": ["head@library.test"]})
    subject = subject_of("alma_user_purge_demo", "manual__test")
    with mail_server(monkeypatch, refuse="head@library.test"):
        trouble = deliver(subject, ended(subject))
    assert trouble == "The mail server refuses every address. Check notices.to in the settings."


def test_a_connection_without_a_sender(
    monkeypatch: pytest.MonkeyPatch, box: Mailbox, subject: NoticeSubject
) -> None:
    connect_mail(monkeypatch, box.port, from_email=None)
    trouble = deliver(subject, ended(subject))
    assert trouble == "The connection smtp_default names no sender. Put from_email into its extra field."


def test_a_server_without_the_tls_that_the_connection_wants(
    monkeypatch: pytest.MonkeyPatch, box: Mailbox, subject: NoticeSubject
) -> None:
    connect_mail(monkeypatch, box.port, disable_ssl=False)
    assert "agree on no TLS. Check port, disable_ssl and disable_tls" in deliver(subject, ended(subject))
    connect_mail(monkeypatch, box.port, disable_tls=False)
    assert "offers no TLS or no login" in deliver(subject, ended(subject))


def test_a_connection_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own_config(monkeypatch, tmp_path / "other", notices={**NOTICES, "smtp_connection": "no_such_mail"})
    subject = subject_of("alma_user_purge_demo", "manual__test")
    assert deliver(subject, ended(subject)).startswith("The connection no_such_mail does not exist")


def test_without_airflows_address_the_mail_says_where_to_click(
    monkeypatch: pytest.MonkeyPatch, box: Mailbox, subject: NoticeSubject
) -> None:
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")
    deliver(subject, ended(subject))
    assert "http" not in text_of(box.mails[0])
    assert "href" not in html_of(box.mails[0])
    assert "then the tab Purge review." in text_of(box.mails[0])


def test_a_damaged_record_says_what_to_do(box: Mailbox, subject: NoticeSubject) -> None:
    deliver(subject, ended(subject))
    (name,) = [one.name for one in (subject.folder.path / "notices").iterdir()]
    (subject.folder.path / "notices" / name).write_text("{")
    with pytest.raises(RunFileError, match=f"notices/{name} in the run folder can't be read"):
        unsent(subject.folder)
