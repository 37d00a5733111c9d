import json
import traceback
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from tests.unit.alma_api.conftest import FakeTime
from tests.unit.alma_api.scripted_alma import Reply, ScriptedAlma, xml_error

from alma_api.analytics import ReportPage
from alma_api.client import AlmaClient
from alma_api.errors import (
    AlmaError,
    AlmaRequestError,
    AlmaResponseError,
    AlmaUnavailableError,
    ReportInterruptedError,
    ReportNotFoundError,
)

PATH = "/shared/Example College 01CARLI_XYZ/Reports/Purge & more"
TOKEN = "5D0C" * 32
COLUMNS = (("0", ""), ("Primary Identifier", "User Details"), ("Purge Date", "User Details"))
ROWSET = "urn:schemas-microsoft-com:xml-analysis:rowset"


def schema(columns: Sequence[tuple[str | None, str]] = COLUMNS) -> str:
    elements = "".join(
        f'<xsd:element name="Column{number}" saw-sql:displayFormula="f{number}"'
        f" saw-sql:tableHeading={quoteattr(table)}"
        + ("" if heading is None else f" saw-sql:columnHeading={quoteattr(heading)}")
        + "/>"
        for number, (heading, table) in enumerate(columns)
    )
    return (
        '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:saw-sql="urn:saw-sql">'
        f'<xsd:complexType name="Row"><xsd:sequence>{elements}</xsd:sequence></xsd:complexType></xsd:schema>'
    )


def row(*cells: str | None) -> str:
    texts = "".join(
        f"<Column{number}>{text}</Column{number}>" for number, text in enumerate(cells, 1) if text is not None
    )
    return f"<Row><Column0>0</Column0>{texts}</Row>"


def page(inner: str = "", *, token: str | None = None, finished: bool = False, form: str = "xml") -> Reply:
    rowset = f'<ResultXml><rowset xmlns="{ROWSET}">{inner}</rowset></ResultXml>' if inner else "<ResultXml/>"
    mark = f"<ResumptionToken>{token}</ResumptionToken>" if token else ""
    result = f"<QueryResult>{mark}<IsFinished>{str(finished).lower()}</IsFinished>{rowset}</QueryResult>"
    if form == "json":
        return Reply(200, json.dumps({"anies": [result]}).encode())
    return Reply(200, f'<?xml version="1.0" encoding="UTF-8"?>\n<report>{result}</report>'.encode())


def read(client: AlmaClient) -> list[ReportPage]:
    return list(client.analytics.report(PATH))


def ids(pages: list[ReportPage]) -> list[str | None]:
    return [line["Primary Identifier"] for part in pages for line in part.rows]


@pytest.mark.parametrize("repeated", [None, TOKEN], ids=["token once", "token on every page"])
def test_report_is_read_to_its_end(alma: ScriptedAlma, client: AlmaClient, repeated: str | None) -> None:
    alma.will_reply(
        page(schema() + row("a", "2025-10-31"), token=TOKEN),
        page(row("b", "2025-09-01") + row("c", "2025-09-02"), token=repeated),
        page(row("d"), token=repeated, finished=True),
    )
    pages = read(client)
    assert ids(pages) == ["a", "b", "c", "d"]
    assert [part.number for part in pages] == [1, 2, 3]
    assert pages[0].rows == [{"Primary Identifier": "a", "Purge Date": "2025-10-31"}]
    assert pages[2].rows == [{"Primary Identifier": "d", "Purge Date": None}]
    assert {part.columns for part in pages} == {pages[0].columns}
    assert [(column.name, column.heading, column.table, column.formula) for column in pages[0].columns] == [
        ("Column1", "Primary Identifier", "User Details", "f1"),
        ("Column2", "Purge Date", "User Details", "f2"),
    ]
    first, *later = alma.seen
    assert first.query == {"path": PATH, "limit": "1000", "col_names": "true"}
    assert first.headers["Accept"] == "application/xml"
    assert "no-cache" in first.headers["Cache-Control"]
    assert [seen.query for seen in later] == [{"token": TOKEN, "limit": "1000"}] * 2


