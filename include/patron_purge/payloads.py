"""Checks of the job payloads that a site pastes from Alma, and the frozen bytes that are sent in the end.

Source of the shape and of the parameter names: Alma Jobs API, "API information" panel of a manual job.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from patron_purge.errors import ConfigurationError
from patron_purge.institution import RuleSettings
from patron_purge.payload_format import read_parameters, refusal

GROUP_ACTIVE = "UPDATE_User_Information_UserGroup_Active"
GROUP_VALUE = "UPDATE_User_Information_UserGroup_Value"
GROUP_CONDITION = "UPDATE_User_Information_UserGroup_Condition"
NOTIFY_ACTIVE = "SEND_Notification_To_User_Active"

_ANY_PLACEHOLDER = re.compile(rb"\{\{(set_id|job_name)\}\}")


@dataclass(frozen=True, slots=True)
class FrozenPayload:
    """A checked payload, byte for byte as the site's file has it.

    Attributes:
        raw: The bytes of the file, with the two placeholders.
        sha256: Checksum of `raw`, in hexadecimal.
        parameters: Names and values in the order of the file.
    """

    raw: bytes
    sha256: str
    parameters: tuple[tuple[str, str], ...]

    def fill(self, set_id: str, job_name: str) -> bytes:
        """Put the set and the job name in place of the placeholders and change nothing else.

        Args:
            set_id: Alma's id of the itemized set.
            job_name: The name under which the job instance can be found again.

        Returns:
            The bytes to send.

        Raises:
            ConfigurationError: A value is empty, or would bring a placeholder of its own.
        """
        values = {b"set_id": set_id, b"job_name": job_name}
        for name, value in values.items():
            if not value.strip() or "{{" in value or "}}" in value:
                raise ConfigurationError(
                    f"The {name.decode()} for the job is {value!r}, which can't be put into a payload. "
                    "Nothing was sent to Alma."
                )
        return _ANY_PLACEHOLDER.sub(
            lambda found: json.dumps(values[found[1]])[1:-1].encode("ascii"), self.raw
        )


def check_regroup_payload(
    raw: bytes, marker_group: str, *, file_name: str = "the regroup payload"
) -> FrozenPayload:
    """Check that an Update/Notify Users payload changes the user group to the marker group and nothing else.

    Args:
        raw: Content of the payload file.
        marker_group: Code of the marker group.
        file_name: Name of the file, for the messages.

    Returns:
        The payload as it will be sent.

    Raises:
        ConfigurationError: The payload could do anything else.
    """
    parameters = read_parameters(raw, file_name)
    values = dict(parameters)
    active = [name for name in values if name.casefold().endswith("_active")]
    for name in active:
        if values[name] not in {"true", "false"}:
            raise refusal(file_name, f'{name} is {values[name]!r}; write "true" or "false"')
    switched_on = [name for name in active if values[name] == "true"]
    if switched_on != [GROUP_ACTIVE]:
        listed = ", ".join(switched_on) or "nothing"
        raise refusal(file_name, f"it switches on {listed}; exactly {GROUP_ACTIVE} must be on")
    _require(file_name, values, GROUP_VALUE, marker_group)
    _require(file_name, values, GROUP_CONDITION, "Null")
    _require(file_name, values, NOTIFY_ACTIVE, "false")
    return _freeze(raw, parameters)


def check_purge_payload(
    raw: bytes, marker_group: str, rules: RuleSettings, *, file_name: str = "the purge payload"
) -> FrozenPayload:
    """Check that a purge payload is limited to the set and says the same as the institution's rules.

    The parameter names of Alma's set-based *Purge users* job are not published, so parameters are recognised
    by words in their names: group, waive, days, record type. Others are let through and are shown to the
    approver.

    Args:
        raw: Content of the payload file.
        marker_group: Code of the marker group.
        rules: The rules that the payload must agree with.
        file_name: Name of the file, for the messages.

    Returns:
        The payload as it will be sent.

    Raises:
        ConfigurationError: A parameter contradicts the rules or is not bound to the set.
    """
    parameters = read_parameters(raw, file_name)
    for name, value in parameters:
        _check_purge_parameter(file_name, name, value, marker_group, rules)
    return _freeze(raw, parameters)


def _check_purge_parameter(
    file_name: str, name: str, value: str, marker_group: str, rules: RuleSettings
) -> None:
    """Refuse one purge parameter that contradicts the rules."""
    words = re.sub("[^a-z0-9]", "", name.casefold())
    if "group" in words and value != marker_group:
        raise refusal(file_name, f"{name} is {value!r}, but only the group {marker_group!r} may be purged")
    if "waive" in words and _amount(value) != rules.waive_threshold:
        raise refusal(file_name, f"{name} is {value!r}, but rules.waive_threshold is {rules.waive_threshold}")
    if "days" in words and _amount(value) != rules.days_after_purge_date:
        days = rules.days_after_purge_date
        raise refusal(file_name, f"{name} is {value!r}, but rules.days_after_purge_date is {days}")
    if "recordtype" in words and value.upper() not in rules.record_types:
        allowed = ", ".join(rules.record_types)
        raise refusal(file_name, f"{name} is {value!r}, but rules.record_types allows only {allowed}")


def _require(file_name: str, values: dict[str, str], name: str, expected: str) -> None:
    """Refuse a payload in which a parameter is missing or has another value."""
    if name not in values:
        raise refusal(file_name, f"the parameter {name} is missing; it must be {expected!r}")
    if values[name] != expected:
        raise refusal(file_name, f"{name} is {values[name]!r}; it must be {expected!r}")


def _freeze(raw: bytes, parameters: tuple[tuple[str, str], ...]) -> FrozenPayload:
    """Keep the bytes as they are, with their checksum."""
    return FrozenPayload(raw=raw, sha256=hashlib.sha256(raw).hexdigest(), parameters=parameters)


def _amount(text: str) -> Decimal | None:
    """Read a number; None when it is no finite number."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
