"""Users API: list, read, change, delete, loans, fees, requests."""

from __future__ import annotations

from typing import NoReturn, TypeVar

from alma_sandbox.errors import AlmaRefusal, user_not_found
from alma_sandbox.rest.wire import Call, Reply, Route, listing
from alma_sandbox.state.clock import day
from alma_sandbox.state.incoming import check_record
from alma_sandbox.state.people import Json, Loan, Person, UserRequest
from alma_sandbox.state.search import Known
from alma_sandbox.state.tenant import Tenant
from alma_sandbox.state.user_record import (
    OVERRIDABLE,
    STATUSES,
    apply_record,
    coded,
    fee_json,
)

Item = TypeVar("Item")
FEE_STATUSES = {"ACTIVE", "INDISPUTE", "EXPORTED", "CLOSED"}
BRIEF_KEYS = (
    "primary_id",
    "first_name",
    "last_name",
    "status",
    "contact_info",
    "user_identifier",
    "user_statistic",
)


def find_user(tenant: Tenant, call: Call) -> Person:
    """Find the user a call names.

    Raises:
        AlmaRefusal: 401861, or 401890 when the call names an identifier type.
    """
    identifier = call.parts[0]
    id_type = call.query.get("user_id_type") or "all_unique"
    person = tenant.users.find(identifier, id_type)
    if person is None:
        raise user_not_found(identifier, id_type)
    return person


def list_users(tenant: Tenant, call: Call) -> Reply:
    """Search users; brief records without a user group unless expand=full."""
    limit = call.number("limit", 10, 0, 100)
    offset = call.number("offset", 0, 0, 10_000_000)
    query = call.query.get("q", "")
    if query and call.query.get("modify_date_from"):
        raise AlmaRefusal("402119", "General error - An error has occurred while processing the request.")
    hits = tenant.search.run(query, call.query.get("order_by", ""))
    page = hits[offset : offset + limit]
    full = call.query.get("expand") == "full"
    users = [
        tenant.record(person)
        if full and tenant.users.by_serial(person.serial)
        else _brief(tenant, person, entry)
        for person, entry in page
    ]
    return Reply(listing("user", users, len(hits)), "users")


def get_user(tenant: Tenant, call: Call) -> Reply:
    """Read one user by any unique identifier."""
    person = find_user(tenant, call)
    expand = tuple(part.strip() for part in call.query.get("expand", "").split(","))
    record = tenant.record(person, expand)
    if call.query.get("view") == "brief":
        record = {key: record[key] for key in BRIEF_KEYS if key in record}
    return Reply(record, "user")


def put_user(tenant: Tenant, call: Call) -> Reply:
    """Replace one user's record ("swap all")."""
    person = find_user(tenant, call)
    body = call.read_body()
    if not body:
        raise AlmaRefusal("401676", "No valid XML was given.")
    check_record(body, tenant.group_names(), person)
    other = tenant.users.find(str(body.get("primary_id") or person.primary_id), "PRIMARYIDENTIFIER")
    if other is not None and other is not person:
        raise AlmaRefusal("401860", "Failed to update user.")
    override = {name.strip() for name in call.query.get("override", "").split(",")} & set(OVERRIDABLE)
    before = tenant.record(person)
    with tenant.users.changing(person):
        apply_record(person, body, override, keep_external=tenant.switches.external_fields == "kept")
    after = tenant.record(person)
    for key in sorted(set(before) | set(after)):
        if before.get(key) != after.get(key):
            values = {"before": before["user_group"]["value"], "after": after["user_group"]["value"]}
            extra = values if key == "user_group" else {}
            tenant.journal.note("put", user=person.primary_id, field=key, **extra)
    return Reply(after, "user")


def delete_user(tenant: Tenant, call: Call) -> Reply:
    """Delete one user, subject to the same ties as a purge."""
    identifier = call.parts[0]
    id_type = call.query.get("user_id_type") or "all_unique"
    person = tenant.users.find(identifier, id_type)
    if person is None or person.status == "DELETED":
        raise AlmaRefusal("401890", f"User with identifier {identifier} of type {id_type} was not found.")
    if tenant.purge.blocked(person, 0.0):
        raise AlmaRefusal("401850", f"Failed to delete user with identifier {identifier} of type {id_type}.")
    tenant.purge.remove(person)
    return Reply(None, status=204)


