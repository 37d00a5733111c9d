"""Every kind of person the tenant holds, and why.

All of them would be due for a purge if it were not for what the scenario adds.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from alma_sandbox.state.groups import ISHARE_GROUP
from alma_sandbox.state.people import INSTRUCTOR, Blocker, Expectation, Fee, Loan, Person, UserRequest
from alma_sandbox.state.update_notify import block, note, role

Change = Callable[[Person, "Scene"], None]
PROTECTED, PURGEABLE, JOB_REFUSES = Expectation.PROTECTED, Expectation.PURGEABLE, Expectation.JOB_REFUSES


@dataclass(slots=True)
class Scene:
    """What a scenario may use to change a person."""

    today: date
    rng: random.Random
    next_id: Callable[[], str]
    number: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of person.

    Args:
        name: The tag.
        count: How many there are among 2,000 users.
        expectation: What a correct run does with them.
        change: What makes them special, before Analytics copies the record.
        after: What changes once Analytics has copied the record, so that the report is stale.
        depends_on: Setting of the purge that decides about them; empty when no setting does.
        shape: Shape of the primary id; any when empty.
        excluded: How an exclusion workbook writes their id; empty when none lists them.
        oddity: How the report shows them wrongly: no_id or twice.
    """

    name: str
    count: int
    expectation: Expectation = PROTECTED
    change: Change = lambda _person, _scene: None
    after: Change | None = None
    depends_on: str = ""
    shape: str = ""
    excluded: str = ""
    oddity: str = ""


def _loan(person: Person, scene: Scene) -> None:
    person.loans.append(
        Loan(scene.next_id(), "An example book", scene.today - timedelta(400), scene.today - timedelta(300))
    )


def _request(person: Person, scene: Scene) -> None:
    person.requests.append(UserRequest(scene.next_id(), "A requested book"))


def _fee(status: str, balance: float, kind: str = "OVERDUEFINE") -> Change:
    def change(person: Person, scene: Scene) -> None:
        person.fees.append(Fee(scene.next_id(), balance, status, kind))

    return change


def _small_fee(person: Person, scene: Scene) -> None:
    person.fees.append(Fee(scene.next_id(), round(0.5 + scene.number * 1.25 % 9, 2)))


def _history(person: Person, scene: Scene) -> None:
    person.loans.append(
        Loan(
            scene.next_id(),
            "A returned book",
            scene.today - timedelta(900),
            scene.today - timedelta(870),
            active=False,
        )
    )
    person.fees.append(Fee(scene.next_id(), 0.0, "CLOSED"))
    person.requests.append(UserRequest(scene.next_id(), "A filled request", active=False, outcome="FILLED"))


def _linked(group: str) -> Change:
    def change(person: Person, scene: Scene) -> None:
        person.user_group = person.campus_group = group
        person.details["source_institution_code"] = "01DEMO_ABC"
        person.details["source_link_id"] = f"{7_000_000 + person.serial}"
        person.account_type = "INTERNAL"
        person.last_activity = scene.today - timedelta(500)

    return change


def _set(**values: object) -> Change:
    def change(person: Person, _scene: Scene) -> None:
        for name, value in values.items():
            setattr(person, name, value)

    return change


def _expiry(days: int | None) -> Change:
    def change(person: Person, scene: Scene) -> None:
        person.expiry_date = None if days is None else scene.today + timedelta(days)

    return change


def _purge_date(days: int | None) -> Change:
    def change(person: Person, scene: Scene) -> None:
        person.purge_date = None if days is None else scene.today + timedelta(days)

    return change


def _role(code: str, description: str) -> Change:
    def change(person: Person, _scene: Scene) -> None:
        person.roles = [*person.roles, role(code, description)]

    return change


def _block(person: Person, _scene: Scene) -> None:
    person.details["user_block"] = [block("02-GLOBAL")]


def _note(person: Person, _scene: Scene) -> None:
    person.details["user_note"] = [note("Archive project. DO NOT PURGE before it ends.")]


def _proxy(person: Person, _scene: Scene) -> None:
    person.details["proxy_for_user"] = [{"primary_id": "9900000001", "full_name": "Sponsor, Proxy"}]


def _recent(person: Person, scene: Scene) -> None:
    person.last_activity = scene.today - timedelta(20)


def _protect_id(person: Person, scene: Scene) -> None:
    person.primary_id = f"ILL-{scene.number:04d}"


def _blocker(kind: Blocker) -> Change:
    def change(person: Person, _scene: Scene) -> None:
        person.blockers.append(kind)

    return change


def _rename(person: Person, _scene: Scene) -> None:
    old = person.primary_id
    person.primary_id = f"new-{person.serial}@example.edu"
    person.identifiers = [
        *person.identifiers,
        {
            "segment_type": "Internal",
            "value": old,
            "id_type": {"value": "OTHER_ID_1", "desc": "Former Primary ID"},
            "note": None,
            "status": "ACTIVE",
        },
    ]


def _vanish(person: Person, _scene: Scene) -> None:
    person.scenario = "stale_gone"


def _extend(person: Person, scene: Scene) -> None:
    person.expiry_date = scene.today + timedelta(300)
    person.purge_date = scene.today + timedelta(700)


