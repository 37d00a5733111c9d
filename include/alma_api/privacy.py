"""Keeps people's identifiers out of error texts and logs."""

import logging
import re
from collections.abc import Sequence

HIDDEN = "(hidden)"

# Alma's own messages: "User with identifier X was not found.", "... with identifier X of type Y."
_AFTER_IDENTIFIER = re.compile(
    r"(?i)\b(identifiers?|primary[ _]ids?|user[ _]ids?)(\s*[:=]\s*|\s+)(\S.*?)"
    r"(?=\s+(?:of|was|were|is|are|has|already|does|could|cannot|not|in)\b|\.?\s*$)"
)
_EMAIL = re.compile(r"[^\s@<>()]+@[^\s@<>()]+")
_PATH_OF_A_USER = re.compile(r"(/users/)(?!operation/)[^/?\s\"]+")


def without_identifiers(message: str, known: Sequence[str] = ()) -> str:
    """Takes identifiers of people out of a message.

    Args:
        message: Alma's message.
        known: The identifiers that were part of the call; wherever they appear they are hidden.

    Returns:
        The message with each identifier replaced.
    """
    for identifier in sorted(filter(None, known), key=len, reverse=True):
        message = re.sub(rf"(?i)(?<!\w){re.escape(identifier)}(?!\w)", HIDDEN, message)
    return _EMAIL.sub(HIDDEN, _AFTER_IDENTIFIER.sub(_hide, " ".join(message.split())))


def _hide(match: re.Match[str]) -> str:
    return f"{match.group(1)}{match.group(2)}{HIDDEN}"


class _HideUserPaths(logging.Filter):
    """Takes user ids out of the request lines that urllib3 logs at level DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _PATH_OF_A_USER.sub(rf"\1{HIDDEN}", item) if isinstance(item, str) else item
                for item in record.args
            )
        return True


def keep_ids_out_of_http_logs() -> None:
    """Makes urllib3's debug log hide the user ids in request paths; calling it again changes nothing."""
    logger = logging.getLogger("urllib3.connectionpool")
    if not any(isinstance(existing, _HideUserPaths) for existing in logger.filters):
        logger.addFilter(_HideUserPaths())
