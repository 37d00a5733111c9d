"""Configuration API without sets and jobs: code tables, general information, test calls."""

from __future__ import annotations

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.rest.wire import Call, Reply, Route
from alma_sandbox.state.groups import IDENTIFIER_TYPES, JOB_STATUSES, Group
from alma_sandbox.state.people import Json
from alma_sandbox.state.sets import CONTENTS
from alma_sandbox.state.tenant import Tenant


def get_code_table(tenant: Tenant, call: Call) -> Reply:
    """Read a code table."""
    name = call.parts[0]
    tables: dict[str, tuple[str, list[Group]]] = {
        "UserGroups": ("User Groups", tenant.groups),
        "systemJobStatus": ("System Job Status", _rows(JOB_STATUSES)),
        "UserIdentifierTypes": ("User Identifier Types", _rows(IDENTIFIER_TYPES)),
        "SetContentType": ("Set Content Type", _rows(CONTENTS)),
    }
    if name not in tables:
        raise AlmaRefusal("402119", "General Error - An error has occurred while processing the request.")
    title, rows = tables[name]
    body: Json = {
        "name": name,
        "description": title,
        "sub_system": {"value": "INFRA", "desc": "INFRA"},
        "patron_facing": {"value": "false", "desc": "No"},
        "scope": {
            "institution_id": {"value": tenant.institution, "desc": tenant.institution_name},
            "library_id": {"value": "", "desc": ""},
        },
        "row": [
            {
                "code": group.code,
                "description": group.description,
                "default": "false",
                "enabled": "true" if group.enabled else "false",
                "order": number,
            }
            for number, group in enumerate(rows)
        ],
    }
    return Reply(body, "code_table")


def get_general(tenant: Tenant, _call: Call) -> Reply:
    """Tell which institution and environment this is. The shape is a guess, see FAKES.md."""
    body: Json = {
        "institution": {"value": tenant.institution, "desc": tenant.institution_name},
        "environment_type": {"value": tenant.environment, "desc": tenant.environment.title()},
        "alma_url": tenant.base_url.removesuffix("/almaws/v1"),
    }
    return Reply(body, "general")


def get_test(tenant: Tenant, _call: Call) -> Reply:
    """Answer a read test."""
    text = f"GET - OK - institutionCode: {tenant.institution}"
    return Reply({"test": text}, xml=f"<test>{text}</test>")


def post_test(_tenant: Tenant, _call: Call) -> Reply:
    """Answer a write test; reaching it proves that the key may write in the area."""
    return Reply({"test": "POST - OK"}, xml="<test>POST - OK</test>")


def _rows(table: dict[str, str]) -> list[Group]:
    return [Group(code, description) for code, description in table.items()]


ROUTES = [
    Route("GET", "/conf/code-tables/{0}", get_code_table, "conf"),
    Route("GET", "/conf/general", get_general, "conf"),
    Route("GET", "/conf/test", get_test, "conf"),
    Route("POST", "/conf/test", post_test, "conf"),
    Route("GET", "/users/operation/test", get_test, "users"),
    Route("POST", "/users/operation/test", post_test, "users"),
    Route("GET", "/analytics/test", get_test, "analytics"),
    Route("POST", "/analytics/test", post_test, "analytics"),
]
