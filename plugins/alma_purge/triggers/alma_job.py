"""Waits for the end of an Alma job without a worker slot."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from alma_api.client import AlmaClient
from alma_api.errors import AlmaError, AlmaRateError, AlmaResponseError, AlmaUnavailableError, NotFoundError
from alma_purge.documents import JobRecord
from alma_purge.hooks.alma import AlmaHook
from alma_purge.steps.job_start import look_up
from patron_purge.errors import PurgeError

# With the usual 30 seconds between two questions this bears an outage of more than two hours.
MAX_FAILURES_IN_A_ROW = 20
LONGEST_PAUSE = 20
# A job instance may be unknown for a moment after its start.
PATIENT_ERRORS = (AlmaUnavailableError, AlmaRateError, AlmaResponseError, NotFoundError)


class JobNews(StrEnum):
    """What a trigger has to say."""

    ENDED = "ended"
    FOUND = "found"
    NOT_FOUND = "not_found"
    DEADLINE = "deadline"
    FAILED = "failed"


class _AlmaTrigger(BaseTrigger):
    """Base of the triggers: asks Alma again and again, and bears with short outages.

    Args:
        alma_conn_id: Id of the Airflow connection; the API key itself is never serialized.
        poll_seconds: Pause between two questions.
        deadline: When to stop waiting, in ISO format with a zone; absolute, so a restart does not extend it.
        calls_per_second: The institution's pace; None in a trigger of before there was this argument.
    """

    def __init__(
        self, alma_conn_id: str, poll_seconds: float, deadline: str, calls_per_second: float | None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alma_conn_id = alma_conn_id
        self.poll_seconds = poll_seconds
        self.deadline = deadline
        self.calls_per_second = calls_per_second

    def ask(self, client: AlmaClient) -> JobNews | None:
        """Ask Alma once; return the news, or None when there is none yet."""
        raise NotImplementedError

    def at_deadline(self) -> JobNews:
        """Return the news when the time is up."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until there is news or the time is up; GET requests only."""
        try:
            client = await sync_to_async(AlmaHook(self.alma_conn_id, self.calls_per_second).get_conn)()
        except PurgeError as error:
            yield _event(JobNews.FAILED, str(error))
            return
        with client:
            yield await self._wait(client)

    async def _wait(self, client: AlmaClient) -> TriggerEvent:
        """Ask again and again; a few unanswered questions in a row are borne."""
        failures = 0
        while True:
            try:
                news = await asyncio.to_thread(self.ask, client)
            except PATIENT_ERRORS as error:
                failures += 1
                self.log.warning("Alma did not answer (%s times in a row): %s", failures, error)
                if failures >= MAX_FAILURES_IN_A_ROW:
                    return _event(JobNews.FAILED, str(error))
                news = None
            except (AlmaError, PurgeError) as error:
                return _event(JobNews.FAILED, str(error))
            else:
                failures = 0
            if news is None and datetime.now(UTC) >= datetime.fromisoformat(self.deadline):
                news = self.at_deadline()
            if news is not None:
                return _event(news)
            await asyncio.sleep(self.pause_after(failures))

    def pause_after(self, failures: int) -> float:
        """Return how long to wait before the next question, in seconds: longer and longer while Alma is out.

        Args:
            failures: How many questions in a row were not answered.
        """
        return self.poll_seconds * min(1 << failures, LONGEST_PAUSE)

    async def on_kill(self) -> None:
        """Say that the job goes on: an Alma job can't be cancelled from here."""
        self.log.warning("Nobody waits for the Alma job any more, but it goes on in Alma.")


def _event(news: JobNews, reason: str = "") -> TriggerEvent:
    return TriggerEvent({"news": news.value, "reason": reason})


class AlmaJobEndTrigger(_AlmaTrigger):
    """Waits until a job instance has ended.

    Args:
        alma_conn_id: Id of the Airflow connection.
        poll_seconds: Pause between two questions.
        deadline: When to stop waiting, in ISO format with a zone.
        job_id: Id of the job.
        instance_id: Id of the instance.
        calls_per_second: The institution's pace.
    """

    def __init__(
        self,
        alma_conn_id: str,
        poll_seconds: float,
        deadline: str,
        job_id: str,
        instance_id: str,
        *,
        calls_per_second: float | None = None,
    ) -> None:
        super().__init__(alma_conn_id, poll_seconds, deadline, calls_per_second)
        self.job_id = job_id
        self.instance_id = instance_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer needs to make this trigger again."""
        return (
            "alma_purge.triggers.alma_job.AlmaJobEndTrigger",
            {
                "alma_conn_id": self.alma_conn_id,
                "poll_seconds": self.poll_seconds,
                "deadline": self.deadline,
                "job_id": self.job_id,
                "instance_id": self.instance_id,
                "calls_per_second": self.calls_per_second,
            },
        )

    def ask(self, client: AlmaClient) -> JobNews | None:
        """Read the instance."""
        instance = client.jobs.instance(self.job_id, self.instance_id)
        self.log.info("Alma says %s, %s %% done", instance.status_text, round(instance.progress))
        return JobNews.ENDED if instance.status.is_terminal else None

    def at_deadline(self) -> JobNews:
        """Return the news that the job takes too long."""
        return JobNews.DEADLINE


class AlmaJobLookUpTrigger(_AlmaTrigger):
    """Looks for a job instance by its unique name, after an unclear answer to its start.

    Args:
        alma_conn_id: Id of the Airflow connection.
        poll_seconds: Pause between two questions.
        deadline: When to stop looking, in ISO format with a zone.
        record: The record of the intent, as JSON.
        calls_per_second: The institution's pace.
    """

    def __init__(
        self,
        alma_conn_id: str,
        poll_seconds: float,
        deadline: str,
        record: str,
        *,
        calls_per_second: float | None = None,
    ) -> None:
        super().__init__(alma_conn_id, poll_seconds, deadline, calls_per_second)
        self.record = record

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer needs to make this trigger again."""
        return (
            "alma_purge.triggers.alma_job.AlmaJobLookUpTrigger",
            {
                "alma_conn_id": self.alma_conn_id,
                "poll_seconds": self.poll_seconds,
                "deadline": self.deadline,
                "record": self.record,
                "calls_per_second": self.calls_per_second,
            },
        )

    def ask(self, client: AlmaClient) -> JobNews | None:
        """Look the instance up."""
        return JobNews.FOUND if look_up(client, JobRecord.model_validate_json(self.record)) else None

    def at_deadline(self) -> JobNews:
        """Return the news that no instance of this name has appeared."""
        return JobNews.NOT_FOUND
