"""Configuration in Alma: which institution this is, and its code tables."""

from dataclasses import replace

from alma_api.call import Call
from alma_api.connection_test import is_permitted
from alma_api.errors import not_understood
from alma_api.models import CodeRow, GeneralInfo
from alma_api.record import Record
from alma_api.transport import Transport

_GENERAL = Call("read the institution's general configuration", "GET", ("conf", "general"))


class ConfApi:
    """The part of the Configuration API that a purge needs, besides sets and jobs.

    Args:
        transport: Sends the calls.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def general(self) -> GeneralInfo:
        """Reads which institution and environment the key belongs to.

        Raises:
            AlmaResponseError: The answer names no institution or no environment.
            AlmaError: The read failed.
        """
        return self._transport.json(_GENERAL, _read_general)

    def general_of_main_key(self) -> GeneralInfo:
        """Reads the same with the key that signs changes, also when there is another key for reads.

        Raises:
            AlmaResponseError: The answer names no institution or no environment.
            AlmaError: The read failed.
        """
        return self._transport.json(replace(_GENERAL, with_main_key=True), _read_general)

    def code_table(self, name: str) -> tuple[CodeRow, ...]:
        """Reads a code table.

        Args:
            name: Such as UserGroups.

        Raises:
            AlmaResponseError: The answer can't be understood, or is another table.
            AlmaError: The read failed.
        """
        call = Call(f"read the code table {name}", "GET", ("conf", "code-tables", name))
        return self._transport.json(call, lambda document: _read_rows(document, name))

    def test_read(self) -> bool:
        """Tells whether the key may read the configuration; raises AlmaError if that can't be found out."""
        return is_permitted(self._transport, "GET", ("conf", "test"))

    def test_write(self) -> bool:
        """Tells whether the key may change sets and start jobs, doing neither; AlmaError if unknown."""
        return is_permitted(self._transport, "POST", ("conf", "test"))


def _read_general(document: object) -> GeneralInfo:
    record = Record(document, "general configuration")
    institution, environment = record.code("institution"), record.code("environment_type").strip().lower()
    if not institution or not environment:
        raise not_understood("the general configuration names no institution or no environment")
    return GeneralInfo(institution, record.description("institution"), environment)


def _read_rows(document: object, name: str) -> tuple[CodeRow, ...]:
    record = Record(document, "code table")
    if record.text("name") not in {"", name}:
        raise not_understood("it is another code table than asked for")
    return tuple(
        CodeRow(row.required("code"), row.text("description"), row.flag("enabled"))
        for row in record.items("row", "code table row")
    )
