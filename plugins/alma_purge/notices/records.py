"""Which notices of a run were sent, so that each is sent once and an unsent one is not forgotten."""

import hashlib
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from alma_purge.run_folder import RunFolder
from patron_purge.errors import RunFileError
from patron_purge.notices import NoticeKind

FOLDER = "notices"


class NoticeRecord(BaseModel):
    """What became of one notice.

    Attributes:
        kind: What it was about.
        event: What happened, so that the same event is not told twice; without personal data.
        task_id: The task that it happened in; empty for a reminder.
        at: When it was sent, or could not be sent.
        trouble: Why it could not be sent and what to check; empty when it was sent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: NoticeKind
    event: str
    task_id: str
    at: datetime
    trouble: str = ""


def record_of(folder: RunFolder, kind: NoticeKind, event: str) -> NoticeRecord | None:
    """Return what became of the notice about an event; None when none was tried.

    Args:
        folder: The run folder.
        kind: What the notice is about.
        event: The event.
    """
    content = _inner(folder).read_if_there(_name(kind, event))
    return None if content is None else _read(content, _name(kind, event))


def write_record(folder: RunFolder, record: NoticeRecord) -> None:
    """Write down what became of a notice.

    Each notice has a file of its own, so that two tasks that fail at the same moment do not overwrite each other.

    Args:
        folder: The run folder.
        record: What became of it.
    """
    _inner(folder).write(_name(record.kind, record.event), record.model_dump_json(indent=1).encode())


def records(folder: RunFolder) -> tuple[NoticeRecord, ...]:
    """Return what became of every notice of a run, oldest first.

    Args:
        folder: The run folder.
    """
    inner = _inner(folder)
    names = [name for name in inner.names() if name.endswith(".json") and not name.startswith(".")]
    found = [_read(inner.read(name), name) for name in names]
    return tuple(sorted(found, key=lambda one: one.at))


def unsent(folder: RunFolder) -> tuple[str, ...]:
    """Return a sentence for every notice of a run that could not be sent.

    Args:
        folder: The run folder.
    """
    return tuple(f"{one.kind.label}: {one.trouble}" for one in records(folder) if one.trouble)


def _read(content: bytes, name: str) -> NoticeRecord:
    try:
        return NoticeRecord.model_validate_json(content)
    except ValidationError as error:
        raise RunFileError(
            f"{FOLDER}/{name} in the run folder can't be read; it only says which mail was sent. Remove the file, then "
            "clear this task; nothing was changed in Alma."
        ) from error


def _inner(folder: RunFolder) -> RunFolder:
    return RunFolder(folder.path / FOLDER)


def _name(kind: NoticeKind, event: str) -> str:
    return f"{kind.value}-{hashlib.sha256(event.encode()).hexdigest()[:12]}.json"
