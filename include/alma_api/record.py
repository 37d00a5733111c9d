"""Reads one JSON object of Alma's, and says which field is wrong when one is.

Error texts name the field, never its content: the content may be a person's.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from alma_api.errors import not_understood

_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2}|T\d{2}:\d{2}.*)?")


class Record:
    """One JSON object with the ways to read its fields.

    Args:
        value: What should be a JSON object.
        what: What it is, for the error text: "user record".

    Raises:
        AlmaResponseError: The value is not a JSON object.
    """

    def __init__(self, value: object, what: str) -> None:
        self._what = what
        if not isinstance(value, dict):
            raise not_understood(f"the {what} is not an object")
        self.raw: Mapping[str, object] = value

    def text(self, field: str) -> str:
        """Returns a text, "" when it is missing; a number is given as text."""
        return self._as_text(field, self.raw.get(field))

    def required(self, field: str) -> str:
        """Returns a text that must not be empty."""
        return self.text(field) or self._refuse(field, "is missing")

    def code(self, field: str) -> str:
        """Returns the code of a {"value": code, "desc": text} field, or of a plain text; "" when missing."""
        value = self.raw.get(field)
        return self._as_text(field, value.get("value") if isinstance(value, dict) else value)

    def description(self, field: str) -> str:
        """Returns the description of a {"value": code, "desc": text} field, "" when missing."""
        value = self.raw.get(field)
        return self._as_text(field, value.get("desc")) if isinstance(value, dict) else ""

    def count(self, field: str) -> int | None:
        """Returns a count from a number, a text of digits or {"value": …}; None when missing."""
        number = self.money(field)
        if number is None:
            return None
        if number != number.to_integral_value() or number < 0:
            self._refuse(field, "is not a count")
        return int(number)

    def required_count(self, field: str) -> int:
        """Returns a count that must be there."""
        count = self.count(field)
        return self._refuse(field, "is missing") if count is None else count

    def money(self, field: str) -> Decimal | None:
        """Returns an exact number from a number, a text or {"value": …}; None when missing."""
        text = self.code(field).strip()
        if not text:
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:
            self._refuse(field, "is not a number")
        return number if number.is_finite() else self._refuse(field, "is not a number")

    def day(self, field: str) -> date | None:
        """Returns the day of a date such as 2025-10-31Z; None when missing."""
        text = self.text(field).strip()
        if not text:
            return None
        match = _DAY.fullmatch(text)
        try:
            return date.fromisoformat(match.group(1)) if match else self._refuse(field, "is not a date")
        except ValueError:
            self._refuse(field, "is not a date")

    def moment(self, field: str) -> datetime | None:
        """Returns a time with its zone (UTC if it names none); None when missing."""
        text = self.text(field).strip()
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self._refuse(field, "is not a time")
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def flag(self, field: str) -> bool:
        """Returns whether a field says true, as a boolean, as a text or as {"value": …}."""
        return self.code(field).strip().lower() == "true"

    def items(self, field: str, what: str) -> list["Record"]:
        """Returns the objects of a list; a missing list is empty, a single object is a list of one."""
        value = self.raw.get(field)
        if value is None:
            return []
        return [Record(item, what) for item in (value if isinstance(value, list) else [value])]

    def part(self, field: str, what: str) -> "Record | None":
        """Returns the object in a field; None when missing."""
        value = self.raw.get(field)
        return None if value is None else Record(value, what)

    def _as_text(self, field: str, value: object) -> str:
        if value is None:
            return ""
        if not isinstance(value, str | int | Decimal):
            self._refuse(field, "has another form than expected")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _refuse(self, field: str, why: str) -> NoReturn:
        # "from None": the original error would quote the content of the field.
        raise not_understood(f"'{field}' of the {self._what} {why}") from None
