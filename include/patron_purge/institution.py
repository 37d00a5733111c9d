"""The settings of one institution, read from its YAML file and checked."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from patron_purge.errors import ConfigurationError
from patron_purge.quiet_hours import parse_quiet_hours
from patron_purge.settings_lines import Mistake, SettingsFile, read_settings
from patron_purge.states import DeleteUserPolicy, Engine, Mode

NonEmpty = Annotated[str, Field(min_length=1)]
MailAddress = Annotated[str, Field(pattern=r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+$")]
Money = Annotated[Decimal, Field(ge=0, decimal_places=2)]

# What the example file shows; the names of the consortium's exclusion files (CARLI user purge procedure).
_EXCLUSION_FILES = [
    {"pattern": "PIDs for users with loans or fines at other i-share libraries XXX*.xlsx"},
    {"pattern": "User loan counts at other i-share libraries XXX*.xlsx"},
    {"pattern": "Users with fines at other i-share libraries XXX*.xlsx"},
]
_REPORT_PATH = "/shared/Example College 01ABC_XYZ/Reports/Users with Purge Dates of Current Date or Earlier"
_REGROUP_JOB = {"name": "Update/Notify Users", "id": "M148", "payload": "update_notify_users.json"}
_PURGE_JOB = {"name": "Purge users", "id": None, "payload": "purge_users.json"}


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class ExclusionPattern(_Settings):
    """One kind of exclusion file in the SFTP folder.

    Attributes:
        pattern: File name with `*` and `?`; `XXX` stands for the library code.
        required: Whether the run stops when no file matches.
        max_age_hours: Oldest data that is still accepted, in hours, by the date on the file's first line.
    """

    pattern: NonEmpty
    required: bool = True
    max_age_hours: int = Field(default=36, ge=1)


class AlmaJob(_Settings):
    """A manual job in Alma and the payload that starts it.

    Attributes:
        name: Name of the job in Alma's "Run a Job" list; looked up when `id` is empty.
        id: Job id, when the site wants to fix it.
        payload: File in `include/jobs`, as pasted from the job's "API information" panel.
    """

    name: NonEmpty
    id: str | None = None
    payload: NonEmpty


class RuleSettings(_Settings):
    """Settings of the rules that hold a person back.

    Attributes:
        days_after_purge_date: Days that must have passed since the purge date; at least 1.
        waive_threshold: Largest sum owed that may be waived, in the institution's currency.
        record_types: Record types that may be purged.
        protected_groups: User groups, by code or description, that are never purged, besides any `I-Share` group.
        hold_instructors: Whether the Instructor role holds a person back.
        harmless_roles: Role codes that do not make somebody staff (200 is Patron).
        instructor_roles: Role codes of the Instructor role.
        hold_blocked: Whether an active block holds a person back.
        hold_note_texts: A note that contains one of these texts holds a person back, whatever the case and the
            blanks and signs between the words.
        hold_proxies: Whether being a proxy for somebody holds a person back.
        recent_activity_days: Activity within this many days holds a person back; 0 turns the rule off.
    """

    days_after_purge_date: int = Field(default=1, ge=1)
    waive_threshold: Money = Decimal(0)
    record_types: tuple[Literal["PUBLIC", "STAFF", "CONTACT"], ...] = Field(default=("PUBLIC",), min_length=1)
    protected_groups: tuple[NonEmpty, ...] = ()
    hold_instructors: bool = False
    harmless_roles: tuple[NonEmpty, ...] = ("200",)
    instructor_roles: tuple[NonEmpty, ...] = ()
    hold_blocked: bool = False
    hold_note_texts: tuple[NonEmpty, ...] = ()
    hold_proxies: bool = False
    recent_activity_days: int = Field(default=0, ge=0)


class GuardSettings(_Settings):
    """Limits over the whole list.

    Attributes:
        max_count: Most people that one run may purge.
        max_percent_of_report: Largest share of the report's rows, in percent.
        max_ratio_to_median: Largest ratio to the median of past runs.
        max_count_without_history: Most people in a run before there is any history.
        max_exclusion_drop_percent: Largest drop in exclusion rows since the last run, in percent.
        max_waived_money: Largest total that may be waived, in the institution's currency.
    """

    max_count: int = Field(default=500, ge=1)
    max_percent_of_report: Decimal = Field(default=Decimal(30), gt=0, le=100)
    max_ratio_to_median: Decimal = Field(default=Decimal(3), gt=0)
    max_count_without_history: int = Field(default=25, ge=1)
    max_exclusion_drop_percent: Decimal = Field(default=Decimal(30), ge=0, le=100)
    max_waived_money: Money = Decimal(0)


class ReportSettings(_Settings):
    """Where the Analytics report is and what its columns may be called.

    Attributes:
        path: Full path of the report in Analytics, starting with `/shared/`.
        id_headings: Accepted headings of the primary id column, first match wins.
        row_cap: Number of rows at which Analytics cuts a report off.
    """

    path: NonEmpty = Field(examples=[_REPORT_PATH])
    id_headings: tuple[NonEmpty, ...] = ("Primary Identifier", "Primary ID")
    row_cap: int = Field(default=65_000, ge=1)


class RetentionSettings(_Settings):
    """How long the files of a run that hold personal data are kept, in days after the run has ended.

    Attributes:
        raw_inputs: Days for the exclusion files, the protect list and the report as they were fetched.
        ledgers: Days for the ledgers and the lists of people who were taken off.
        workbooks: Days for the reviewer's workbook.
        snapshots: Days for the original user groups and what became of them; longer as long as somebody is
            neither verified as purged nor back in the group.
        leftover_sets: Days after which a set that a run has left in Alma is deleted.
    """

    raw_inputs: int = Field(default=7, ge=1)
    ledgers: int = Field(default=45, ge=1)
    workbooks: int = Field(default=45, ge=1)
    snapshots: int = Field(default=45, ge=1)
    leftover_sets: int = Field(default=14, ge=1)

    @model_validator(mode="after")
    def _ledgers_outlive_snapshots(self) -> Self:
        # Without the ledger it is not known who was purged, and their snapshot would count as still needed.
        if self.snapshots > self.ledgers:
            raise ValueError("retention.ledgers must be at least retention.snapshots")
        return self


class NoticeSettings(_Settings):
    """Who gets a mail about a run, and how it is sent.

    Attributes:
        to: Mail addresses of the people who get every notice.
        smtp_connection: Airflow connection of the mail server; its extra field `from_email` names the sender.
        reminder_hours: How long before the deadline reminders are sent while nobody has answered, in hours; one
            that would be due before the question is left out.
    """

    to: tuple[MailAddress, ...] = Field(min_length=1)
    smtp_connection: NonEmpty = "smtp_default"
    reminder_hours: tuple[Annotated[Decimal, Field(gt=0)], ...] = (Decimal(36), Decimal(12))


class Institution(_Settings):
    """Everything the package knows about one institution.

    Attributes:
        code: Short name in small letters, used in DAG ids and run folders; the file is named after it.
        name: Name shown to people.
        institution_code: Alma's institution code, compared with `/conf/general` before anything is changed.
        environment: Alma environment, `sandbox` or `production`, compared with `/conf/general` before anything
            is changed.
        library_code: Replaces `XXX` in the names of exclusion files.
        timezone: IANA zone in which dates are compared.
        schedule: Cron expression of the monthly run, in the zone above; empty for runs by hand only.
        mode: How far a run goes: `report_only` ends with the list and changes nothing, `pilot` purges a few
            people, `full` everybody on the approved list.
        pilot_size: People in a pilot, those with the oldest purge dates.
        marker_group: Code of the user group that marks people who are approved for the purge.
        alma_connection: Id of the Airflow connection of type Alma.
        sftp_connection: Id of the Airflow connection of type SFTP.
        sftp_folder: Folder of the exclusion files on the SFTP server.
        calls_per_second: Most calls to Alma per second; the connection may set a slower pace.
        poll_seconds: Pause between two questions about a running Alma job, in seconds.
        job_hours: How long an Alma job is waited for, in hours.
        quiet_hours: Hours of the day, by the institution's clock, in which neither job is started, such as
            `22:00-05:30` around the nightly campus load; the tasks wait for their end.
        if_job_is_running: What to do when Alma already runs a job of the same kind that this run did not start,
            for instance a purge of another Airflow installation: `wait` for its end, or `stop`.
        approval_hours: How long an approval may be waited for and stays valid, in hours.
        approvers: Airflow user ids who may answer; empty only for report-only institutions.
        notices: Mails about each run; without this block none is sent.
        four_eyes: Whether whoever triggered a run may not be the one who approves it; rejecting is always allowed.
        delete_user_policy: Alma's Delete User Policy in force, which the approver must then name to approve: `Keep
            fully reportable`, `Keep statistics`, `Keep statistics and remove primary ID` or `Fully remove`; empty
            when it need not be named.
        ask_disposal_authority: Whether the approver must name the authority to dispose of the records.
        report: The Analytics report of people whose purge date has passed.
        exclusion_files: The exclusion files that the consortium provides.
        exclusion_id_headings: Accepted headings of the id column in exclusion files.
        protect_list: Name of the protect list beside the institution's file; empty without one.
        protect_list_sftp: Name or pattern of a protect list in `sftp_folder`, with `*`, `?` and `XXX` as for
            the exclusion files; the newest counts, beside the one of `protect_list`. Empty without one.
        engine: How the purge is started: `job` by API, `manual` by a person on Alma's *Purge User Records* page.
        regroup_job: The *Update/Notify Users* job.
        purge_job: The set-based *Purge users* job; with the engine `manual` there is none.
        manual_purge_name: What Alma's Monitor Jobs page calls a run of *Purge User Records*; used by the engine
            `manual` to find the run that a person has started.
        retention: How long files with personal data are kept.
        rules: The rules that hold a person back.
        guards: Limits over the whole list.
    """

    code: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,30}$", examples=["xyz"])]
    name: NonEmpty = Field(examples=["Example College"])
    institution_code: NonEmpty = Field(examples=["01ABC_XYZ"])
    environment: Literal["sandbox", "production"] = Field(examples=["sandbox"])
    library_code: NonEmpty = Field(examples=["XYZ"])
    timezone: NonEmpty = Field(examples=["America/Chicago"])
    schedule: str | None = Field(default=None, examples=["0 6 2 * *"])
    mode: Mode = Mode.REPORT_ONLY
    pilot_size: int = Field(default=25, ge=1)
    engine: Engine = Engine.JOB
    marker_group: NonEmpty = Field(examples=["OKTOPURGE"])
    alma_connection: NonEmpty = Field(examples=["alma_xyz"])
    sftp_connection: NonEmpty = Field(examples=["sftp_xyz"])
    sftp_folder: str = "."
    calls_per_second: Decimal = Field(default=Decimal(10), gt=0, le=50)
    poll_seconds: float = Field(default=30, gt=0)
    job_hours: int = Field(default=24, ge=1)
    quiet_hours: tuple[NonEmpty, ...] = ()
    if_job_is_running: Literal["wait", "stop"] = "wait"
    approval_hours: int = Field(default=72, ge=1)
    approvers: tuple[NonEmpty, ...] = Field(default=(), examples=[["olga"]])
    notices: NoticeSettings | None = None
    four_eyes: bool = False
    delete_user_policy: DeleteUserPolicy | None = None
    ask_disposal_authority: bool = False
    report: ReportSettings
    exclusion_files: tuple[ExclusionPattern, ...] = Field(min_length=1, examples=[_EXCLUSION_FILES])
    exclusion_id_headings: tuple[NonEmpty, ...] = ("Primary ID", "Primary Identifier")
    protect_list: str | None = None
    protect_list_sftp: NonEmpty | None = None
    regroup_job: AlmaJob = Field(examples=[_REGROUP_JOB])
    purge_job: AlmaJob | None = Field(default=None, examples=[_PURGE_JOB])
    manual_purge_name: NonEmpty = "Users - Purge Records"
    rules: RuleSettings = RuleSettings()
    guards: GuardSettings = GuardSettings()
    retention: RetentionSettings = RetentionSettings()

    @field_validator("schedule")
    @classmethod
    def _readable_schedule(cls, value: str | None) -> str | None:
        if value is not None and not croniter.is_valid(value):
            raise ValueError(
                f"{value!r} is no cron expression; 0 6 2 * * means 6:00 on the 2nd of each month"
            )
        return value

    @field_validator("quiet_hours")
    @classmethod
    def _readable_hours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for span in value:
            parse_quiet_hours(span)
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"unknown time zone {value!r}; use a name such as America/Chicago") from error
        return value

    @model_validator(mode="after")
    def _complete_engine(self) -> Self:
        if self.engine is Engine.JOB and self.purge_job is None:
            raise ValueError("purge_job is missing; with engine: manual a person purges and none is needed")
        if self.engine is Engine.MANUAL and self.rules.record_types not in {("PUBLIC",), ("STAFF",)}:
            raise ValueError(
                "rules.record_types must be exactly PUBLIC or exactly STAFF with engine: manual, because Alma's "
                "Purge User Records page takes a user group for one of these only"
            )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone in which this institution counts days."""
        return ZoneInfo(self.timezone)


def load_institution(path: Path) -> Institution:
    """Read and check one institution's file.

    Args:
        path: The YAML file.

    Returns:
        The checked settings.

    Raises:
        ConfigurationError: The file can't be read, is no YAML mapping, or a setting is unknown, missing or
            out of range; every mistake is named.
    """
    settings = read_settings(path)
    found = check_settings(settings)
    if isinstance(found, Institution):
        return found
    listed = "; ".join(f"line {one.line}, {one.sentence}" for one in found)
    raise ConfigurationError(
        f"{path.name} has {len(found)} mistake(s): {listed}. Correct the file; nothing was changed."
    )


def check_settings(settings: SettingsFile) -> "Institution | tuple[Mistake, ...]":
    """Check the settings of one institution.

    Args:
        settings: The file as it was read.

    Returns:
        The checked settings, or every mistake in them.
    """
    try:
        institution = Institution.model_validate(settings.content)
    except ValidationError as error:
        return (*settings.mistakes(error), *settings.repeated)
    return settings.repeated or institution
