"""Find the number formats of a workbook that show more letters or digits than a cell holds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import defusedxml.ElementTree as SafeXml

_QUOTED = re.compile(r'"([^"]*)"')
_CURRENCY = re.compile(r"\[\$([^\]-]*)[^\]]*\]")
_BRACKETED = re.compile(r"\[[^\]]*\]")
_ESCAPED = re.compile(r"\\(.)")
_NOT_SHOWN = re.compile(r"[_*].")
# What stands for parts of a number, a date or a time, or for the whole of it.
_PLACEHOLDERS = re.compile(r"general|standard|am/pm|a/p|e[+-]|/\d+|[0#?.,;/%@\sdmyhsbeg-]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LetteredStyles:
    """Cell styles whose number format adds letters or digits to what is shown.

    Attributes:
        of_numbers: Their numbers, as cells name them.
        of_texts: Those of them that add to texts too.
    """

    of_numbers: frozenset[int] = frozenset()
    of_texts: frozenset[int] = frozenset()


def lettered_styles(part: bytes) -> LetteredStyles:
    """Read the styles of a workbook.

    Args:
        part: The part `styles.xml` of the workbook.

    Returns:
        The styles that add to what is shown (ECMA-376, numFmt and cellXfs).

    Raises:
        ParseError: The part is no XML.
        DefusedXmlException: It declares entities.
    """
    root = SafeXml.fromstring(part)
    codes = {
        one.get("numFmtId"): one.get("formatCode", "") for one in root.iterfind("./{*}numFmts/{*}numFmt")
    }
    adding = {number: code for number, code in codes.items() if adds_letters(code)}
    return _styles([one.get("numFmtId") for one in root.iterfind("./{*}cellXfs/{*}xf")], adding)


def adds_letters(code: str) -> bool:
    """Tell whether a number format shows letters or digits of its own.

    Args:
        code: The format, such as `"P"000000`.

    Returns:
        True if it does; signs, blanks and a `$` are no letters.
    """
    own = "".join(
        letter
        for pattern in (_QUOTED, _CURRENCY, _ESCAPED)
        for text in pattern.findall(code)
        for letter in text
    )
    rest = code
    for pattern in (_QUOTED, _ESCAPED, _BRACKETED, _NOT_SHOWN, _PLACEHOLDERS):
        rest = pattern.sub("", rest)
    return any(letter.isalnum() for letter in own + rest)


def _styles(formats: list[str | None], adding: Mapping[str | None, str]) -> LetteredStyles:
    of_numbers = {place for place, number in enumerate(formats) if number in adding}
    of_texts = {place for place in of_numbers if "@" in adding[formats[place]]}
    return LetteredStyles(frozenset(of_numbers), frozenset(of_texts))