def _job_scenarios() -> list[Scenario]:
    names = {
        Blocker.PO_LINE: "job_refuses_po_line",
        Blocker.INVOICE: "job_refuses_invoice",
        Blocker.LOCKED_BIB: "job_refuses_locked_bib",
        Blocker.IMPORT_PROFILE: "job_refuses_import_profile",
        Blocker.MD_EDITOR: "job_refuses_md_editor",
        Blocker.RECORD_LOCK: "job_refuses_record_lock",
        Blocker.RESEARCH_ASSET: "job_refuses_research_asset",
        Blocker.RS_HOLD_SHELF: "job_refuses_rs_hold_shelf",
    }
    return [Scenario(name, 2, JOB_REFUSES, _blocker(kind)) for kind, name in names.items()]


@dataclass(frozen=True, slots=True)
class Cast:
    """The list of scenarios, made once."""

    scenarios: tuple[Scenario, ...] = field(
        default_factory=lambda: (
            Scenario("clean", 62, PURGEABLE),
            Scenario("clean_with_history", 12, PURGEABLE, _history),
            Scenario("clean_internal", 8, PURGEABLE, _set(account_type="INTERNAL")),
            *_job_scenarios(),
            Scenario("small_fee", 8, change=_small_fee, depends_on="waive_threshold"),
            Scenario("fee_active", 10, change=_fee("ACTIVE", 37.5)),
            Scenario("fee_disputed", 4, change=_fee("INDISPUTE", 18.0)),
            Scenario("fee_exported", 4, change=_fee("EXPORTED", 120.0)),
            Scenario("credit_balance", 4, change=_fee("ACTIVE", -15.0, "CREDIT")),
            Scenario("active_loan", 16, change=_loan),
            Scenario("active_request", 8, change=_request),
            Scenario("ishare_group", 130, change=_linked(ISHARE_GROUP)),
            Scenario("linked_copy", 5, change=_linked("COURTESY")),
            Scenario("expiry_today", 4, change=_expiry(0)),
            Scenario("expiry_future", 30, change=_expiry(200)),
            Scenario("expiry_missing", 4, change=_expiry(None)),
            Scenario("purge_date_today", 6, change=_purge_date(0), depends_on="days_after_purge_date"),
            Scenario("purge_date_missing", 4, change=_purge_date(None)),
            Scenario("staff_role", 8, change=_role("32", "Circulation Desk Operator")),
            Scenario("administrator_role", 3, change=_role("26", "General System Administrator")),
            Scenario("instructor", 6, change=_role(INSTRUCTOR, "Instructor"), depends_on="instructor"),
            Scenario("record_type_staff", 4, change=_set(record_type="STAFF"), depends_on="record_type"),
            Scenario("record_type_contact", 3, change=_set(record_type="CONTACT"), depends_on="record_type"),
            Scenario("blocked", 5, change=_block, depends_on="blocks"),
            Scenario("note_do_not_purge", 4, change=_note, depends_on="note_text"),
            Scenario("proxy", 3, change=_proxy, depends_on="proxies"),
            Scenario("recent_activity", 5, change=_recent, depends_on="recent_activity"),
            Scenario("protect_list_pattern", 5, change=_protect_id, depends_on="protect_list"),
            Scenario(
                "protect_list_group",
                4,
                change=_set(user_group="DEPT", campus_group="DEPT"),
                depends_on="protect_list",
            ),
            Scenario("excluded_by_file", 24, excluded="as_is"),
            Scenario("excluded_without_zeros", 4, shape="zeros", excluded="without_zeros"),
            Scenario("excluded_other_case", 4, shape="mixed", excluded="other_case"),
            Scenario("excluded_trailing_space", 4, shape="digits", excluded="trailing_space"),
            Scenario("excluded_as_number", 4, shape="digits", excluded="number"),
            Scenario("excluded_by_other_identifier", 3, excluded="barcode"),
            Scenario("excluded_by_name", 4, excluded="name", depends_on="rows_without_id"),
            Scenario("report_without_id", 3, oddity="no_id"),
            Scenario("report_twice", 3, oddity="twice", depends_on="duplicate_rows"),
            Scenario("stale_extended", 6, after=_extend),
            Scenario("stale_loan", 4, after=_loan),
            Scenario("stale_request", 3, after=_request),
            Scenario("stale_fee", 3, after=_fee("ACTIVE", 22.0)),
            Scenario("stale_staff_role", 3, after=_role("32", "Circulation Desk Operator")),
            Scenario("stale_purge_date_removed", 3, after=_purge_date(None)),
            Scenario("stale_linked", 3, after=_linked(ISHARE_GROUP)),
            Scenario("stale_renamed", 3, after=_rename),
            Scenario("stale_gone", 3, after=_vanish),
            Scenario("review_group_not_due", 5, change=_not_due_in("REVIEW")),
        )
    )


def _not_due_in(group: str) -> Change:
    def change(person: Person, scene: Scene) -> None:
        person.user_group = person.campus_group = group
        _extend(person, scene)

    return change


CAST = Cast().scenarios
