"""The JSON files of a run folder that tasks hand to each other."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_bytes(self) -> bytes:
        """Return the document as readable JSON."""
        return self.model_dump_json(indent=1).encode()


class PreflightResult(_Document):
    """What `preflight` found out about the tenant.

    Attributes:
        institution_code: Institution code that Alma answered with.
        environment: Environment that Alma answered with.
        regroup_job_id: Id of the *Update/Notify Users* job.
        purge_job_id: Id of the *Purge users* job.
        group_descriptions: User group code to description.
        checks: What was checked, one sentence each.
        remaining_calls: API calls left today, when Alma said so.
        checked_at: When.
    """

    institution_code: str
    environment: str
    regroup_job_id: str
    purge_job_id: str
    group_descriptions: dict[str, str]
    checks: tuple[str, ...]
    remaining_calls: int | None
    checked_at: datetime


class FetchedFile(_Document):
    """One exclusion file as it was fetched.

    Attributes:
        pattern: The institution's pattern that it matches.
        remote_name: Its name in the SFTP folder.
        stored_name: Its name in the run folder.
        sha256: Checksum of its content.
        size: Bytes.
        data_as_of: Date of the data, from its first lines.
        rows: Rows below the headings.
        ids: Rows with a primary id.
        names: Rows that can be matched by name only.
    """

    pattern: str
    remote_name: str
    stored_name: str
    sha256: str
    size: int
    data_as_of: datetime
    rows: int
    ids: int
    names: int


class FetchedProtectList(_Document):
    """The protect list as it was fetched.

    Attributes:
        remote_name: Its name in the SFTP folder.
        stored_name: Its name in the run folder.
        sha256: Checksum of its content.
        size: Bytes.
        entries: Entries that protect on the day of the fetch.
    """

    remote_name: str
    stored_name: str
    sha256: str
    size: int
    entries: int


class ExclusionManifest(_Document):
    """The lists of one fetch.

    Attributes:
        fetched_at: When.
        files: The exclusion files.
        protect_list: The protect list; None when the settings name none on the server.
        protect_rows: Rows of each protect list by what it is called, ended entries included; that of the list
            beside the settings too.
    """

    fetched_at: datetime
    files: tuple[FetchedFile, ...]
    protect_list: FetchedProtectList | None = None
    protect_rows: dict[str, int] = {}


class ReportFacts(_Document):
    """What `pull_report` found.

    Attributes:
        path: Path of the report in Analytics.
        rows: Rows read.
        headings: Headings of its columns.
        pulled_at: When.
    """

    path: str
    rows: int
    headings: tuple[str, ...]
    pulled_at: datetime


class JobStage(StrEnum):
    """How far an Alma job of this run has come."""

    NONE = "none"
    INTENDED = "intended"
    STARTED = "started"
    ENDED_WELL = "ended_well"
    ENDED_BADLY = "ended_badly"


class CounterValue(_Document):
    """One counter of a job instance as Alma reports it."""

    code: str
    description: str
    value: int


class EarlierWord(_Document):
    """Counts of a purge that somebody typed and that were typed again later.

    Attributes:
        person: Airflow user id of whoever typed them.
        at: When.
        purged: People purged, as typed.
        kept: People not purged, as typed.
    """

    person: str
    at: datetime | None
    purged: int
    kept: int


STORE_KEY = "alma_job"
"""Under which key Airflow's task state store keeps a task's record of its job."""


class JobRecord(_Document):
    """Everything this run knows about one Alma job that it starts at most once.

    Attributes:
        stage: How far the job has come.
        job_id: Id of the job.
        job_name: The unique name sent with it.
        set_id: Id of the itemized set that it works on.
        attempt: How many times a start was intended; more than one only after definite refusals.
        intended_at: When the latest start was intended.
        instance_id: Id of the job instance, once known.
        adopted: Whether the instance was found by its name after an unclear answer.
        name_echoed: Whether Alma shows the name on the instance; None before the instance was read.
        status: Alma's last status.
        counters: Counters of the instance when it ended.
        started_at: When Alma says the instance was submitted.
        ended_at: When Alma says the instance ended.
        by_hand: Whether a person was asked to start it on a page of Alma, which no API can do.
        answered_by: Airflow user id of the person who said how that ended.
        answered_at: When that was said.
        answered_clear: How often tasks of the run had been cleared by then.
        earlier_words: Counts that were typed before and replaced, oldest first.
    """

    stage: JobStage = JobStage.NONE
    job_id: str = ""
    job_name: str = ""
    set_id: str = ""
    attempt: int = 0
    intended_at: datetime | None = None
    instance_id: str = ""
    adopted: bool = False
    name_echoed: bool | None = None
    status: str = ""
    counters: tuple[CounterValue, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None

    by_hand: bool = False
    answered_by: str = ""
    answered_at: datetime | None = None
    answered_clear: int = 0
    earlier_words: tuple[EarlierWord, ...] = ()

    @property
    def said(self) -> str:
        """Return Alma's status and counters in one phrase, such as `COMPLETED_WARNING; records updated: 40`."""
        counters = [f"{one.description or one.code}: {one.value:,}" for one in self.counters]
        return "; ".join([self.status, *counters])


class ActResult(_Document):
    """What `regroup_users` or `purge_users` did.

    Attributes:
        approved: People on the approved list.
        dropped: Of them, taken off by a last check so far.
        sent: People in the set when the job was started; 0 when nobody was left.
        job: The job.
    """

    approved: int
    dropped: int
    sent: int
    job: JobRecord


class RestoreResult(_Document):
    """What `restore_kept` did, by count.

    Attributes:
        needed: People of this run's snapshot who were regrouped and are still in Alma.
        restored: Of them, back in their original group, read back.
        already_moved: Of them, found in another group than the marker group and left alone.
        failed: Of them, still in the marker group.
        gone: People who are no longer in Alma.
        complete: Whether nobody is left in the marker group by this run.
    """

    needed: int
    restored: int
    already_moved: int
    failed: int
    gone: int
    complete: bool
