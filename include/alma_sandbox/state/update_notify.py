"""The effect of job M148, Update/Notify Users: every field switched on in its payload."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from alma_sandbox.state.groups import PHONE_TYPES
from alma_sandbox.state.job_catalog import USER_INFO
from alma_sandbox.state.job_run import JobRun, Outcome
from alma_sandbox.state.journal import Journal
from alma_sandbox.state.people import Json, Person
from alma_sandbox.state.user_record import STATUSES, coded
from alma_sandbox.state.users import UserShelf

Change = Callable[[Person, str], None]


class UpdateNotifyUsers:
    """Applies the active fields of a payload to the members of a set.

    Args:
        shelf: The user records.
        journal: Where changes are recorded.
        groups: Gives the descriptions of user groups by code.
    """

    def __init__(self, shelf: UserShelf, journal: Journal, groups: Callable[[], dict[str, str]]) -> None:
        self._shelf = shelf
        self._journal = journal
        self._groups = groups

    def __call__(self, run: JobRun, members: list[int]) -> Outcome:
        """Change the members.

        Args:
            run: The run with its parameters.
            members: Internal numbers of the members to work on.

        Returns:
            COMPLETED_FAILED without any change when the group code is unknown, otherwise the counts.
        """
        fields = active_fields(run.parameters)
        if "UserGroup" in fields and fields["UserGroup"] not in self._groups():
            return Outcome("COMPLETED_FAILED")
        done = failed = 0
        for serial in members:
            person = self._shelf.by_serial(serial)
            if person is None or person.status == "DELETED":
                failed += 1
                continue
            self._apply(person, fields)
            done += 1
        counters = (
            ("label.records.processed", "Records processed", done),
            ("label.records.failed", "Records with exceptions", failed),
        )
        return Outcome("COMPLETED_WARNING" if failed else "COMPLETED_SUCCESS", counters)

    def _apply(self, person: Person, fields: dict[str, str]) -> None:
        self._shelf.touch(person)
        for name, value in fields.items():
            before = person.user_group
            APPLY.get(name, _ignore)(person, value)
            self._journal.note(
                "field",
                user=person.primary_id,
                field=name,
                before=before if name == "UserGroup" else None,
                after=value,
            )


def active_fields(parameters: dict[str, str]) -> dict[str, str]:
    """Pick the fields whose `_Active` parameter is the text true, with their values."""
    suffix = "_Active"
    names = [
        name.removeprefix(USER_INFO).removesuffix(suffix) for name in parameters if name.endswith(suffix)
    ]
    return {
        name: parameters.get(f"{USER_INFO}{name}_Value", "")
        for name in names
        if parameters.get(f"{USER_INFO}{name}_Active") == "true"
    }


def _group(person: Person, value: str) -> None:
    person.user_group = value
    person.manual_fields.add("user_group")


def _status(person: Person, value: str) -> None:
    if value in STATUSES:
        person.status = value


def _expiry(person: Person, value: str) -> None:
    person.expiry_date = _milliseconds(value)


def _purge(person: Person, value: str) -> None:
    person.purge_date = _milliseconds(value)


def _note(person: Person, value: str) -> None:
    person.details["user_note"] = [*person.details.get("user_note", []), note(value)]


def _block(person: Person, value: str) -> None:
    person.details["user_block"] = [*person.details.get("user_block", []), block(value)]


def _unblock(person: Person, value: str) -> None:
    kept = [
        item for item in person.details.get("user_block", []) if item["block_description"]["value"] != value
    ]
    person.details["user_block"] = kept


def _campus(person: Person, value: str) -> None:
    person.details["campus_code"] = {"value": value, "desc": value}


def _description(person: Person, value: str) -> None:
    person.details["job_description"] = value


def _add_role(person: Person, value: str) -> None:
    person.roles = [*person.roles, role(value, value)]


def _remove_role(person: Person, value: str) -> None:
    person.roles = [item for item in person.roles if item["role_type"]["value"] != value]


def _account(person: Person, value: str) -> None:
    if value in {"INTERNAL", "EXTERNAL"}:
        person.account_type = value


def _ignore(_person: Person, _value: str) -> None:
    """Accept a field that the tenant does not keep."""


APPLY: dict[str, Change] = {
    "UserGroup": _group,
    "Status": _status,
    "Expiry_Date": _expiry,
    "Purge_Date": _purge,
    "AddNote": _note,
    "AddBlock": _block,
    "DisableBlock": _unblock,
    "Campus": _campus,
    "JobDescription": _description,
    "AddRole": _add_role,
    "RemoveRole": _remove_role,
    "SetAccountTo": _account,
}


def role(code: str, description: str, scope: str = "01DEMO_XYZ") -> Json:
    """Write one role the way the user record does."""
    return {
        "status": coded("ACTIVE", STATUSES),
        "scope": {"value": scope, "desc": "Example College"},
        "role_type": {"value": code, "desc": description},
        "parameter": [],
    }


def note(text: str) -> Json:
    """Write one user note."""
    return {
        "segment_type": "Internal",
        "note_type": {"value": "LIBRARY", "desc": "Library"},
        "note_text": text,
        "user_viewable": False,
        "popup_note": False,
        "created_by": "exl_api",
        "created_date": "2024-02-01T09:00:00.000Z",
    }


def block(code: str) -> Json:
    """Write one active block."""
    return {
        "segment_type": "Internal",
        "block_type": {"value": "GENERAL", "desc": "General"},
        "block_description": {"value": code, "desc": "Borrowing privileges suspended"},
        "block_status": "ACTIVE",
        "block_note": "",
        "created_by": "exl_api",
        "created_date": "2024-02-01T09:00:00.000Z",
    }


def phone(number: str, kind: str) -> Json:
    """Write one phone number; a kind outside the code table makes every later PUT of the record fail."""
    return {
        "preferred": True,
        "preferred_sms": False,
        "segment_type": "Internal",
        "phone_number": number,
        "phone_type": [coded(kind, PHONE_TYPES)],
    }


def _milliseconds(value: str) -> date | None:
    return datetime.fromtimestamp(int(value) / 1000, UTC).date() if value.isdigit() and value != "0" else None