def test_first_token_is_kept_if_alma_changes_it(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(
        page(schema() + row("a"), token=TOKEN), page(row("b"), token="OTHER"), page(row("c"), finished=True)
    )
    assert ids(read(client)) == ["a", "b", "c"]
    assert [seen.query.get("token") for seen in alma.seen] == [None, TOKEN, TOKEN]


def test_one_page_without_a_token(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(page(schema() + row("a"), finished=True))
    assert ids(read(client)) == ["a"]


def test_report_wrapped_in_json_is_understood(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(page(schema() + row("a"), finished=True, form="json"))
    assert ids(read(client)) == ["a"]


@pytest.mark.parametrize("inner", [schema(), ""], ids=["schema only", "nothing"])
def test_empty_report_is_one_page_without_rows(alma: ScriptedAlma, client: AlmaClient, inner: str) -> None:
    alma.will_reply(page(inner, finished=True))
    (only,) = read(client)
    assert only.rows == []
    assert len(only.columns) == (2 if inner else 0)


def peak_of_reading(alma: ScriptedAlma, client: AlmaClient, pages: int) -> int:
    """Read a report of this many full pages one by one, and measure the most memory that it took, in bytes."""
    rows = "".join(row(f"patron-{number}", "2025-10-31") for number in range(1000))
    alma.will_reply(page(schema() + rows, token=TOKEN))
    alma.will_reply(*(page(rows, finished=number == pages) for number in range(2, pages + 1)))
    tracemalloc.start()
    try:
        assert sum(len(one.rows) for one in client.analytics.report(PATH)) == 1000 * pages
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_pages(alma: ScriptedAlma, client: AlmaClient) -> None:
    peak_of_reading(alma, client, 2)
    few, many = peak_of_reading(alma, client, 5), peak_of_reading(alma, client, 40)
    assert many - few < few / 2, f"{few:,} bytes for 5 pages, {many:,} bytes for 40"


def test_only_one_page_is_held(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(page(schema() + row("a"), token=TOKEN), page(row("b"), finished=True))
    reading = client.analytics.report(PATH)
    next(reading)
    assert alma.unused == 1
    next(reading)
    assert alma.unused == 0


def test_loading_report_is_asked_again_after_a_pause(
    alma: ScriptedAlma, client: AlmaClient, fake_time: FakeTime
) -> None:
    alma.will_reply(
        page(),
        page(token=TOKEN),
        page(),
        page(schema() + row("a")),
        page(),
        page(row("b"), finished=True),
    )
    assert ids(read(client)) == ["a", "b"]
    assert [seen.query.get("token") for seen in alma.seen] == [None, None, *[TOKEN] * 4]
    assert [pause for pause in fake_time.slept if pause >= 1] == [3.0] * 4


@pytest.mark.parametrize(("token", "kind"), [(None, AlmaUnavailableError), (TOKEN, ReportInterruptedError)])
def test_report_that_never_finishes_loading_is_given_up(
    alma: ScriptedAlma, client: AlmaClient, token: str | None, kind: type[AlmaError]
) -> None:
    alma.will_reply(*[page(token=token)] * 9)
    with pytest.raises(kind, match="still loading"):
        list(client.analytics.report(PATH, max_empty_pages=3))
    assert len(alma.seen) == 4


def test_pages_with_rows_reset_the_patience(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(
        page(schema() + row("a"), token=TOKEN), page(), page(row("b")), page(), page(row("c"), finished=True)
    )
    assert ids(list(client.analytics.report(PATH, max_empty_pages=1))) == ["a", "b", "c"]


FAILURES = [
    pytest.param(Reply(500, b""), id="500"),
    pytest.param(Reply(503, b"<html>"), id="503"),
    pytest.param(Reply(drop=True), id="reset"),
    pytest.param(Reply(200, b"<report><QueryResult>", {}, cut=50), id="cut-off"),
    pytest.param(Reply(200, b"<report><QueryResult>"), id="not-xml"),
    pytest.param(Reply(200, b""), id="empty"),
    pytest.param(xml_error("PER_SECOND_THRESHOLD", status=429), id="too-fast"),
    pytest.param(xml_error("420033", "No more rows to fetch", 500), id="no-more-rows"),
    pytest.param(xml_error("UNAUTHORIZED"), id="key"),
    pytest.param(
        Reply(200, b"<report><QueryResult><ResultXml/></QueryResult></report>"), id="no-is-finished"
    ),
    pytest.param(page(schema((("0", ""), ("Other", "T"))) + row("x"), finished=True), id="other-columns"),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_token_call_is_never_repeated(alma: ScriptedAlma, client: AlmaClient, failure: Reply) -> None:
    alma.will_reply(page(schema() + row("a"), token=TOKEN), failure, page(row("b"), finished=True))
    reading = client.analytics.report(PATH)
    assert ids([next(reading)]) == ["a"]
    with pytest.raises(ReportInterruptedError, match="from its beginning"):
        next(reading)
    assert len(alma.seen) == 2


def test_cause_of_the_interruption_is_kept(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(page(schema() + row("a"), token=TOKEN), xml_error("420033", "No more rows to fetch", 500))
    with pytest.raises(ReportInterruptedError, match="No more rows to fetch") as caught:
        read(client)
    assert (caught.value.code, caught.value.http_status) == ("420033", 500)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "failure", [Reply(500, b""), Reply(503), Reply(drop=True), Reply(200, b"<report>"), Reply(429)]
)
def test_first_call_is_repeated(alma: ScriptedAlma, client: AlmaClient, failure: Reply) -> None:
    alma.will_reply(failure, failure, page(schema() + row("a"), finished=True))
    assert ids(read(client)) == ["a"]


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("INTERNAL_SERVER_ERROR", f"Path not found ({PATH})"),
        ("500", f"access denied for user to path {PATH} - make sure the report is saved in a shared folder."),
        ("402119", f"General error: Access denied for user to path {PATH}"),
    ],
)
def test_missing_report_is_told_from_a_server_fault(
    alma: ScriptedAlma, client: AlmaClient, status: int, code: str, message: str
) -> None:
    alma.will_reply(xml_error(code, message.replace("&", "&amp;"), status))
    with pytest.raises(ReportNotFoundError, match="shared folder") as caught:
        read(client)
    assert PATH in str(caught.value)
    assert len(alma.seen) == 1


def test_server_fault_is_no_missing_report(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(*[xml_error("INTERNAL_SERVER_ERROR", "The web server encountered an error.", 500)] * 4)
    with pytest.raises(AlmaUnavailableError):
        read(client)
    assert len(alma.seen) == 4


def test_general_error_is_a_plain_refusal(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(xml_error("402119", "General error."))
    with pytest.raises(AlmaRequestError) as caught:
        read(client)
    assert not isinstance(caught.value, ReportNotFoundError)


def test_shared_headings_are_told_apart_by_table(alma: ScriptedAlma, client: AlmaClient) -> None:
    columns = (("0", ""), ("Code", "Group"), ("Code", "Type"), (" Code ", "Type"), (" TIMESTAMPDIFF(x)", ""))
    alma.will_reply(page(schema(columns) + row("g", "t", "u", "22"), finished=True))
    (only,) = read(client)
    assert only.rows == [
        {"Group.Code": "g", "Column2.Code": "t", "Column3.Code": "u", "TIMESTAMPDIFF(x)": "22"}
    ]


def test_column_0_with_a_heading_of_its_own_stays(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(page(schema((("Days", ""), ("Primary Identifier", ""))) + row("a"), finished=True))
    assert read(client)[0].rows == [{"Days": "0", "Primary Identifier": "a"}]


def test_cells_are_kept_as_they_are(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(page(schema() + row(" 007 é&amp; ", "") + "<Row/>", finished=True))
    assert read(client)[0].rows == [
        {"Primary Identifier": " 007 é& ", "Purge Date": ""},
        {"Primary Identifier": None, "Purge Date": None},
    ]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(page(row("a"), finished=True), id="no-schema"),
        pytest.param(page(schema(((None, ""), (None, ""))) + row("a"), finished=True), id="no-headings"),
        pytest.param(page(schema() + row("a", "b", "c"), finished=True), id="undescribed-column"),
        pytest.param(page(schema() + row("a")), id="no-token-to-go-on"),
        pytest.param(Reply(200, b"<report/>"), id="no-result"),
        pytest.param(Reply(200, b'{"anies": []}'), id="empty-json"),
        pytest.param(
            Reply(200, b'<!DOCTYPE x [<!ENTITY e "x">]><report><QueryResult>&e;</QueryResult></report>'),
            id="entity",
        ),
    ],
)
def test_report_in_another_form_is_refused(alma: ScriptedAlma, client: AlmaClient, reply: Reply) -> None:
    alma.will_reply(*[reply] * 4)
    with pytest.raises(AlmaResponseError):
        read(client)


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE report [<!ENTITY told SYSTEM "{place}">]>',
        '<!DOCTYPE report [<!ENTITY % more SYSTEM "{place}"> %more;]>',
        '<!DOCTYPE report SYSTEM "{place}">',
    ],
    ids=["external entity", "external parameter entity", "external document type"],
)
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_a_report_that_names_something_outside_is_refused_and_nothing_is_fetched(
    alma: ScriptedAlma, client: AlmaClient, tmp_path: Path, declared: str, scheme: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("for nobody")
    place = secret.as_uri() if scheme == "file" else f"{alma.url}/elsewhere"
    good = page(schema() + row("&told;"), finished=True)
    root = b"<report>"
    spoiled = good.body.replace(root, declared.replace("{place}", place).encode() + root)
    alma.will_reply(*[Reply(200, spoiled)] * 4)
    with pytest.raises(AlmaResponseError) as caught:
        read(client)
    assert "for nobody" not in "".join(traceback.format_exception(caught.value))
    assert not [seen for seen in alma.seen if "elsewhere" in seen.path]


def test_error_sent_as_success_is_an_error(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(xml_error("INTERNAL_SERVER_ERROR", "Path not found (x)", 200))
    with pytest.raises(ReportNotFoundError):
        read(client)


@pytest.mark.parametrize("size", [0, 24, 26, 1025, -25])
def test_page_size_alma_would_round_is_refused(alma: ScriptedAlma, client: AlmaClient, size: int) -> None:
    with pytest.raises(ValueError, match="steps of 25"):
        next(client.analytics.report(PATH, page_size=size))
    assert alma.seen == []
