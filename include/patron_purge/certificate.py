"""The outcome document of a run: for the institution's files, without personal data of patrons."""

from datetime import date
from decimal import Decimal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from patron_purge.decision import Decision
from patron_purge.guards import GuardResult
from patron_purge.headline import headline
from patron_purge.institution import GuardSettings, RuleSettings
from patron_purge.outcome import CounterCheck, JobCounter
from patron_purge.review_model import Count, Equation, GroupRow, InputSummary, JobSummary, Money, Parameter
from patron_purge.run_outcome import Outcome
from patron_purge.states import Engine, Mode


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EarlierCounts(_Model):
    """Counts of a purge run by hand that were typed and later replaced.

    Attributes:
        typed_by: Airflow user id of whoever typed them.
        typed_at: When.
        purged: People purged, as typed.
        kept: People not purged, as typed.
    """

    typed_by: str
    typed_at: AwareDatetime | None
    purged: int
    kept: int


class JobInstance(_Model):
    """One run of a job in Alma.

    Attributes:
        job: Name of the job in Alma.
        job_id: Job id in Alma.
        job_name: The name that the run gave to the instance.
        instance_id: Id of the instance.
        status: Status at its end, as Alma spells it.
        submitted_at: When it was submitted.
        ended_at: When it ended; None when Alma did not say.
        counters: Its counters.
        checks: Its counters against what was counted by single reads.
        by_hand: Whether a person was asked to start it on a page of Alma, which no API can do.
        answered_by: Airflow user id of the person who said how that ended.
        earlier_counts: Counts that were typed before and replaced, oldest first.
    """

    job: str
    job_id: str
    job_name: str
    instance_id: str
    status: str
    submitted_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    counters: tuple[JobCounter, ...] = ()
    checks: tuple[CounterCheck, ...] = ()
    by_hand: bool = False
    answered_by: str = ""
    earlier_counts: tuple[EarlierCounts, ...] = ()


class Period(_Model):
    """The time that a run is about.

    Attributes:
        began_at: When preflight had looked at the tenant; None when it did not come to its end.
        report_of: When the Analytics report was pulled; None when it was not.
        purge_dates_from: Earliest purge date of the people on the list; None without a list.
        purge_dates_to: Latest purge date of the people on the list.
    """

    began_at: AwareDatetime | None = None
    report_of: AwareDatetime | None = None
    purge_dates_from: date | None = None
    purge_dates_to: date | None = None


class FileChecksum(_Model):
    """A file of the run folder, as it was when the certificate was written.

    Attributes:
        name: Name of the file.
        sha256: Checksum of its content.
        used: Whether the certificate rests on it.
        recorded: Whether its task has recorded the same checksum in Airflow; None when none was recorded.
    """

    name: str
    sha256: str
    used: bool
    recorded: bool | None


class CertificateContent(_Model):
    """What a certificate says that can be worked out again from the run folder alone.

    Attributes:
        institution: Short code of the institution.
        institution_code: Alma's institution code.
        environment: Alma environment.
        run_id: Run id of Airflow.
        mode: How far the run was allowed to go.
        engine: How the purge itself was started.
        period: The time that the run is about.
        approved: People whom the approval names.
        sent: People in the set when the purge job was started.
        purged: People who were verified as purged.
        criteria: The rule and guard settings.
        jobs: The jobs with the parameters of their payloads.
        inputs: The input files.
        equation: The sum over the report; None when nobody was accounted for: before there was a list, or because
            `reconcile` has not come to its end.
        by_reason: Rows by the reason for which they were held back; None when nobody was accounted for.
        kept_by_alma: People whom Alma kept, by the likely reason; None when that is not known yet.
        by_group: The list by original user group.
        money: What was on the list to be waived.
        money_waived: Open fees of the people who were purged, in the institution's currency; None when it is not known
            yet who was purged.
        guards: What the guards said, with overrides.
        decision: The decision, with refused answers; None when nobody was asked.
        instances: The job instances in Alma.
        digest: Digest of the purge; empty when the run ended before there was one.
        restored: People who were regrouped, by what became of their original group; None when that is not known yet.
    """

    institution: str
    institution_code: str
    environment: str
    run_id: str
    mode: Mode
    engine: Engine
    period: Period = Period()
    approved: int = Field(default=0, ge=0)
    sent: int = Field(default=0, ge=0)
    purged: int = Field(default=0, ge=0)
    criteria: tuple[Parameter, ...] = ()
    jobs: tuple[JobSummary, ...] = ()
    inputs: tuple[InputSummary, ...] = ()
    equation: Equation | None = None
    by_reason: tuple[Count, ...] | None = ()
    kept_by_alma: tuple[Count, ...] | None = ()
    by_group: tuple[GroupRow, ...] = ()
    money: Money | None = None
    money_waived: Decimal | None = Decimal(0)
    guards: tuple[GuardResult, ...] = ()
    decision: Decision | None = None
    instances: tuple[JobInstance, ...] = ()
    digest: str = ""
    restored: tuple[Count, ...] | None = ()

    @property
    def was_approved(self) -> bool:
        """Tell whether somebody has approved the list."""
        return self.decision is not None and self.decision.valid_until is not None


class Certificate(CertificateContent):
    """The content of `certificate.json`.

    Attributes:
        outcome: How the run ended.
        institution_name: Name shown to people.
        created_at: When the certificate was written.
        problems: Sentences about what stopped the run or failed; empty when all went well.
        remarks: What a reader has to know about how this certificate came about.
        files: The files of the run folder with their checksums.
        page_sha256: Checksum of the page that was written with this certificate.
        unsent_notices: Mails about the run that could not be sent, and why.
        versions: Versions of the software.
    """

    outcome: Outcome
    institution_name: str
    created_at: AwareDatetime
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    files: tuple[FileChecksum, ...] = ()
    page_sha256: str = ""
    unsent_notices: tuple[str, ...] = ()
    versions: tuple[Parameter, ...] = ()

    @property
    def headline(self) -> str:
        """Say in one sentence how the run ended."""
        return headline(self.outcome, self)


def criteria_of(rules: RuleSettings, guards: GuardSettings) -> tuple[Parameter, ...]:
    """List the settings under which a run decided.

    Args:
        rules: The rule settings.
        guards: The guard settings.
    """
    settings = [("rules", rules), ("guards", guards)]
    return tuple(
        Parameter(name=f"{section}.{name}", value=_setting(getattr(model, name)))
        for section, model in settings
        for name in type(model).model_fields
    )


def _setting(value: object) -> str:
    """Write the value of a setting for a person."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value) or "none"
    return str(value)
