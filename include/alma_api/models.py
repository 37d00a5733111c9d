"""What the client returns: one frozen class per thing in Alma.

People's names and identifiers are left out of every `repr`, so that a log line or a traceback can't
show them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from alma_api.job_status import JobStatus


@dataclass(frozen=True)
class Role:
    """A role of a user; code 200 is the patron role, every other role makes a staff member.

    Args:
        code: Code of the role type.
        status: ACTIVE or INACTIVE.
    """

    code: str
    status: str

    @property
    def is_active(self) -> bool:
        """Whether the role counts; one with an unknown status does."""
        return self.status.upper() != "INACTIVE"


@dataclass(frozen=True)
class Identifier:
    """An additional identifier of a user, such as a barcode.

    Args:
        type_code: Code of the identifier type.
        value: The identifier, as Alma has it.
        status: ACTIVE or INACTIVE.
    """

    type_code: str
    value: str = field(repr=False)
    status: str


@dataclass(frozen=True)
class User:
    """A user record.

    Args:
        primary_id: The primary id, byte for byte.
        user_group: Code of the user group, "" if the record has none.
        user_group_desc: Description of the user group.
        record_type: PUBLIC, STAFF or CONTACT.
        account_type: INTERNAL or EXTERNAL.
        status: ACTIVE, INACTIVE or DELETED.
        expiry_date: Last day of the account, None if the record has none.
        purge_date: Day from which the record may be purged, None if the record has none.
        last_activity: Day of the last patron activity, None if unknown.
        loans: Number of active loans, None if it was not asked for.
        requests: Number of active requests, None if it was not asked for.
        fees: Balance of active fees, None if it was not asked for.
        roles: All roles, active or not.
        identifiers: All additional identifiers.
        source_link_id: On a linked copy, the id at the home institution; else "".
        source_institution_code: On a linked copy, the home institution; else "".
        linking_id: On a home record with copies elsewhere, their common id; else "".
        blocks: Codes of the blocks that are not inactive.
        notes: Texts of the notes.
        proxy_for_count: Number of users this one is a proxy for.
        first_name: First name.
        last_name: Last name.
        preferred_first_name: The first name that the person goes by, "" if the record has no other.
        preferred_last_name: The last name that the person goes by, "" if the record has no other.
        raw: The whole record as read.
    """

    primary_id: str = field(repr=False)
    user_group: str
    user_group_desc: str
    record_type: str
    account_type: str
    status: str
    expiry_date: date | None
    purge_date: date | None
    last_activity: date | None
    loans: int | None
    requests: int | None
    fees: Decimal | None
    roles: tuple[Role, ...]
    identifiers: tuple[Identifier, ...] = field(repr=False)
    source_link_id: str = field(repr=False)
    source_institution_code: str
    linking_id: str = field(repr=False)
    blocks: tuple[str, ...]
    notes: tuple[str, ...] = field(repr=False)
    proxy_for_count: int
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    preferred_first_name: str = field(repr=False)
    preferred_last_name: str = field(repr=False)
    raw: Mapping[str, object] = field(repr=False, compare=False)

    @property
    def active_roles(self) -> tuple[Role, ...]:
        """The roles that count as active."""
        return tuple(role for role in self.roles if role.is_active)

    def tells(self, part: str) -> bool:
        """Tell whether the record has a part at all, if only an empty list.

        Args:
            part: Alma's name of it, such as user_role; a full record always has that and user_identifier.
        """
        return self.raw.get(part) is not None


@dataclass(frozen=True)
class UserPage:
    """One page of a user list.

    Args:
        users: The users on the page.
        total: How many users Alma says match the query.
    """

    users: tuple[User, ...]
    total: int


@dataclass(frozen=True)
class GroupMember:
    """A user in a user group.

    Args:
        primary_id: The primary id.
        group_code: Code of the user group.
    """

    primary_id: str = field(repr=False)
    group_code: str


@dataclass(frozen=True)
class GroupListing:
    """What Alma lists for a user group. The index lags: who is not listed may still be in the group.

    Args:
        users: The users whose own record names exactly this group, each once.
        reported_total: How many users Alma said the query matches.
        strays: How many listed users are in another group (Alma searches words, not exact codes).
    """

    users: tuple[GroupMember, ...]
    reported_total: int
    strays: int

    @property
    def is_complete(self) -> bool:
        """Whether as many different users were listed as Alma said there are."""
        return len(self.users) + self.strays >= self.reported_total


@dataclass(frozen=True)
class FeeSummary:
    """A user's fees in every open status: active, disputed and exported.

    Args:
        open_balance: Sum of what the user owes, in the institution's currency; credits are not taken off.
        credit: Sum of what the library owes the user, as a positive amount.
        largest: The largest single balance owed, 0 if there is none.
    """

    open_balance: Decimal
    credit: Decimal
    largest: Decimal


@dataclass(frozen=True)
class ActiveRequest:
    """An active request of a user.

    Args:
        resource_sharing: Whether it is a resource sharing request.
        on_hold_shelf: Whether the item waits on the hold shelf.
    """

    resource_sharing: bool
    on_hold_shelf: bool


@dataclass(frozen=True)
class AlmaSet:
    """A set.

    Args:
        id: The set's id, which a job takes as set_id.
        name: The set's name.
        content: Code of its content type; USER for users.
        member_count: Number of members, None if Alma did not say.
    """

    id: str
    name: str
    content: str
    member_count: int | None


@dataclass(frozen=True)
class Job:
    """A job as Alma lists it.

    Args:
        id: The job's id, such as M148.
        name: The job's name.
        type: MANUAL, SCHEDULED or OTHER.
        content: Code of the content type it works on, "" if Alma did not say.
    """

    id: str
    name: str
    type: str
    content: str


@dataclass(frozen=True)
class JobStart:
    """A job that was just started.

    Args:
        job_id: The job's id.
        instance_id: Id of the run that began.
    """

    job_id: str
    instance_id: str


@dataclass(frozen=True)
class Counter:
    """A number in a job's report.

    Args:
        code: The counter's code.
        desc: The counter's description.
        value: The number.
    """

    code: str
    desc: str
    value: int


@dataclass(frozen=True)
class JobInstance:
    """One run of a job.

    Args:
        id: The instance's id.
        name: The name it was started with, if Alma echoes it.
        job_id: The job's id.
        status: The state.
        status_text: The state in Alma's own word.
        submit_time: When it was submitted.
        start_time: When it began, None if it has not.
        end_time: When it ended, None if it has not.
        progress: Percent done; stays 0 on a failed job, so it decides nothing.
        counters: The numbers in its report.
        unread_counters: Codes of counters whose value is not a whole number.
        alerts: Alma's remarks on the run.
    """

    id: str
    name: str
    job_id: str
    status: JobStatus
    status_text: str
    submit_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    progress: float
    counters: tuple[Counter, ...]
    unread_counters: tuple[str, ...]
    alerts: tuple[str, ...]


@dataclass(frozen=True)
class CodeRow:
    """A row of a code table.

    Args:
        code: The code.
        description: Its description.
        enabled: Whether it may be used.
    """

    code: str
    description: str
    enabled: bool


@dataclass(frozen=True)
class GeneralInfo:
    """Which Alma this is.

    Args:
        institution_code: Such as 01CARLI_XYZ.
        institution_name: The institution's name, "" if Alma did not say.
        environment: "production", "sandbox" or another lower-case text.
    """

    institution_code: str
    institution_name: str
    environment: str
