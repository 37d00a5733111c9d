"""Jobs in Alma: find one, start it once, follow its runs."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from urllib.parse import unquote

from alma_api.call import Call, Effect
from alma_api.errors import not_understood
from alma_api.job_status import JobStatus
from alma_api.models import Counter, Job, JobInstance, JobStart
from alma_api.paging import Page, page_params, read_complete
from alma_api.record import Record
from alma_api.transport import Transport

_T = TypeVar("_T")
_INSTANCE_LINK = re.compile(r"/instances/([^/?#]+)")


class JobsApi:
    """The part of the Jobs API that a purge needs.

    Args:
        transport: Sends the calls.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_manual(self) -> tuple[Job, ...]:
        """Lists all manual jobs, which are those that may be started on a set.

        Raises:
            AlmaResponseError: Alma listed fewer jobs than it said there are.
            AlmaError: A read failed.
        """
        return self._list("MANUAL")

    def list_other(self) -> tuple[Job, ...]:
        """Lists the jobs that are neither started on a set nor scheduled, but by a page of Alma's own.

        Raises:
            AlmaResponseError: Alma listed fewer jobs than it said there are.
            AlmaError: A read failed.
        """
        return self._list("OTHER")

    def _list(self, kind: str) -> tuple[Job, ...]:
        def fetch(offset: int) -> Page[Job]:
            params = (("type", kind), *page_params(offset))
            return self._transport.json(Call("list jobs", "GET", ("conf", "jobs"), params=params), _job_page)

        return read_complete(fetch, "jobs", key=lambda job: job.id)

    def find_by_name(self, name: str) -> list[Job]:
        """Returns the manual jobs of exactly this name.

        Args:
            name: The job's name as the "Run a job" list shows it.

        Raises:
            AlmaError: A read failed.
        """
        return [job for job in self.list_manual() if job.name == name]

    def get(self, job_id: str) -> Job:
        """Reads a job.

        Args:
            job_id: The job's id, such as M148.

        Raises:
            NotFoundError: No such job.
            AlmaError: The read failed.
        """
        return self._transport.json(Call("read a job", "GET", ("conf", "jobs", job_id)), _read_job)

    def run(self, job_id: str, payload: bytes) -> JobStart:
        """Starts a job once.

        Args:
            job_id: The job's id.
            payload: The JSON body, sent byte for byte.

        Raises:
            JobLimitError: Too many jobs are running or were started in the last hour.
            JobOverlapError: It overlaps with a running job.
            AlmaUnclearError: The job may or may not have started; look among its instances, never start it
                again blindly.
            AlmaError: Alma refused, or can't be reached; nothing was started.
        """
        call = Call(
            "start a job",
            "POST",
            ("conf", "jobs", job_id),
            params=(("op", "run"),),
            body=payload,
            effect=Effect.CHANGE,
        )
        return self._transport.json(call, lambda document: JobStart(job_id, _started_instance(document)))

    def instances(self, job_id: str, submitted_from: date) -> tuple[JobInstance, ...]:
        """Lists the runs of a job submitted on or after a day. The list may lag behind a start.

        Args:
            job_id: The job's id, or ALL.
            submitted_from: The first day, as Alma dates it.

        Raises:
            AlmaResponseError: Alma listed fewer runs than it said there are.
            AlmaError: A read failed.
        """

        def fetch(offset: int) -> Page[JobInstance]:
            params = (("submit_date_from", submitted_from.isoformat()), *page_params(offset))
            call = Call("list the runs of a job", "GET", ("conf", "jobs", job_id, "instances"), params=params)
            return self._transport.json(call, _instance_page)

        return read_complete(fetch, "runs of the job", key=lambda instance: instance.id)

    def instance(self, job_id: str, instance_id: str) -> JobInstance:
        """Reads one run of a job.

        Args:
            job_id: The job's id, or ALL.
            instance_id: The run's id.

        Raises:
            NotFoundError: No such run.
            AlmaError: The read failed.
        """
        call = Call("read a run of a job", "GET", ("conf", "jobs", job_id, "instances", instance_id))
        return self._transport.json(call, _read_instance)


def _started_instance(document: object) -> str:
    """Takes the run's id from the link in the answer; the answer's own id is that of the job."""
    info = Record(document, "started job").part("additional_info", "start report")
    link = _INSTANCE_LINK.search(info.text("link")) if info else None
    if link is None:
        raise not_understood("it does not name the run that was started")
    return unquote(link.group(1))


def _read_job(document: object) -> Job:
    record = Record(document, "job")
    return Job(
        id=record.required("id"),
        name=record.text("name"),
        type=record.code("type"),
        content=record.code("content"),
    )


def _job_page(document: object) -> Page[Job]:
    return _page(document, "job", _read_job)


def _instance_page(document: object) -> Page[JobInstance]:
    return _page(document, "job_instance", _read_instance)


def _page(document: object, field: str, read: Callable[[object], _T]) -> Page[_T]:
    record = Record(document, f"list of {field}")
    items = tuple(read(item.raw) for item in record.items(field, field))
    return Page(items, record.required_count("total_record_count"))


def _read_instance(document: object) -> JobInstance:
    record = Record(document, "job instance")
    job = record.part("job_info", "job")
    status = record.code("status")
    counters = record.items("counter", "counter")
    numbers = [(counter, _whole_number(counter.code("value"))) for counter in counters]
    return JobInstance(
        id=record.required("id"),
        name=record.text("name"),
        job_id=job.text("id") if job else "",
        status=JobStatus.from_text(status),
        status_text=status,
        submit_time=record.moment("submit_time"),
        start_time=record.moment("start_time"),
        end_time=record.moment("end_time"),
        progress=float(record.money("progress") or 0),
        counters=tuple(
            Counter(item.code("type"), item.description("type"), number)
            for item, number in numbers
            if number is not None
        ),
        unread_counters=tuple(item.code("type") for item, number in numbers if number is None),
        alerts=tuple(item.text("desc") or item.text("value") for item in record.items("alert", "alert")),
    )


def _whole_number(text: str) -> int | None:
    try:
        number = Decimal(text.replace(",", "").strip())
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and number == number.to_integral_value() else None
