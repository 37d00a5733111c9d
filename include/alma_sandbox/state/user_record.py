"""The full REST record of a user: written from a person, and read back into one by PUT."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from alma_sandbox.state.clock import day, parse_day
from alma_sandbox.state.people import Fee, Json, Person

RECORD_TYPES = {"PUBLIC": "Public", "STAFF": "Staff", "CONTACT": "Contact"}
ACCOUNT_TYPES = {"EXTERNAL": "External", "INTERNAL": "Internal"}
STATUSES = {"ACTIVE": "Active", "INACTIVE": "Inactive", "DELETED": "Deleted"}
OPEN_FEES = ("ACTIVE", "INDISPUTE", "EXPORTED")

# Users API, PUT: for external users these keep their value unless named in `override`.
OVERRIDABLE = {
    "user_group": "user_group",
    "job_category": "job_category",
    "pin_number": "pin_number",
    "preferred_language": "preferred_language",
    "campus_code": "campus_code",
    "rs_libraries": "rs_library",
    "user_title": "user_title",
    "library_notices": "library_notice",
    "pref_first_name": "pref_first_name",
    "pref_middle_name": "pref_middle_name",
    "pref_last_name": "pref_last_name",
    "cataloger_level": "cataloger_level",
}

# Written by the tenant from the person's own fields, so never stored as details.
COMPUTED = {
    "record_type", "primary_id", "first_name", "last_name", "full_name", "user_group", "expiry_date",
    "purge_date", "account_type", "status", "last_patron_activity_date", "loans", "requests", "fees",
    "user_identifier", "user_role", "link",
}  # fmt: skip


def coded(value: str, names: dict[str, str]) -> Json:
    """Write a coded value the way Alma does: value and description."""
    return {"value": value, "desc": names.get(value, value)}


def blank_details(person: Person, status_date: str | None) -> Json:
    """Write the part of a record that is the same for most people."""
    segment = "External" if person.account_type == "EXTERNAL" else "Internal"
    return {
        "middle_name": "",
        "pin_number": "",
        "user_title": {"value": "", "desc": ""},
        "job_category": {"value": "", "desc": ""},
        "job_description": "",
        "campus_code": {"value": "", "desc": ""},
        "web_site_url": "",
        "cataloger_level": {"value": "00", "desc": "[00] Default Level"},
        "preferred_language": {"value": "en", "desc": "English"},
        "birth_date": None,
        "external_id": "SIS" if person.account_type == "EXTERNAL" else "",
        "password": "",
        "force_password_change": "",
        "status_date": status_date,
        "contact_info": _contact_info(person, segment),
        "pref_first_name": None,
        "pref_middle_name": None,
        "pref_last_name": None,
        "pref_name_suffix": "",
        "is_researcher": False,
        "researcher": None,
        "user_block": [],
        "user_note": [],
        "user_statistic": [],
        "proxy_for_user": [],
        "rs_library": [],
        "library_notice": [],
    }


def to_record(
    person: Person, groups: dict[str, str], base_url: str, expand: Iterable[str] = (), fees: str = "active"
) -> Json:
    """Write a person as the full user record.

    Args:
        person: The person.
        groups: Group descriptions by code.
        base_url: Root of the links inside, up to and including `/almaws/v1`.
        expand: Any of loans, requests, fees: counts and balance instead of null.
        fees: Which fees the balance adds up: `active` or `open`.
    """
    link = f"{base_url}/users/{person.primary_id}"
    wanted = set(expand)
    statuses = ("ACTIVE",) if fees == "active" else OPEN_FEES
    head: Json = {
        "record_type": coded(person.record_type, RECORD_TYPES),
        "primary_id": person.primary_id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "full_name": f"{person.first_name} {person.last_name}".strip(),
        "user_group": coded(person.user_group, groups),
        "expiry_date": day(person.expiry_date),
        "purge_date": day(person.purge_date),
        "account_type": coded(person.account_type, ACCOUNT_TYPES),
        "status": coded(person.status, STATUSES),
        "last_patron_activity_date": day(person.last_activity),
        "loans": {"value": len(person.active_loans), "link": f"{link}/loans"} if "loans" in wanted else None,
        "requests": {"value": len(person.active_requests), "link": f"{link}/requests"}
        if "requests" in wanted
        else None,
        "fees": {"value": person.balance(*statuses), "link": f"{link}/fees"} if "fees" in wanted else None,
        "user_identifier": person.identifiers,
        "user_role": person.roles,
    }
    for key in ("expiry_date", "purge_date", "last_patron_activity_date"):
        if head[key] is None:
            del head[key]
    return head | blank_details(person, day(person.expiry_date)) | person.details


def apply_record(person: Person, body: Json, override: set[str], *, keep_external: bool) -> None:
    """Change a person to what a PUT sent ("swap all", Users API).

    Args:
        person: The person; the caller holds the shelf's `changing` block.
        body: The incoming record.
        override: Field names of the `override` parameter.
        keep_external: Whether external users' protected fields keep their value even if never edited by hand.
    """
    incoming = copy.deepcopy(body)
    _keep_protected_fields(person, incoming, override, keep_external=keep_external)
    person.primary_id = str(incoming.get("primary_id") or person.primary_id)
    person.first_name = str(incoming.get("first_name") or "")
    person.last_name = str(incoming.get("last_name") or "")
    person.user_group = code_of(incoming.get("user_group"))
    person.record_type = code_of(incoming.get("record_type")) or person.record_type
    person.status = code_of(incoming.get("status")) or person.status
    person.account_type = code_of(incoming.get("account_type")) or person.account_type
    person.expiry_date = parse_day(incoming.get("expiry_date"))
    person.purge_date = parse_day(incoming.get("purge_date"))
    person.identifiers = incoming.get("user_identifier") or []
    person.roles = incoming.get("user_role") or person.roles
    details = {key: value for key, value in incoming.items() if key not in COMPUTED}
    for name, blank in blank_details(person, None).items():
        if name not in details:
            details[name] = (
                {"address": [], "email": [], "phone": []} if name == "contact_info" else _emptied(blank)
            )
    person.details = details


def code_of(value: object) -> str:
    """Read the code out of `{"value": ..., "desc": ...}` or a plain text."""
    if isinstance(value, dict):
        value = value.get("value")
    return "" if value is None else str(value)


def fee_json(fee: Fee, link: str) -> Json:
    """Write one fee."""
    types = {
        "OVERDUEFINE": "Overdue fine",
        "LOSTITEMREPLACEMENTFEE": "Lost item replacement fee",
        "CREDIT": "Credit",
    }
    names = {"ACTIVE": "Active", "INDISPUTE": "In dispute", "EXPORTED": "Exported", "CLOSED": "Closed"}
    return {
        "id": fee.fee_id,
        "type": coded(fee.fee_type, types),
        "status": coded(fee.status, names),
        "balance": fee.balance,
        "remaining_vat_amount": 0.0,
        "original_amount": fee.balance,
        "original_vat_amount": 0.0,
        "creation_time": "2024-04-01T10:00:00.000Z",
        "status_time": "2024-04-01T10:00:00.000Z",
        "comment": "",
        "owner": {"value": "MAIN", "desc": "Main Library"},
        "link": f"{link}/{fee.fee_id}",
    }


def _keep_protected_fields(
    person: Person, incoming: Json, override: set[str], *, keep_external: bool
) -> None:
    current = to_record(person, {}, "")
    for name, key in OVERRIDABLE.items():
        if name in override:
            person.manual_fields.add(name)
            continue
        empty = (
            not code_of(incoming.get(key)) if not isinstance(incoming.get(key), list) else not incoming[key]
        )
        external = person.account_type == "EXTERNAL"
        if external and (keep_external or empty or name in person.manual_fields):
            incoming[key] = current.get(key)
        elif name == "user_group" and code_of(incoming.get(key)) != person.user_group:
            person.manual_fields.add(name)


def _emptied(value: object) -> object:
    if isinstance(value, list):
        return []
    if isinstance(value, dict):
        return {"value": "", "desc": ""}
    return False if isinstance(value, bool) else None


def _contact_info(person: Person, segment: str) -> Json:
    return {
        "address": [
            {
                "preferred": True,
                "segment_type": segment,
                "line1": f"{person.serial % 900 + 100} Example Street",
                "line2": None,
                "line3": None,
                "line4": None,
                "line5": None,
                "city": "Springfield",
                "state_province": "IL",
                "postal_code": "62701",
                "country": {"value": "USA", "desc": "United States"},
                "address_note": "",
                "start_date": None,
                "end_date": None,
                "address_type": [{"value": "home", "desc": "Home"}],
            }
        ],
        "email": [
            {
                "preferred": True,
                "segment_type": segment,
                "email_address": f"user{person.serial}@example.edu",
                "description": None,
                "email_type": [{"value": "personal", "desc": "Personal"}],
            }
        ],
        "phone": [],
    }
