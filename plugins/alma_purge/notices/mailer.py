"""Hands a mail to the mail server, and says plainly what to check when that does not work."""

import smtplib
import ssl
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final, cast

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk.exceptions import AirflowException

from patron_purge.errors import PurgeError
from patron_purge.institution import NoticeSettings
from patron_purge.notices import Mail

# A subject of usual length stays in one line: folded at its first blank, some programs show it with a gap.
_POLICY: Final = policy.SMTP.clone(max_line_length=200)


class NoticeNotSentError(PurgeError):
    """A mail could not be sent; the text says what to check."""


class MailHook(SmtpHook):
    """The SMTP connection of Airflow, for a mail that has a plain text beside its HTML."""

    def send(self, message: EmailMessage) -> int:
        """Send a mail.

        Args:
            message: The mail.

        Returns:
            How many addresses the server has refused while it took the mail for others.
        """
        client = cast("smtplib.SMTP", self._smtp_client)
        return len(client.send_message(message))


def send(settings: NoticeSettings, mail: Mail) -> None:
    """Send a mail to everybody who gets notices.

    Args:
        settings: Who gets it, and over which connection.
        mail: The mail.

    Raises:
        NoticeNotSentError: It could not be sent, or not to everybody.
    """
    connection = settings.smtp_connection
    try:
        hook = MailHook(smtp_conn_id=connection)
        with hook:
            sender = hook.from_email
            if not sender:
                raise NoticeNotSentError(
                    f"The connection {connection} names no sender. Put from_email into its extra field."
                )
            refused = hook.send(_message(sender, settings.to, mail))
    except (OSError, AirflowException, ValueError) as error:
        raise NoticeNotSentError(_why(error, connection)) from error
    if refused:
        raise NoticeNotSentError(
            f"The mail server refused {refused} of {len(settings.to)} addresses. Check notices.to in the settings."
        )


def _message(sender: str, to: tuple[str, ...], mail: Mail) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = mail.subject
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip(">") or None)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in return
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _answered(error: Exception) -> str:
    """Name the server's answer by its number; its words may repeat an address or more."""
    code = getattr(error, "smtp_code", None)
    return f" (answer {code})" if code else ""


# The first kind that fits decides; the kinds of smtplib are kinds of OSError too.
_REASONS: Final[tuple[tuple[type[Exception], Callable[[str], str]], ...]] = (
    (
        smtplib.SMTPAuthenticationError,
        lambda name: f"The mail server refuses the login. Check login and password of the connection {name}",
    ),
    (
        smtplib.SMTPRecipientsRefused,
        lambda _name: "The mail server refuses every address. Check notices.to in the settings",
    ),
    (
        smtplib.SMTPSenderRefused,
        lambda name: f"The mail server refuses the sender. Check from_email in the extra field of {name}",
    ),
    (
        smtplib.SMTPNotSupportedError,
        lambda name: (
            f"The mail server offers no TLS or no login. Check disable_tls, login and password of {name}"
        ),
    ),
    (
        ssl.SSLError,
        lambda name: (
            f"The mail server and Airflow agree on no TLS. Check port, disable_ssl and disable_tls of {name}"
        ),
    ),
    (
        smtplib.SMTPException,
        lambda name: (
            f"The mail server did not take the mail. Check the connection {name} and the server's log"
        ),
    ),
    (
        OSError,
        lambda name: (
            f"The mail server can't be reached. Check host and port of the connection {name}, and whether "
            "this machine may reach them"
        ),
    ),
    (
        AirflowException,
        lambda name: (
            f"The connection {name} does not exist or its server does not answer. Check it in Airflow "
            "under Admin, Connections"
        ),
    ),
)


def _why(error: Exception, connection: str) -> str:
    """Say what to check; the error's own words stay out, because they may hold addresses or more."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return f"{reason(connection)}{_answered(error)}."
    return f"The connection {connection} or an address in notices.to is not valid. Check both."
