"""The states of a job instance in Alma (code table systemJobStatus)."""

from enum import StrEnum


class JobStatus(StrEnum):
    """The state of a job instance.

    A state Alma may add later is `UNKNOWN`, which counts as still running: nothing is concluded from
    a state nobody knows.
    """

    QUEUED = "QUEUED"
    PENDING = "PENDING"
    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    FINALIZING = "FINALIZING"
    COMPLETED_SUCCESS = "COMPLETED_SUCCESS"
    COMPLETED_WARNING = "COMPLETED_WARNING"
    COMPLETED_NO_BULKS = "COMPLETED_NO_BULKS"
    COMPLETED_FAILED = "COMPLETED_FAILED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    SYSTEM_ABORTED = "SYSTEM_ABORTED"
    USER_ABORTED = "USER_ABORTED"
    MANUAL_HANDLING_REQUIRED = "MANUAL_HANDLING_REQUIRED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def from_text(cls, text: str) -> "JobStatus":
        """Returns the state Alma's text names, or `UNKNOWN`."""
        try:
            return cls(text.strip().upper())
        except ValueError:
            return cls.UNKNOWN

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended, well or badly."""
        return self not in _RUNNING

    @property
    def is_good(self) -> bool:
        """Whether the job ended well."""
        return self is JobStatus.COMPLETED_SUCCESS

    @property
    def needs_a_look(self) -> bool:
        """Whether the job ended, but a person should read its report: warnings, or nothing to do."""
        return self in {JobStatus.COMPLETED_WARNING, JobStatus.COMPLETED_NO_BULKS}

    @property
    def is_bad(self) -> bool:
        """Whether the job ended badly."""
        return self.is_terminal and not self.is_good and not self.needs_a_look


_RUNNING = frozenset(
    {
        JobStatus.QUEUED,
        JobStatus.PENDING,
        JobStatus.INITIALIZING,
        JobStatus.RUNNING,
        JobStatus.FINALIZING,
        JobStatus.UNKNOWN,
    }
)
