"""Understands one answer of Alma's Analytics API."""

import xml.etree.ElementTree as ET  # for its types; documents are parsed by defusedxml
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import defusedxml.ElementTree as SafeXml
from defusedxml import DefusedXmlException

from alma_api.call import Call
from alma_api.error_body import first_character, read_fault
from alma_api.errors import AlmaUnreadableError, not_understood
from alma_api.faults import error_for
from alma_api.json_text import UnreadableJsonError, decode

_SAW = "{urn:saw-sql}"
# Alma puts a column of its own before the report's columns; it holds 0 in every row.
_OWN_COLUMN = "Column0"


@dataclass(frozen=True)
class ReportColumn:
    """A column of a report.

    Args:
        name: Its name in the XML, such as Column1; the order may differ from the one on screen.
        heading: Its heading, without blanks around it. A calculated column without a heading of its own
            has its formula here.
        table: The heading of its table, "" for a calculated column.
        formula: Its formula.
        key: What its cells are found under in a row: the heading, or table and heading if several
            columns share the heading.
    """

    name: str
    heading: str
    table: str
    formula: str
    key: str


@dataclass(frozen=True)
class Answer:
    """One answer, before it is made a page of a report.

    Args:
        token: The resumption token, or None.
        finished: Whether Alma says that this was the last page.
        columns: The columns, or None if the answer does not describe them.
        rows: The rows as pairs of column name and text.
    """

    token: str | None
    finished: bool
    columns: tuple[ReportColumn, ...] | None
    rows: tuple[tuple[tuple[str, str], ...], ...]


def read_answer(call: Call, body: bytes) -> Answer:
    """Reads one answer.

    Args:
        call: The call that was answered.
        body: The body: XML, or JSON with the XML as a text in it.

    Raises:
        AlmaUnreadableError: The body is neither.
        AlmaResponseError: It is not a report, or its columns have no headings.
        AlmaError: It is an error in spite of a successful HTTP status.
    """
    root = _parsed(body)
    if root is None:
        raise AlmaUnreadableError(f"Could not {call.what}: Alma's answer is not readable as XML.")
    result = root if _local(root) == "QueryResult" else _child(root, "QueryResult")
    if result is None:
        if read_fault(body) is not None:
            raise error_for(call, 200, body)
        raise not_understood("it is not an Analytics report")
    finished = _child_text(result, "IsFinished").lower()
    if finished not in {"true", "false"}:
        raise not_understood("it does not say whether the report is finished")
    return Answer(
        token=_child_text(result, "ResumptionToken") or None,
        finished=finished == "true",
        columns=_columns(result),
        rows=tuple(_cells(row) for row in result.iter() if _local(row) == "Row"),
    )


def _parsed(body: bytes) -> ET.Element | None:
    try:
        text: bytes | str = body.strip()
        if first_character(body) == "{":
            document = decode(body)
            holder = document.get("anies") if isinstance(document, dict) else None
            text = str(holder[0]) if isinstance(holder, list) and holder else ""
        root: ET.Element = SafeXml.fromstring(text, forbid_dtd=True)
    except (SafeXml.ParseError, DefusedXmlException, UnreadableJsonError, ValueError, LookupError):
        return None
    return root


def _columns(result: ET.Element) -> tuple[ReportColumn, ...] | None:
    schema = next((element for element in result.iter() if _local(element) == "schema"), None)
    if schema is None:
        return None
    found = [element for element in schema.iter() if _local(element) == "element"]
    if not found:
        return None
    bare = [_bare_column(element) for element in found]
    kept = [column for column in bare if not (column.name == _OWN_COLUMN and column.heading in {"0", ""})]
    if not all(column.heading for column in kept):
        raise not_understood("a column of the report has no heading")
    return _with_keys(kept)


def _bare_column(element: ET.Element) -> ReportColumn:
    heading = element.get(f"{_SAW}columnHeading", "").strip()
    return ReportColumn(
        name=element.get("name", ""),
        heading=heading,
        table=element.get(f"{_SAW}tableHeading", "").strip(),
        formula=element.get(f"{_SAW}displayFormula", ""),
        key=heading,
    )


def _with_keys(columns: Sequence[ReportColumn]) -> tuple[ReportColumn, ...]:
    """Makes keys unique. A shared heading is no key for any of its columns: nobody shall guess which."""
    headings = Counter(column.heading for column in columns)
    with_table = Counter(f"{column.table}.{column.heading}" for column in columns)

    def key(column: ReportColumn) -> str:
        if headings[column.heading] == 1:
            return column.heading
        wanted = f"{column.table}.{column.heading}"
        if column.table and with_table[wanted] == 1 and wanted not in headings:
            return wanted
        return f"{column.name}.{column.heading}"

    return tuple(replace(column, key=key(column)) for column in columns)


def _cells(row: ET.Element) -> tuple[tuple[str, str], ...]:
    return tuple((_local(cell), cell.text or "") for cell in row)


def _child_text(element: ET.Element, name: str) -> str:
    child = _child(element, name)
    return "" if child is None else (child.text or "").strip()


def _child(element: ET.Element, name: str) -> ET.Element | None:
    return next((child for child in element if _local(child) == name), None)


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
