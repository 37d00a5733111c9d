"""Lets only one of several executions of a task start a job.

Airflow may run a task a second time while the first execution is cut off but still alive. The record of the
job is read and then written, so two executions could pass each other; a claim can be made only once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import PurePosixPath

from alma_purge.operators.base import MustWaitError
from alma_purge.run_folder import RunFolder

MUST_SEND_WITHIN = timedelta(minutes=5)
OVER_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class StartClaim:
    """The right of one execution to start a job.

    Attributes:
        made_at: When it was made.
    """

    made_at: datetime

    def is_good(self) -> bool:
        """Tell whether the start may still be sent: much later, another execution may have made a claim."""
        return datetime.now(UTC) - self.made_at < MUST_SEND_WITHIN


def claim_start(folder: RunFolder, record_file: str, attempt: int) -> StartClaim:
    """Claim the start of a job for this execution of the task.

    A claim that led to nothing is over after a quarter of an hour; by then its maker may not send any more.

    Args:
        folder: The run folder.
        record_file: Name of the job's record, which names the claim.
        attempt: Number of this start; a new one only after Alma's definite refusal.

    Raises:
        MustWaitError: Another execution of the task has claimed this start within the last 15 minutes.
    """
    for generation in count(1):
        name = f"{PurePosixPath(record_file).stem}-start-{attempt}-{generation}.txt"
        now = datetime.now(UTC)
        if folder.create(name, now.isoformat().encode()):
            return StartClaim(now)
        over_at = datetime.fromisoformat(folder.read(name).decode()) + OVER_AFTER
        if now < over_at:
            raise MustWaitError(
                "Another execution of this task was about to start the job and may still do so.", over_at
            )
    raise AssertionError  # the count has no end