def get_loans(tenant: Tenant, call: Call) -> Reply:
    """List a user's loans; active ones unless loan_status=Complete."""
    person = find_user(tenant, call)
    active = (call.query.get("loan_status") or "Active").lower() == "active"
    loans = [loan for loan in person.loans if loan.active == active]
    return Reply(
        listing("item_loan", [_loan(person, loan) for loan in _page(call, loans)], len(loans)), "item_loans"
    )


def get_fees(tenant: Tenant, call: Call) -> Reply:
    """List a user's fees in one status; without one only the active ones, so disputed fees do not show."""
    identifier = call.parts[0]
    person = tenant.users.find(identifier, call.query.get("user_id_type") or "all_unique")
    if person is None:
        raise AlmaRefusal("401651", "Identifier not found.")
    status = call.query.get("status") or "ACTIVE"
    if status not in FEE_STATUSES:
        raise AlmaRefusal("401666", f"The parameter status is not valid. Value: {status}.")
    fees = [fee for fee in person.fees if fee.status == status]
    link = f"{tenant.base_url}/users/{person.primary_id}/fees"
    if not fees:
        return Reply({"total_record_count": 0, "total_sum": 0, "currency": None}, "fees")
    body: Json = {
        "fee": [fee_json(fee, link) for fee in fees],
        "total_record_count": len(fees),
        "total_sum": person.balance(status),
        "currency": "USD",
    }
    return Reply(body, "fees")


def get_requests(tenant: Tenant, call: Call) -> Reply:
    """List a user's requests; active ones unless status=history."""
    identifier = call.parts[0]
    id_type = call.query.get("user_id_type") or "all_unique"
    person = tenant.users.find(identifier, id_type)
    if person is None:
        _not_found_with_type(identifier, id_type)
    active = (call.query.get("status") or "active").lower() == "active"
    chosen = [request for request in person.requests if request.active == active]
    kind = call.query.get("request_type")
    chosen = [request for request in chosen if not kind or request.request_type == kind]
    shown = [_request(person, request) for request in _page(call, chosen)]
    return Reply(listing("user_request", shown, len(chosen)), "user_requests")


def _not_found_with_type(identifier: str, id_type: str) -> NoReturn:
    raise AlmaRefusal("401890", f"User with identifier {identifier} of type {id_type} was not found.")


def _page(call: Call, items: list[Item]) -> list[Item]:
    limit = call.number("limit", 10, 0, 100)
    offset = call.number("offset", 0, 0, 10_000_000)
    return items[offset : offset + limit]


def _brief(tenant: Tenant, person: Person, entry: Known) -> Json:
    return {
        "primary_id": entry.primary_id,
        "first_name": entry.first_name,
        "last_name": entry.last_name,
        "status": coded(entry.status, STATUSES),
        "gender": {"value": "", "desc": ""},
        "password": "",
        "loans": None,
        "requests": None,
        "fees": None,
        "link": f"{tenant.base_url}/users/{person.primary_id}",
    }


def _loan(person: Person, loan: Loan) -> Json:
    return {
        "loan_id": loan.loan_id,
        "user_id": person.primary_id,
        "title": loan.title,
        "library": {"value": "MAIN", "desc": "Main Library"},
        "loan_date": day(loan.loaned),
        "due_date": f"{loan.due.isoformat()}T22:59:00Z",
        "loan_status": "ACTIVE" if loan.active else "COMPLETE",
        "item_barcode": f"3{loan.loan_id[-13:]}",
    }


def _request(person: Person, request: UserRequest) -> Json:
    on_hold = request.active and request.resource_sharing_on_hold
    sub_type = "RESOURCE_SHARING_P2D_SHIPMENT" if request.resource_sharing_on_hold else "PATRON_PHYSICAL"
    return {
        "request_id": request.request_id,
        "title": request.title,
        "request_type": request.request_type,
        "request_sub_type": {"value": sub_type, "desc": sub_type},
        "request_status": "ON_HOLD_SHELF" if on_hold else "IN_PROCESS" if request.active else "HISTORY",
        "user_primary_id": person.primary_id,
        "pickup_location": "Main Library",
    }


ROUTES = [
    Route("GET", "/users", list_users, "users"),
    Route("GET", "/users/{0}", get_user, "users"),
    Route("PUT", "/users/{0}", put_user, "users"),
    Route("DELETE", "/users/{0}", delete_user, "users"),
    Route("GET", "/users/{0}/loans", get_loans, "users"),
    Route("GET", "/users/{0}/fees", get_fees, "users"),
    Route("GET", "/users/{0}/requests", get_requests, "users"),
]
