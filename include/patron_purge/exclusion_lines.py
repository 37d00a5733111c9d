"""Tell titles, dates, sentences, notes and headings from people in an exclusion sheet."""

import re
from collections.abc import Sequence
from datetime import date, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from patron_purge.dates import without_dates
from patron_purge.exclusion_sheet import Cell
from patron_purge.identifiers import folded

DATA_CELLS: Final = 3
"""So many filled cells in a row are data, not a title."""

_LONGEST_HEADING: Final = 40
_WORDS_OF_PROSE: Final = 3
_NO_HOME_RECORD = re.compile(r"could\s+not\s+find\s+user.{0,3}s\s+home\s+record")
# "No. of users" and "No of users" count users, where "No users" says that there are none.
_NOBODY = re.compile(r"no\s+(?!of\b).{0,200}\busers?\b.{0,200}\bas\s+of\b")
_LIBRARY_CODE = re.compile(r"[A-Z]{2,8}(?:_[A-Z]{2,8})?")
_TITLE_WORDS = frozenset(
    {"user", "users", "patron", "patrons", "loan", "loans", "fine", "fines", "fee", "fees", "pids"}
    | {"library", "libraries", "list", "report", "data"}
)
_DATE_WORDS = _TITLE_WORDS | {"date", "as", "of", "at", "on", "run", "generated", "created", "updated"}
_HEADING_WORDS = frozenset(
    {"id", "ids", "pid", "pids", "netid", "identifier", "number", "code", "barcode", "email", "type"}
    | {"primary", "unique", "university", "institution", "library", "home", "other", "group", "status"}
    | {"name", "first", "last", "full", "user", "users", "patron", "loan", "loans", "fine", "fines"}
    | {"fee", "fees", "amount", "balance", "count", "date", "purge", "expiry", "expiration"}
    | {"of", "the", "at", "in", "and", "with"}
)


class Line(StrEnum):
    """What a row outside a table is."""

    TITLE = "title"
    """A title, a library code, a date, or a title with a date."""

    NOTE = "note"
    """Some words in prose."""

    ANYTHING = "anything"
    """Neither: perhaps somebody who must be kept."""


def line_kind(row: Sequence[Cell]) -> Line:
    """Tell what a row outside a table is.

    Args:
        row: The cells of the row.

    Returns:
        Its kind; a row that may stand for a person is never a title or a note.
    """
    said = [cell for cell in row if cell_text(cell) and not is_date(cell)]
    if not said:
        return Line.TITLE
    if len(said) >= DATA_CELLS or says_no_home_record(row):
        return Line.ANYTHING
    if len(said) == 1 and _is_title(said[0]):
        return Line.TITLE
    return Line.NOTE if all(_is_prose(cell) for cell in said) else Line.ANYTHING


def is_nobody_sentence(row: Sequence[Cell]) -> bool:
    """Tell whether a row is the sentence "No … users … as of …" of a valid empty file.

    Args:
        row: The cells of the row.

    Returns:
        True for the sentence (CARLI: a file always comes, and says so when it is empty), with nothing but a
        date behind it and beside it.
    """
    if not row_text(row).startswith("no"):
        return False
    said = [cell for cell in row if cell_text(cell) and not is_date(cell)]
    if len(said) != 1 or not isinstance(said[0], str):
        return False
    sentence = folded(said[0])
    found = _NOBODY.match(sentence)
    return found is not None and not has_digit(without_dates(sentence[found.end() :]))


def says_no_home_record(row: Sequence[Cell]) -> bool:
    """Tell whether a row says that the person's home record was not found.

    Args:
        row: The cells of the row, or of a part of it.

    Returns:
        True if it says so (CARLI: instead of the id, or beside it).
    """
    return _NO_HOME_RECORD.search(row_text(row)) is not None


def heading_like(row: Sequence[Cell]) -> list[int]:
    """Find the cells of a row that hold nothing but words of headings; never a name or an id.

    Args:
        row: The cells of the row.

    Returns:
        Their positions.
    """
    return [position for position, cell in enumerate(row) if isinstance(cell, str) and _is_heading(cell)]


def looks_like_headings(row: Sequence[Cell], identifier: int | None = None) -> bool:
    """Tell whether a row holds the headings of a table.

    Args:
        row: The cells of the row.
        identifier: Position of the id column of the table above the row.

    Returns:
        True for three headings; for two, or for one in place of an id, if no cell of the row holds a digit, as
        some cell of nearly every person does.
    """
    found = heading_like(row)
    if len(found) >= DATA_CELLS:
        return True
    if not found or sum(bool(cell_text(cell)) for cell in row) == 1:
        return False
    enough = len(found) > 1 or identifier in found
    return enough and not any(has_digit(cell_text(cell)) for cell in row)


def is_date(cell: Cell) -> bool:
    """Tell whether a cell holds dates and times only.

    Args:
        cell: A filled cell.

    Returns:
        True for a cell that the spreadsheet has as a date, and for a text such as `11/30/26 6pm`.
    """
    if isinstance(cell, str):
        return not any(letter.isalnum() for letter in without_dates(folded(cell)))
    return isinstance(cell, date | time | timedelta)


def row_text(row: Sequence[Cell]) -> str:
    """Return the texts of a row as one folded line, for reading sentences.

    Args:
        row: The cells of the row.

    Returns:
        The line.
    """
    return folded(" ".join(cell for cell in row if isinstance(cell, str)))


def cell_text(cell: Cell) -> str:
    """Return a cell as text without needless blanks.

    Args:
        cell: The cell.

    Returns:
        The text; empty when there is nothing to see.
    """
    return " ".join(str(cell).split()) if folded(str(cell)) else ""


def has_digit(text: str) -> bool:
    """Tell whether a text holds a digit.

    Args:
        text: The text.

    Returns:
        True for a digit of any script.
    """
    return any(letter.isdigit() for letter in text)


def _is_title(cell: Cell) -> bool:
    if not isinstance(cell, str):
        return False
    text = folded(cell)
    rest = without_dates(text)
    if has_digit(rest):
        return False
    words = set(re.findall(r"[^\W_]+", rest))
    known = _TITLE_WORDS if rest == text else _DATE_WORDS
    return not words.isdisjoint(known) or _LIBRARY_CODE.fullmatch(cell.strip()) is not None


def _is_prose(cell: Cell) -> bool:
    """Tell words of a sentence from a name: there are some, and one that is not the first is in lower case."""
    words = str(cell).split()
    in_lower_case = any(word.isalpha() and word.islower() for word in words[1:])
    return len(words) >= _WORDS_OF_PROSE and in_lower_case and not words[0].endswith(",")


@lru_cache(maxsize=10_000)
def _is_heading(cell: str) -> bool:
    if len(cell) > _LONGEST_HEADING:
        return False
    words = folded(cell).replace("_", " ").replace("'s", "").split()
    return bool(words) and _HEADING_WORDS.issuperset(words)
