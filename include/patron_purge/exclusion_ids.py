"""Read ids from cells as the text they were before a spreadsheet made something else of them."""

import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Final

from patron_purge.dates import without_dates
from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_lines import cell_text, has_digit, is_date, says_no_home_record
from patron_purge.exclusion_sheet import Cell
from patron_purge.identifiers import folded, folded_heading

_EXACT_BELOW: Final = 1e15
_PLAIN = re.compile(r"[0-9A-DF-Za-df-z]*[0-9][0-9A-DF-Za-df-z]*")
_FLOAT_TEXT = re.compile(r"(\d+)\.0+")
_EXPONENT_TEXT = re.compile(r"(\d+)(?:[.,](\d+))?\s?e\s?([+-]?)(\d{1,3})")
_NO_ID = frozenset({"na", "none", "null", "nan", "unknown", "notfound", "blank", "noid"})
_NO_ID_WORDS = re.compile(r"(?:no|not|none|without|missing|unknown|n/a)\s[^\d]*")
_BETWEEN_IDS = re.compile(r"[\r\n\v\f\x85\u2028\u2029;,|\uff1b\uff0c\u3001]+")
_BETWEEN_WORDS = re.compile(r"[\s:=]+")


def id_texts(cell: Cell, where: str) -> tuple[str, ...]:
    """Read the id in a cell of an id column.

    Args:
        cell: The cell.
        where: File, sheet and row, for messages.

    Returns:
        The id and what else may be meant by the cell: each of several ids in one cell, the number that a text
        such as `12E5` may have been. More ids only keep more people. Nothing when the cell names no id.

    Raises:
        InputRefusedError: The spreadsheet has changed the id so that it can't be known any more.
    """
    if isinstance(cell, bool | date | time | timedelta):
        raise InputRefusedError(
            f"{where}: the spreadsheet has turned the id into a date, a time or TRUE/FALSE, so the person is "
            "unknown. Ask for a file whose id column is text. Nothing was changed."
        )
    if isinstance(cell, int | float):
        return (_number_text(Decimal(repr(cell)), where),)
    text = cell.strip()
    if _PLAIN.fullmatch(text):
        return (text,)
    found = dict.fromkeys(_of_text(text, where))
    if found:
        found |= dict.fromkeys(one for part in _parts(text) for one in _of_text(part, where))
    return tuple(found)


def ids_outside(cell: Cell, where: str) -> tuple[str, ...]:
    """Read everything in a cell outside a table that may be an id.

    Args:
        cell: The cell; any kind.
        where: File, sheet and row, for messages.

    Returns:
        As `id_texts`; nothing for dates, times and truth values.

    Raises:
        InputRefusedError: A number has lost digits.
    """
    if isinstance(cell, bool | date | time | timedelta):
        return ()
    if not isinstance(cell, str):
        return id_texts(cell, where)
    if not cell_text(cell) or is_date(cell):
        return ()
    # The day and the hour of a line such as "Data as of 11/30/26 6pm" are nobody's id.
    parts = id_texts(without_dates(cell), where)
    return tuple(dict.fromkeys((cell.strip(), *parts)))


def no_sure_id(text: str) -> bool:
    """Tell whether a text in an id column may stand for a missing id.

    Args:
        text: The text.

    Returns:
        True for words without any digit: ids do not look so, remarks do.
    """
    return not has_digit(text) and len(text.split()) > 1


def _of_text(text: str, where: str) -> tuple[str, ...]:
    key = folded(text)
    heading = folded_heading(text)
    if not heading or heading in _NO_ID or _NO_ID_WORDS.fullmatch(key) or says_no_home_record([text]):
        return ()
    exponent = _EXPONENT_TEXT.fullmatch(key)
    if exponent:
        return _expanded(text, exponent, where)
    number = _FLOAT_TEXT.fullmatch(key)
    return (number[1] if number else text,)


def _expanded(text: str, exponent: re.Match[str], where: str) -> tuple[str, ...]:
    """Return the number that `1.2E+3` stands for; a text such as `12E5` may also be an id as it stands."""
    digits, decimals, sign, power = exponent[1], exponent[2] or "", exponent[3], int(exponent[4])
    if sign == "-":
        return (text,)
    number = Decimal(f"{digits}.{decimals}E{power}")
    if not sign and not decimals:
        return (text, _number_text(number, where)) if number < _EXACT_BELOW else (text,)
    if len(decimals) < power:
        raise _lost_digits(where)
    expanded = _number_text(number, where)
    return (expanded,) if sign else (expanded, text)


def _parts(text: str) -> Iterator[str]:
    """Return the single ids of a cell that may hold several, and words with a digit in a longer text."""
    if _EXPONENT_TEXT.fullmatch(folded(text)):
        return
    yield from filter(None, (part.strip() for part in _BETWEEN_IDS.split(text)))
    yield from filter(has_digit, _BETWEEN_WORDS.split(text))


def _number_text(number: Decimal, where: str) -> str:
    if not number.is_finite() or abs(number) >= _EXACT_BELOW:
        raise _lost_digits(where)
    return f"{number:f}" if number % 1 else f"{int(number)}"


def _lost_digits(where: str) -> InputRefusedError:
    return InputRefusedError(
        f"{where}: the spreadsheet has turned a long id into a rounded number, so the person is unknown. "
        "Ask for a file whose id column is text. Nothing was changed."
    )
