"""A real mail server on localhost, and what arrived there."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from alma_sandbox.server import RunningSandbox

SENDER = "purge@library.test"
NOTICES = {"to": ["systems@library.test", "head@library.test"]}


class FreePortController(Controller):
    """Finds out which port it was given before it tries the server."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class Mailbox:
    """A mail server that keeps what it is given.

    Args:
        refuse: An address that it refuses.
        password: The password that a login must give; without one it asks for no login.
    """

    def __init__(self, *, refuse: str = "", password: str = "") -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self._refuse = refuse
        self._controller = FreePortController(
            self,
            hostname="127.0.0.1",
            port=0,
            auth_required=bool(password),
            auth_require_tls=False,
            authenticator=lambda _server, _session, _envelope, _mechanism, data: AuthResult(
                success=data.password.decode() == password, handled=False
            ),
        )

    async def handle_RCPT(self, *args: Any) -> str:  # noqa: N802 - prescribed
        envelope, address = args[2], args[3]
        if address == self._refuse:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - prescribed
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        if self._controller.server is not None:
            self._controller.stop()

    def subjects(self) -> list[str]:
        """Return the end of each subject, after institution and environment."""
        return [
            str(mail["Subject"]).removeprefix("Example College (SANDBOX), user purge: ")
            for mail in self.mails
        ]


@contextmanager
def mail_server(monkeypatch: pytest.MonkeyPatch, **options: str) -> Iterator[Mailbox]:
    """Serve a mailbox on a free port and make it the server of `smtp_default`."""
    box = Mailbox(**options)
    box.start()
    connect_mail(monkeypatch, box.port)
    try:
        yield box
    finally:
        box.stop()


def connect_mail(monkeypatch: pytest.MonkeyPatch, port: int, *, password: str = "", **extra: Any) -> None:
    """Point the connection `smtp_default` at a port of this machine."""
    usual = {"from_email": SENDER, "disable_ssl": True, "disable_tls": True, "retry_limit": 0, "timeout": 5}
    connection = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": port,
        "extra": {key: value for key, value in (usual | extra).items() if value is not None},
    }
    if password:
        connection |= {"login": "purge", "password": password}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))


def text_of(mail: EmailMessage) -> str:
    return _part(mail, "plain")


def html_of(mail: EmailMessage) -> str:
    return _part(mail, "html")


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


def words_about_people(sandbox: RunningSandbox) -> set[str]:
    """Return every id, name, barcode and mail address of everybody in the tenant."""
    words: set[str] = set()
    with sandbox.tenant.lock:
        for person in sandbox.tenant.users:
            words |= {person.primary_id, person.last_name, f"{person.first_name} {person.last_name}"}
            words |= {str(one["value"]) for one in person.identifiers}
            words |= set(re.findall(r"[^\s\"']+@[^\s\"']+", json.dumps(person.details)))
            words.add(f"user{person.serial}@example.edu")
    # The institution's own name and the word for any person are no hint at somebody.
    return {word for word in words if word.strip()} - {"Example", "Sample"}


def assert_names_nobody(mails: list[EmailMessage], words: set[str]) -> None:
    """Make sure that no mail, in any part or header, holds a word about a person of the tenant."""
    assert mails
    assert len(words) > 500
    whole = "\n".join(
        "\n".join([*(f"{key}: {value}" for key, value in mail.items()), text_of(mail), html_of(mail)])
        for mail in mails
    )
    told = [word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", whole)]
    assert not told, f"{len(told)} words about people, such as {told[:3]}"
