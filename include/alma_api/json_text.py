"""JSON in and out without losing anything: money stays exact, a record read is sent back as it was."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal


class UnreadableJsonError(ValueError):
    """A text is not JSON, was cut off, or says the same thing twice."""


def decode(body: bytes | str) -> object:
    """Reads a JSON text, with every number that has a fraction as an exact Decimal.

    Args:
        body: The text.

    Returns:
        Dicts, lists, texts, ints, Decimals, booleans and None.

    Raises:
        UnreadableJsonError: The text is not valid JSON, or an object holds the same key twice (one of
            the two values would be lost).
    """
    try:
        return json.loads(
            body, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys
        )
    except (ValueError, RecursionError):
        pass
    # Raised outside the handler: the original error holds the whole text, with people's data in it.
    raise UnreadableJsonError("not readable as JSON")


def encode(value: object) -> bytes:
    """Writes what `decode` read, number for number.

    Args:
        value: Mappings, sequences, texts, ints, Decimals, booleans and None.

    Returns:
        The JSON text in ASCII.

    Raises:
        TypeError: The value holds anything else.
    """
    return _encoded(value).encode("ascii")


def _encoded(value: object) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if value is None or isinstance(value, str | int):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(key))}:{_encoded(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return "[" + ",".join(_encoded(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} has no exact JSON form")


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object holds the same key twice")
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
