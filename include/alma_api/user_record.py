"""Understands Alma's user record (rest_user)."""

from collections.abc import Mapping

from alma_api.models import Identifier, Role, User
from alma_api.record import Record

# Lists that Alma empties when a PUT body lacks them; a record without them is not the full one.
_PARTS_OF_A_FULL_RECORD = ("user_group", "contact_info", "user_identifier")


def read_user(value: object) -> User:
    """Turns a user record into a `User`.

    Args:
        value: The decoded JSON object.

    Raises:
        AlmaResponseError: The record has no primary id, or a field has a form it should not have.
    """
    record = Record(value, "user record")
    return User(
        primary_id=record.required("primary_id"),
        user_group=record.code("user_group"),
        user_group_desc=record.description("user_group"),
        record_type=record.code("record_type"),
        account_type=record.code("account_type"),
        status=record.code("status"),
        expiry_date=record.day("expiry_date"),
        purge_date=record.day("purge_date"),
        last_activity=record.day("last_patron_activity_date"),
        loans=record.count("loans"),
        requests=record.count("requests"),
        fees=record.money("fees"),
        roles=tuple(_role(item) for item in record.items("user_role", "user role")),
        identifiers=tuple(_identifier(item) for item in record.items("user_identifier", "user identifier")),
        source_link_id=record.text("source_link_id"),
        source_institution_code=record.code("source_institution_code"),
        linking_id=record.text("linking_id"),
        blocks=_blocks(record),
        notes=tuple(item.text("note_text") for item in record.items("user_note", "user note")),
        proxy_for_count=len(record.items("proxy_for_user", "proxy")),
        first_name=record.text("first_name"),
        last_name=record.text("last_name"),
        preferred_first_name=record.text("pref_first_name"),
        preferred_last_name=record.text("pref_last_name"),
        raw=record.raw,
    )


def with_group(user: User, group_code: str) -> Mapping[str, object]:
    """Returns the full record with only the user group changed.

    Args:
        user: A user read with `UsersApi.get`.
        group_code: Code of the new group.

    Raises:
        ValueError: The record is not a full one: Alma would empty everything that is missing.
    """
    missing = [part for part in _PARTS_OF_A_FULL_RECORD if part not in user.raw]
    if missing or user.raw.get("primary_id") != user.primary_id:
        raise ValueError(
            "can't change a user group: the user record is not complete "
            f"({', '.join(missing) or 'primary_id'}); nothing was sent, read the user again first"
        )
    if not group_code.strip():
        raise ValueError("can't change a user group to an empty code; nothing was sent")
    return {**user.raw, "user_group": {"value": group_code}}


def _role(record: Record) -> Role:
    return Role(code=record.code("role_type"), status=record.code("status"))


def _identifier(record: Record) -> Identifier:
    return Identifier(
        type_code=record.code("id_type"), value=record.text("value"), status=record.code("status")
    )


def _blocks(record: Record) -> tuple[str, ...]:
    return tuple(
        block.code("block_description") or block.code("block_type") or "block"
        for block in record.items("user_block", "user block")
        if block.code("block_status").upper() != "INACTIVE"
    )
