"""What a person in the Alma screens could do: purge by the legacy page, end a job, edit a user."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from alma_sandbox.control.service import Control
from alma_sandbox.state.groups import JOB_STATUSES, MARKER_GROUP
from alma_sandbox.state.job_run import PHASES, Plan
from alma_sandbox.state.people import Blocker, Fee, Json, Loan, Person, UserRequest
from alma_sandbox.state.purging import Criteria
from alma_sandbox.state.update_notify import block, note, phone, role


class LegacyPurge(BaseModel):
    """The four criteria of the Purge User Records page."""

    model_config = ConfigDict(extra="forbid")
    days: int = 1
    record_type: Literal["ALL", "PUBLIC", "STAFF", "CONTACT"] = "PUBLIC"
    group: str = MARKER_GROUP
    waive: float = 0.0


class JobOrder(BaseModel):
    """What becomes of the next run of a job, or of one that is active.

    Args:
        job_id: The job whose next run is meant.
        instance_id: The active run that ends now with `end_status`; then `job_id` is not needed.
        end_status: The status it ends with; decided by the job when empty.
        stuck_in: The phase it never leaves.
        share: Part of its set it works on, 0 to 1; left out, a bad end means no effect at all.
    """

    model_config = ConfigDict(extra="forbid")
    job_id: str = ""
    instance_id: str = ""
    end_status: str = ""
    stuck_in: Literal["", "QUEUED", "INITIALIZING", "RUNNING", "FINALIZING"] = ""
    share: Annotated[float | None, Field(ge=0, le=1)] = None


class UserOrder(BaseModel):
    """A change to one user record behind the API's back; only what is given changes."""

    model_config = ConfigDict(extra="forbid")
    primary_id: str
    user_group: str | None = None
    expiry_date: date | None = None
    purge_date: date | None = None
    add_loan: bool = False
    add_request: bool = False
    add_rs_request_on_hold: bool = False
    add_fee: float = 0.0
    add_role: str = ""
    add_block: bool = False
    add_note: str = ""
    add_blocker: Blocker | None = None
    add_stale_phone_type: bool = False


def legacy_purge(control: Control, order: LegacyPurge) -> Json:
    """Run the legacy purge at once and tell its counts."""
    tenant = control.tenant
    with tenant.lock:
        control.stage.settle()
        outcome = tenant.purge.run_legacy(Criteria(order.days, order.record_type, order.group, order.waive))
        run = tenant.jobs.add_operator_run("Users - Purge Records", outcome, tenant.clock.now())
        tenant.journal.event(tenant.clock.now(), "legacy purge", tenant.journal.take_changes())
    return {"instance": run.instance_id, **{label: number for label, _, number in outcome.counters}}


def order_job(control: Control, order: JobOrder) -> Json:
    """Plan the next run of a job, or end an active one."""
    tenant = control.tenant
    if order.end_status and order.end_status not in JOB_STATUSES:
        raise HTTPException(422, f"unknown status {order.end_status}")
    with tenant.lock:
        control.stage.settle()
        if order.instance_id:
            runs = [run for run in tenant.jobs.active() if run.instance_id == order.instance_id]
            if not runs:
                raise HTTPException(404, "no active run with that id")
            runs[0].finish(tenant.clock.now(), order.end_status or "USER_ABORTED")
            return {"ended": order.instance_id}
        plan = Plan(order.end_status, order.stuck_in, order.share)
        tenant.jobs.plans.setdefault(order.job_id, []).append(plan)
    return {"planned": len(tenant.jobs.plans[order.job_id]), "phases": list(PHASES)}


def change_user(control: Control, order: UserOrder) -> Json:
    """Change a user record and tell what it looks like now."""
    tenant = control.tenant
    with tenant.lock:
        control.stage.settle()
        person = tenant.users.find(order.primary_id, "PRIMARYIDENTIFIER")
        if person is None:
            raise HTTPException(404, "no such user")
        with tenant.users.changing(person):
            _set_fields(person, order)
            _add_activity(person, order, tenant.next_id(), tenant.clock.today())
            _add_marks(person, order)
        tenant.journal.event(
            tenant.clock.now(), "operator edit", [{"what": "edit", "user": person.primary_id}]
        )
        return tenant.record(person, ("loans", "requests", "fees"))


def _set_fields(person: Person, order: UserOrder) -> None:
    for name in ("user_group", "expiry_date", "purge_date"):
        if name in order.model_fields_set:
            setattr(person, name, getattr(order, name))


def _add_activity(person: Person, order: UserOrder, number: str, today: date) -> None:
    if order.add_loan:
        person.loans.append(Loan(number, "A new loan", today, today))
    if order.add_request:
        person.requests.append(UserRequest(number, "A new request"))
    if order.add_rs_request_on_hold:
        request = UserRequest(f"{number}8", "A borrowed book", resource_sharing_on_hold=True)
        person.requests.append(request)
        person.blockers.append(Blocker.RS_HOLD_SHELF)
    if order.add_fee:
        person.fees.append(Fee(number, order.add_fee))


def _add_marks(person: Person, order: UserOrder) -> None:
    if order.add_role:
        person.roles = [*person.roles, role(order.add_role, order.add_role)]
    if order.add_blocker:
        person.blockers.append(order.add_blocker)
    if order.add_block:
        person.details["user_block"] = [*person.details.get("user_block", []), block("02-GLOBAL")]
    if order.add_note:
        person.details["user_note"] = [*person.details.get("user_note", []), note(order.add_note)]
    if order.add_stale_phone_type:
        contact = {"address": [], "email": [], "phone": [phone("555-0100", "pager")]}
        person.details["contact_info"] = contact
