"""Analytics API: one report, shaped as Oracle's rowset."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.rest.wire import Call, Reply, Route
from alma_sandbox.rest.xml import HEADER
from alma_sandbox.state.analytics import Page, Row
from alma_sandbox.state.tenant import Tenant

PAGE_STEP = 25
PAGE_MOST = 1000
DAYS_FORMULA = 'TIMESTAMPDIFF(SQL_TSI_DAY, "User Details"."Purge Date", CURRENT_DATE)'
DAYS_HEADING = "Days between Today and Purge Date"

# (heading, formula, table, saw-sql type, xsd type) in the order of the CARLI report.
COLUMNS = (
    ("Primary Identifier", '"User Details"."Primary Identifier"', "User Details", "varchar", "xsd:string"),
    ("User Group", '"User Details"."User Group"', "User Details", "varchar", "xsd:string"),
    ("Expiry Date", '"User Details"."Expiry Date"', "User Details", "date", "xsd:date"),
    ("Purge Date", '"User Details"."Purge Date"', "User Details", "date", "xsd:date"),
    (DAYS_HEADING, DAYS_FORMULA, "", "integer", "xsd:int"),
    ("User ID", '"User Details"."User ID"', "User Details", "varchar", "xsd:string"),
    ("First Name", '"User Details"."First Name"', "User Details", "varchar", "xsd:string"),
    ("Last Name", '"User Details"."Last Name"', "User Details", "varchar", "xsd:string"),
    (
        "Has Role other than Patron and Instructor",
        '"User Details"."Has Role Other Than Patron and Instructor"',
        "User Details",
        "varchar",
        "xsd:string",
    ),
)


def get_report(tenant: Tenant, call: Call) -> Reply:
    """Give one page of a report: the first by path, later ones by the first page's token."""
    limit = page_size(call.query.get("limit") or "25")
    token = call.query.get("token")
    if token:
        page = tenant.reports.next_page(token, limit)
    else:
        path = call.query.get("path", "")
        if not path:
            raise AlmaRefusal("402119", "General Error - An error has occurred while processing the request.")
        if not path.startswith("/shared/"):
            text = (
                f"access denied for user to path {path} - make sure the report is saved in a shared folder."
            )
            raise AlmaRefusal("500", text)
        page = tenant.reports.first_page(path, limit)
    names = (call.query.get("col_names") or "true").lower() != "false"
    result = _query_result(tenant, page, names=names)
    return Reply({"anies": [result]}, xml=f"{HEADER}<report>{result}</report>")


def page_size(text: str) -> int:
    """Apply the limit rule: 25 to 1000 in steps of 25, anything else rounded up into that.

    Raises:
        AlmaRefusal: If it is not a number.
    """
    if not text.isdigit():
        raise AlmaRefusal("402119", "General Error - An error has occurred while processing the request.")
    steps = -(-int(text) // PAGE_STEP)
    return max(PAGE_STEP, min(PAGE_MOST, steps * PAGE_STEP))


def _query_result(tenant: Tenant, page: Page, *, names: bool) -> str:
    token = f"<ResumptionToken>{page.token}</ResumptionToken>" if page.token else ""
    finished = f"<IsFinished>{'true' if page.finished else 'false'}</IsFinished>"
    if page.loading:
        return f"<QueryResult>{token}{finished}<ResultXml/></QueryResult>"
    schema = _schema(tenant, names=names) if page.first else ""
    rows = "".join(_row(row) for row in page.rows)
    rowset = f'<rowset xmlns="urn:schemas-microsoft-com:xml-analysis:rowset">{schema}{rows}</rowset>'
    return f"<QueryResult>{token}{finished}<ResultXml>{rowset}</ResultXml></QueryResult>"


def _row(row: Row) -> str:
    cells = "".join(
        f"<Column{number}>{escape(value)}</Column{number}>"
        for number, value in enumerate(row, start=1)
        if value is not None
    )
    return f"<Row><Column0>0</Column0>{cells}</Row>"


def _schema(tenant: Tenant, *, names: bool) -> str:
    elements = [
        _element(0, ("0", "0", "", "integer", "xsd:int"), names=names, optional=False),
    ]
    for number, column in enumerate(COLUMNS, start=1):
        heading = column[0]
        if heading == DAYS_HEADING and tenant.switches.days_heading == "formula":
            heading = f" {DAYS_FORMULA}"
        elements.append(_element(number, (heading, *column[1:]), names=names, optional=True))
    return (
        '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:saw-sql="urn:saw-sql" '
        'targetNamespace="urn:schemas-microsoft-com:xml-analysis:rowset"><xsd:complexType name="Row">'
        f"<xsd:sequence>{''.join(elements)}</xsd:sequence></xsd:complexType></xsd:schema>"
    )


def _element(number: int, column: tuple[str, ...], *, names: bool, optional: bool) -> str:
    heading, formula, table, sql_type, xsd_type = column
    start = f'<xsd:element maxOccurs="1" minOccurs="{0 if optional else 1}" name="Column{number}"'
    if not names:
        return f'{start} saw-sql:displayFormula="s_{number}" saw-sql:type="{sql_type}" type="{xsd_type}"/>'
    return (
        f'{start} saw-sql:aggregationRule="none" saw-sql:aggregationType="nonAgg" '
        f"saw-sql:columnHeading={quoteattr(heading)} saw-sql:displayFormula={quoteattr(formula)} "
        f'saw-sql:length="255" saw-sql:precision="255" saw-sql:scale="0" '
        f"saw-sql:tableHeading={quoteattr(table)} "
        f'saw-sql:type="{sql_type}" type="{xsd_type}"/>'
    )


ROUTES = [Route("GET", "/analytics/reports", get_report, "analytics")]
