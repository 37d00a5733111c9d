"""The content of `review.json`: what the approver sees, without a name or an id."""

from datetime import date
from decimal import Decimal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from patron_purge.guards import GuardResult
from patron_purge.institution import RuleSettings
from patron_purge.states import Mode


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Count(_Model):
    """How many rows have one state or reason.

    Attributes:
        code: Code of the state or reason.
        label: Its words.
        count: Number of rows.
    """

    code: str
    label: str
    count: int


class Equation(_Model):
    """The sum over the rows of the report.

    Attributes:
        text: `1,240 rows in the report = 210 to purge + …`.
        total: Rows of the report.
        parts: Rows by state.
    """

    text: str
    total: int
    parts: tuple[Count, ...]


class GroupRow(_Model):
    """One line of the table by user group.

    Attributes:
        code: Code of the original user group.
        description: Its description in Alma.
        count: People of this group on the list.
        last_count: The same in the last full run; None when there was none.
        change: Difference to the last full run; None when there was none.
        is_new: Whether the last full run had nobody of this group.
    """

    code: str
    description: str
    count: int
    last_count: int | None
    change: int | None
    is_new: bool


class InputSummary(_Model):
    """One input file.

    Attributes:
        name: File name.
        sha256: Checksum of the file.
        data_date: Day or moment of the data.
        age_hours: Age of the data when it was fetched, in hours.
        rows: Rows with a person.
        without_id: Rows without a primary id.
        matched: People of the report whom the file held back; None for the report itself. A person whom two
            files list is counted for the first.
        listed: People of the report whom the file lists, each file counted by itself; None where that is
            not known.
    """

    name: str
    sha256: str
    data_date: AwareDatetime | date | None
    age_hours: Decimal | None
    rows: int
    without_id: int = 0
    matched: int | None = None
    listed: int | None = None

    @property
    def match_rate(self) -> Decimal | None:
        """Return the share of the file's rows that are people of the report, in percent with one decimal."""
        if self.listed is None or self.rows == 0:
            return None
        return (Decimal(100) * self.listed / self.rows).quantize(Decimal("0.1"))


class Parameter(_Model):
    """One parameter of a job payload.

    Attributes:
        name: Name.
        value: Value; the placeholders are still in place.
    """

    name: str
    value: str


class JobSummary(_Model):
    """A job and what it will be sent.

    Attributes:
        name: Name of the job in Alma.
        id: Job id in Alma.
        payload_sha256: Checksum of the frozen payload.
        parameters: Parameters in the order of the payload.
    """

    name: str
    id: str
    payload_sha256: str
    parameters: tuple[Parameter, ...]


class Money(_Model):
    """What would be waived, in the institution's currency.

    Attributes:
        total: Sum over the list.
        largest: Largest amount of one person.
        people: People who owe anything.
    """

    total: Decimal
    largest: Decimal
    people: int


class Review(_Model):
    """The content of `review.json`.

    Attributes:
        institution: Short code of the institution.
        institution_name: Name shown to people.
        institution_code: Alma's institution code.
        environment: Alma environment.
        run_id: Run id of Airflow.
        mode: How far the run may go.
        created_at: When the review was prepared.
        count: People on the list.
        code: Code that the approver types.
        digest: Digest of the purge.
        equation: The sum over the report.
        by_reason: Rows held back, by reason.
        by_group: The list by user group.
        by_age: The list by whole years since the purge date.
        money: What would be waived.
        inputs: The input files.
        guards: What the guards say.
        marker_group: Code of the marker group.
        jobs: The jobs with their parameters.
        file_sha256: Checksums of the run's files by their name.
        by_expiry: The list by whole years since the account expired.
        group_names: Description of every user group by its code.
        rules: Settings of the rules with which the list was made; None in reviews of older versions.
    """

    institution: str
    institution_name: str
    institution_code: str
    environment: str
    run_id: str
    mode: Mode
    created_at: AwareDatetime
    count: int = Field(ge=0)
    code: str
    digest: str
    equation: Equation
    by_reason: tuple[Count, ...]
    by_group: tuple[GroupRow, ...]
    by_age: tuple[Count, ...]
    money: Money
    inputs: tuple[InputSummary, ...]
    guards: tuple[GuardResult, ...]
    marker_group: str
    jobs: tuple[JobSummary, ...]
    file_sha256: dict[str, str]
    by_expiry: tuple[Count, ...] = ()
    group_names: dict[str, str] = {}
    rules: RuleSettings | None = None
