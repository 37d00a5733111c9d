"""What PUT refuses before it changes anything."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.state.clock import parse_day
from alma_sandbox.state.groups import PHONE_TYPES
from alma_sandbox.state.people import Json, Person
from alma_sandbox.state.user_record import ACCOUNT_TYPES, RECORD_TYPES, STATUSES, code_of

Coded = str | dict[str, Any]
AlmaDate = Annotated[date | None, BeforeValidator(parse_day)]


class IncomingIdentifier(BaseModel):
    """An identifier that can be kept."""

    value: Annotated[str, Field(min_length=1)]
    id_type: Coded


class IncomingRole(BaseModel):
    """A role that can be kept."""

    role_type: Coded


class IncomingPhone(BaseModel):
    """A phone number that can be kept."""

    phone_type: list[Coded] | None = None


class IncomingContact(BaseModel):
    """Contact information that can be kept."""

    phone: list[IncomingPhone] | None = None


class IncomingUser(BaseModel):
    """The parts of an incoming record that have to be well-formed; everything else is kept as it comes."""

    last_name: Annotated[str, Field(min_length=1)]
    expiry_date: AlmaDate = None
    purge_date: AlmaDate = None
    user_identifier: list[IncomingIdentifier] | None = None
    user_role: list[IncomingRole] | None = None
    contact_info: IncomingContact | None = None


def check_record(body: Json, groups: dict[str, str], person: Person) -> None:
    """Refuse a record with codes the tenant does not know, stale ones already in the record included.

    Args:
        body: The incoming record.
        groups: Descriptions of the user groups by code.
        person: Whose record it would become.

    Raises:
        AlmaRefusal: 401864 for an invalid code, 401858 for another external id, 401860 for a record that
            cannot be read.
    """
    try:
        incoming = IncomingUser.model_validate(body)
    except ValidationError as error:
        raise AlmaRefusal("401860", "Failed to update user.") from error
    _check_code("user group", body.get("user_group"), groups)
    for name, known in (("record_type", RECORD_TYPES), ("account_type", ACCOUNT_TYPES), ("status", STATUSES)):
        if code_of(body.get(name)):
            _check_code(name.replace("_", " "), body[name], known)
    for phone in (incoming.contact_info and incoming.contact_info.phone) or []:
        for kind in phone.phone_type or []:
            _check_code("phone", kind, PHONE_TYPES)
    external_id = body.get("external_id")
    kept = person.details.get("external_id", "SIS")
    if person.account_type == "EXTERNAL" and external_id not in {None, "", kept}:
        raise AlmaRefusal(
            "401858",
            "The external id in DB does not fit the given value in xml - external id cannot be updated.",
        )


def _check_code(kind: str, value: object, known: dict[str, str]) -> None:
    code = code_of(value)
    if code not in known:
        raise AlmaRefusal("401864", f"Given {kind} type ({code}) is invalid.")
