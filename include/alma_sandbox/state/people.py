"""One person as the tenant knows them, hidden facts included."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Expectation(StrEnum):
    """What a correct purge run does with a person."""

    PROTECTED = "protected"
    PURGEABLE = "purgeable"
    JOB_REFUSES = "job_refuses"


class Blocker(StrEnum):
    """Conditions that stop a purge and that no user read shows (Alma's list of purge blockers)."""

    PO_LINE = "assigned PO line"
    PURCHASE_ORDER = "assigned purchase order"
    INVOICE = "assigned invoice"
    LOCKED_BIB = "locked bibliographic record"
    IMPORT_PROFILE = "assigned import profile"
    MD_EDITOR = "working in the metadata editor"
    RECORD_LOCK = "record locked by a running job"
    RESEARCH_ASSET = "research assets"
    RS_HOLD_SHELF = "resource sharing request on the hold shelf"


@dataclass(slots=True)
class Loan:
    """One loan; `active` is false once the item came back."""

    loan_id: str
    title: str
    loaned: date
    due: date
    active: bool = True


@dataclass(slots=True)
class UserRequest:
    """One request; `active` is false once it was filled or cancelled."""

    request_id: str
    title: str
    request_type: str = "HOLD"
    active: bool = True
    outcome: str = "NOT_STARTED"
    resource_sharing_on_hold: bool = False


@dataclass(slots=True)
class Fee:
    """One fine or fee; a negative balance is a credit."""

    fee_id: str
    balance: float
    status: str = "ACTIVE"
    fee_type: str = "OVERDUEFINE"


@dataclass(slots=True)
class Person:
    """A user record with the activity behind it.

    The fields that rules and jobs look at are attributes; every other key of the REST record that differs
    from the blank record sits in `details`.
    """

    serial: int
    primary_id: str
    first_name: str
    last_name: str
    user_group: str
    expiry_date: date | None
    purge_date: date | None
    record_type: str = "PUBLIC"
    account_type: str = "EXTERNAL"
    status: str = "ACTIVE"
    last_activity: date | None = None
    identifiers: list[Json] = field(default_factory=list)
    roles: list[Json] = field(default_factory=list)
    details: Json = field(default_factory=dict)
    loans: list[Loan] = field(default_factory=list)
    requests: list[UserRequest] = field(default_factory=list)
    fees: list[Fee] = field(default_factory=list)
    blockers: list[Blocker] = field(default_factory=list)
    manual_fields: set[str] = field(default_factory=set)
    campus_group: str = ""
    scenario: str = "not_due"
    expectation: Expectation = Expectation.PROTECTED
    depends_on: str = ""

    @property
    def has_staff_role(self) -> bool:
        """Whether a role other than Patron and Instructor is active."""
        return any(role["role_type"]["value"] not in {PATRON, INSTRUCTOR} for role in self.roles)

    @property
    def active_loans(self) -> list[Loan]:
        """Loans still out."""
        return [loan for loan in self.loans if loan.active]

    @property
    def active_requests(self) -> list[UserRequest]:
        """Requests still open."""
        return [request for request in self.requests if request.active]

    def balance(self, *statuses: str) -> float:
        """Sum the fee balances in the given statuses, credits counted as negative."""
        return round(sum(fee.balance for fee in self.fees if fee.status in statuses), 2)


PATRON = "200"
INSTRUCTOR = "52"
