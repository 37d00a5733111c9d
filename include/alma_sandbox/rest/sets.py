"""Sets API."""

from __future__ import annotations

from typing import Any

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.rest.wire import Call, Reply, Route, listing
from alma_sandbox.state.clock import day, stamp
from alma_sandbox.state.people import Json, Person
from alma_sandbox.state.search import words
from alma_sandbox.state.sets import CONTENTS, AlmaSet
from alma_sandbox.state.tenant import Tenant
from alma_sandbox.state.user_record import code_of


def set_json(tenant: Tenant, held: AlmaSet) -> Json:
    """Write a set."""
    link = f"{tenant.base_url}/conf/sets/{held.set_id}"
    return {
        "id": held.set_id,
        "name": held.name,
        "description": held.description,
        "type": {"value": held.set_type, "desc": "Itemized"},
        "content": {"value": held.content, "desc": CONTENTS[held.content]},
        "status": {"value": held.status, "desc": held.status.title()},
        "origin": {"value": "UI", "desc": "Institution only"},
        "private": {"value": held.private, "desc": "Yes" if held.private == "true" else "No"},
        "status_date": day(held.created.date()),
        "created_by": {"value": "exl_api", "desc": "Ex Libris, API"},
        "created_date": stamp(held.created),
        "number_of_members": {"value": str(len(held.members)), "link": f"{link}/members"},
        "link": link,
    }


def list_sets(tenant: Tenant, call: Call) -> Reply:
    """List sets, filtered by type, content and words of the name."""
    for name, known in (("set_type", {"ITEMIZED", "LOGICAL"}), ("content_type", set(CONTENTS))):
        if call.query.get(name) and call.query[name] not in known:
            raise AlmaRefusal("40166410", f"Parameter value invalid: {call.query[name]}.")
    query = call.query.get("q", "")
    found = [held for held in tenant.sets.all() if _matches(held, query)]
    if call.query.get("set_type"):
        found = [held for held in found if held.set_type == call.query["set_type"]]
    if call.query.get("content_type"):
        found = [held for held in found if held.content == call.query["content_type"]]
    offset = call.number("offset", 0, 0, 10_000_000)
    page = found[offset : offset + call.number("limit", 10, 0, 100)]
    return Reply(listing("set", [set_json(tenant, held) for held in page], len(found)), "sets")


def create_set(tenant: Tenant, call: Call) -> Reply:
    """Create an empty itemized set; HTTP 200, not 201."""
    body = call.read_body()
    if any(call.query.get(name) for name in ("combine", "from_logical_set", "population", "job_instance_id")):
        raise AlmaRefusal("402119", "The sandbox does not combine sets or create them from other things.")
    kinds = {
        "type": code_of(body.get("type")),
        "content": code_of(body.get("content")),
        "private": code_of(body.get("private")) or "false",
        "status": code_of(body.get("status")) or "ACTIVE",
    }
    made = tenant.sets.create(
        str(body.get("name") or ""), str(body.get("description") or ""), kinds, tenant.clock.now()
    )
    tenant.journal.note("set created", set=made.set_id, name=made.name)
    return Reply(set_json(tenant, made), "set")


def get_set(tenant: Tenant, call: Call) -> Reply:
    """Read one set."""
    return Reply(set_json(tenant, tenant.sets.get(call.parts[0])), "set")


def delete_set(tenant: Tenant, call: Call) -> Reply:
    """Delete one set; 204."""
    tenant.sets.delete(call.parts[0])
    tenant.journal.note("set deleted", set=call.parts[0])
    return Reply(None, status=204)


def manage_members(tenant: Tenant, call: Call) -> Reply:
    """Add, delete or replace members."""
    tenant.sets.get(call.parts[0])
    id_type = call.query.get("id_type", "")
    if id_type and id_type not in tenant.identifier_types:
        raise AlmaRefusal("40166410", f"Invalid parameter identifier type: {id_type}.")
    body = call.read_body()
    members: Any = _dict(body.get("members")).get("member") or []
    members = members if isinstance(members, list) else [members]
    ids = [str(item.get("id") or "") if isinstance(item, dict) else "" for item in members]
    strict = (call.query.get("fail_on_invalid_id") or "true").lower() != "false"
    op = call.query.get("op", "")
    changed = tenant.sets.manage(call.parts[0], op, ids, id_type, fail_on_invalid=strict)
    tenant.journal.note(op, set=changed.set_id, sent=len(ids), members=len(changed.members))
    return Reply(set_json(tenant, changed), "set")


def list_members(tenant: Tenant, call: Call) -> Reply:
    """List members, at most 100 a page."""
    held = tenant.sets.get(call.parts[0])
    limit = call.number("limit", 10, 0, 100, "60110")
    offset = call.number("offset", 0, 0, 10_000_000, "60110")
    people = [tenant.users.by_serial(serial) for serial in list(held.members)[offset : offset + limit]]
    shown = [_member(tenant, person) for person in people if person is not None]
    return Reply(listing("member", shown, len(held.members)), "members")


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _member(tenant: Tenant, person: Person) -> Json:
    return {
        "id": person.primary_id,
        "description": f"{person.last_name}, {person.first_name}",
        "link": f"{tenant.base_url}/users/{person.primary_id}",
    }


def _matches(held: AlmaSet, query: str) -> bool:
    if not query:
        return True
    name, separator, wanted = query.partition("~")
    if not separator or name not in {"name", "created_by"}:
        raise AlmaRefusal("60106", "Invalid query format.")
    text = held.name if name == "name" else "exl_api"
    return all(word in words(text) for word in words(wanted))


ROUTES = [
    Route("GET", "/conf/sets", list_sets, "conf"),
    Route("POST", "/conf/sets", create_set, "conf"),
    Route("GET", "/conf/sets/{0}", get_set, "conf"),
    Route("DELETE", "/conf/sets/{0}", delete_set, "conf"),
    Route("POST", "/conf/sets/{0}", manage_members, "conf"),
    Route("GET", "/conf/sets/{0}/members", list_members, "conf"),
]
