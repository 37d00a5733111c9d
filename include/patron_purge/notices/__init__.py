"""What the mails about a run say: pure text, without personal data of patrons."""

from patron_purge.notices.mail import Mail, mail_of
from patron_purge.notices.notice import Link, Notice, NoticeKind, Place
from patron_purge.notices.wording import (
    approval_wanted,
    approved,
    counts_wanted_again,
    failed,
    nobody_to_purge,
    purge_by_hand_wanted,
    ready_wanted,
    rejected,
    reminder,
    report_ready,
    run_ended,
    stopped_by_guard,
    timed_out,
)

__all__ = [
    "Link",
    "Mail",
    "Notice",
    "NoticeKind",
    "Place",
    "approval_wanted",
    "approved",
    "counts_wanted_again",
    "failed",
    "mail_of",
    "nobody_to_purge",
    "purge_by_hand_wanted",
    "ready_wanted",
    "rejected",
    "reminder",
    "report_ready",
    "run_ended",
    "stopped_by_guard",
    "timed_out",
]
