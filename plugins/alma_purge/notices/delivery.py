"""Sends each notice once, and never lets the run fail because of a mail."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from alma_purge.notices.mailer import NoticeNotSentError, send
from alma_purge.notices.records import NoticeRecord, record_of, write_record
from alma_purge.notices.subject import NoticeSubject
from patron_purge.notices import Notice, mail_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that a notice is sent about.

    Attributes:
        event: What happened, so that the same event is not told twice.
        task_id: The task that it happened in; empty for a reminder.
        notice: What to say.
    """

    event: str
    task_id: str
    notice: Notice


def deliver(subject: NoticeSubject, occasion: Occasion) -> str:
    """Send a notice, unless it was sent before or the institution wants none.

    A mail that could not be sent is tried again when the same event is met again, as after a clear.

    Args:
        subject: The run.
        occasion: What to tell.

    Returns:
        Why it could not be sent; empty when all is well.
    """
    settings = subject.institution.notices
    if settings is None:
        return ""
    kind = occasion.notice.kind
    before = record_of(subject.folder, kind, occasion.event)
    if before is not None and not before.trouble:
        return ""
    trouble = ""
    try:
        send(settings, mail_of(occasion.notice))
    except NoticeNotSentError as error:
        trouble = str(error)
        log.warning("The mail '%s' could not be sent. %s The run goes on without it.", kind.label, trouble)
    else:
        log.info("The mail '%s' was sent to %s.", kind.label, _addresses(len(settings.to)))
    write_record(
        subject.folder,
        NoticeRecord(
            kind=kind, event=occasion.event, task_id=occasion.task_id, at=datetime.now(UTC), trouble=trouble
        ),
    )
    return trouble


def _addresses(count: int) -> str:
    return "1 address" if count == 1 else f"{count} addresses"
