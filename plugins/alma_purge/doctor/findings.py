"""What the doctor has found, and the report that is made of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from textwrap import wrap

_WIDTH = 100
_NAME_WIDTH = 20


class Status(StrEnum):
    """How a check ended."""

    FINE = "fine"
    NOTE = "note"
    FAILED = "FAILED"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        check: Name of the check.
        status: How it ended.
        text: What was found, in a sentence without personal data.
    """

    check: str
    status: Status
    text: str


def report_text(heading: str, findings: Iterable[Finding], secrets: Iterable[str]) -> str:
    """Write the report.

    Args:
        heading: Which institution, and when.
        findings: The findings in their order.
        secrets: Keys and passwords, none of which may be in the report.
    """
    found = list(findings)
    lines = [
        heading,
        "Nothing was changed in Alma or on the SFTP server. There are no keys, passwords or patrons' data in here.",
        "",
    ]
    for one in found:
        first, *more = wrap(one.text, _WIDTH - _NAME_WIDTH - 13) or [""]
        lines.append(f"{one.status:<12} {one.check:<{_NAME_WIDTH}} {first}")
        lines += [f"{'':<12} {'':<{_NAME_WIDTH}} {line}" for line in more]
    counts = {status: sum(one.status is status for one in found) for status in Status}
    summary = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    text = "\n".join([*lines, "", f"{summary}."])
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
