"""What a person saw in Alma about a job whose start was unclear."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from patron_purge.decision import Person
from patron_purge.errors import RunFileError

LOOK_AFTER = timedelta(minutes=15)
"""How long after the intent a job may still appear, so that nobody can say before that it is not there."""


class Seen(StrEnum):
    """What a person found on Alma's Monitor Jobs page."""

    MISSING = "missing"
    ENDED = "ended"

    @property
    def words(self) -> str:
        """Return what is said about the job."""
        return "is not there and did not run" if self is Seen.MISSING else "is there and has ended"

    @property
    def meaning(self) -> str:
        """Return what the run makes of it."""
        return "never started" if self is Seen.MISSING else "ended"


class Looked(BaseModel):
    """Somebody looked at Alma's Monitor Jobs page for a job of this run, and it does not work, or not any more.

    Attributes:
        job_name: The job that was looked for.
        attempt: Which start of it.
        by: Who looked; staff.
        at: When.
        seen: What was found.
        comment: What that person added.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_name: str
    attempt: int
    by: Person
    at: AwareDatetime
    seen: Seen = Seen.MISSING
    comment: str = ""

    @property
    def sentence(self) -> str:
        """Return it as a sentence for the certificate."""
        said = f" Comment: {self.comment}" if self.comment else ""
        return (
            f"{self.by.name} ({self.by.id}) looked at Monitor Jobs in Alma at {self.at:%Y-%m-%d %H:%M %Z} and said "
            f"that the job {self.job_name} {self.seen.words}.{said}"
        )

    def to_bytes(self) -> bytes:
        """Return the entry as JSON."""
        return self.model_dump_json(indent=1).encode()


def read_looked(entries: Iterable[bytes]) -> tuple[Looked, ...]:
    """Read what people saw.

    Args:
        entries: The entries as JSON, in any order.

    Returns:
        The entries, oldest first.

    Raises:
        RunFileError: One of them can't be read.
    """
    try:
        read = [Looked.model_validate_json(entry) for entry in entries]
    except ValidationError as error:
        raise RunFileError(
            "What somebody wrote down about a job in Alma can't be read. Find out who changed the run folder; "
            "nothing was changed by this task."
        ) from error
    return tuple(sorted(read, key=lambda each: (each.at, each.by.id)))


def looked_for(
    entries: Iterable[Looked], job_name: str, attempt: int, intended_at: datetime | None
) -> Looked | None:
    """Find the statement that counts for one start of a job.

    Args:
        entries: What people saw.
        job_name: Name of the job.
        attempt: Which start of it.
        intended_at: When that start was intended.

    Returns:
        The first statement about exactly this start, made when the job would have been listed; None without one.
    """
    if not job_name or intended_at is None:
        return None
    return next(
        (
            one
            for one in entries
            if (one.job_name, one.attempt) == (job_name, attempt) and one.at >= intended_at + LOOK_AFTER
        ),
        None,
    )
