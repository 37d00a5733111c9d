from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import pytest
import requests
from defusedxml.ElementTree import fromstring

Refused = Callable[[requests.Response, str], None]
ROWSET = "{urn:schemas-microsoft-com:xml-analysis:rowset}"
HEADING = "{urn:saw-sql}columnHeading"
ELEMENT = "{http://www.w3.org/2001/XMLSchema}element"
XML = {"Accept": "application/xml"}


@pytest.fixture
def alma(make_alma: Callable[..., Any]) -> Any:
    return make_alma(users=500)


def _report(alma: Any, **query: Any) -> requests.Response:
    if "token" not in query:
        query = {"path": alma.sandbox.report_path} | query
    answer: requests.Response = alma.get("/analytics/reports", params=query, headers=XML)
    return answer


def _read(answer: requests.Response) -> Element:
    assert answer.status_code == 200, answer.text
    found: Element = fromstring(answer.text)
    return found


def _rows(page: Element) -> list[dict[str, str]]:
    return [
        {cell.tag.removeprefix(ROWSET): cell.text or "" for cell in row} for row in page.iter(f"{ROWSET}Row")
    ]


def _token(page: Element) -> str | None:
    return page.findtext("QueryResult/ResumptionToken")


def _finished(page: Element) -> bool:
    return page.findtext("QueryResult/IsFinished") == "true"


def _all_rows(alma: Any, limit: int) -> list[dict[str, str]]:
    page = _read(_report(alma, limit=limit))
    token, rows = _token(page), _rows(page)
    while not _finished(page):
        page = _read(_report(alma, token=token, limit=limit))
        rows += _rows(page)
    return rows


def test_headings_sit_in_the_schema_and_column0_is_a_constant(alma: Any) -> None:
    page = _read(_report(alma, limit=25))
    headings = [element.get(HEADING) for element in page.iter(ELEMENT)]
    assert headings == [
        "0",
        "Primary Identifier",
        "User Group",
        "Expiry Date",
        "Purge Date",
        "Days between Today and Purge Date",
        "User ID",
        "First Name",
        "Last Name",
        "Has Role other than Patron and Instructor",
    ]
    assert {row["Column0"] for row in _rows(page)} == {"0"}


def test_calculated_heading_can_be_the_formula(alma: Any) -> None:
    alma.switch(days_heading="formula")
    headings = [element.get(HEADING) for element in _read(_report(alma)).iter(ELEMENT)]
    assert headings[5] == ' TIMESTAMPDIFF(SQL_TSI_DAY, "User Details"."Purge Date", CURRENT_DATE)'


def test_without_column_names_there_are_no_headings(alma: Any) -> None:
    page = _read(_report(alma, col_names="false"))
    assert [element.get(HEADING) for element in page.iter(ELEMENT)] == [None] * 10


def test_token_is_128_hex_digits_on_the_first_page_only(alma: Any) -> None:
    first = _read(_report(alma, limit=25))
    token = _token(first)
    assert token is not None
    assert re.fullmatch(r"[0-9A-F]{128}", token)
    second = _read(_report(alma, token=token, limit=25))
    assert _token(second) is None
    assert not list(second.iter(ELEMENT))
    assert len(_rows(second)) == 25


def test_token_on_every_page_when_so_switched(alma: Any) -> None:
    alma.switch(token_on_every_page=True)
    token = _token(_read(_report(alma, limit=25)))
    assert _token(_read(_report(alma, token=token, limit=25))) == token


def test_single_page_without_token_when_so_switched(alma: Any) -> None:
    assert _token(_read(_report(alma, limit=1000))) is not None
    alma.switch(token_on_single_page=False)
    assert _token(_read(_report(alma, limit=1000))) is None


def test_the_same_url_gives_the_next_page_each_time(alma: Any) -> None:
    rows = _all_rows(alma, 25)
    assert rows == _all_rows(alma, 1000)
    assert len(rows) > 75


def test_a_lost_page_is_skipped(alma: Any) -> None:
    token = _token(_read(_report(alma, limit=25)))
    alma.control("/faults", {"kind": "reset_after", "path": "token="})
    with pytest.raises(requests.ConnectionError):
        _report(alma, token=token, limit=25)
    third = _rows(_read(_report(alma, token=token, limit=25)))
    assert third == _rows(_read(_report(alma, limit=1000)))[50:75]


def test_asking_after_the_end_is_420033(alma: Any) -> None:
    page = _read(_report(alma, limit=1000))
    assert _finished(page)
    answer = _report(alma, token=_token(page), limit=1000)
    assert answer.status_code == 500
    assert "<errorCode>420033</errorCode>" in answer.text
    assert "<trackingId>" in answer.text


def test_expired_and_unknown_tokens_are_refused(alma: Any) -> None:
    token = _token(_read(_report(alma, limit=25)))
    alma.control("/clock", {"advance_seconds": 3600})
    assert _report(alma, token=token).status_code == 400
    assert _report(alma, token="F" * 128).status_code == 400


@pytest.mark.parametrize(("asked", "given"), [("1", 25), ("25", 25), ("30", 50), ("99", 100)])
def test_limit_is_rounded_up_to_steps_of_25(alma: Any, asked: str, given: int) -> None:
    assert len(_rows(_read(_report(alma, limit=asked)))) == given


def test_default_limit_is_25(alma: Any) -> None:
    assert len(_rows(_read(_report(alma)))) == 25


def test_empty_cells_are_absent(alma: Any) -> None:
    person = alma.person("expiry_missing")
    row = next(row for row in _all_rows(alma, 1000) if row.get("Column1") == person.primary_id)
    assert "Column3" not in row
    nameless = [row for row in _all_rows(alma, 1000) if "Column1" not in row]
    hidden = {str(p.serial) for p in alma.sandbox.tenant.users if p.scenario == "report_without_id"}
    assert {row["Column6"] for row in nameless} == hidden != set()


def test_report_without_rows_holds_only_the_schema(alma: Any) -> None:
    page = _read(_report(alma, path=alma.sandbox.tenant.reports.empty_path))
    assert (_rows(page), _finished(page)) == ([], True)
    assert len(list(page.iter(ELEMENT))) == 10


def test_unknown_path_is_a_500_with_its_name(alma: Any) -> None:
    answer = _report(alma, path="/shared/Nope")
    assert answer.status_code == 500
    assert "<errorMessage>Path not found (/shared/Nope)</errorMessage>" in answer.text


def test_private_path_is_access_denied(alma: Any) -> None:
    answer = _report(alma, path="/users/me/Report")
    assert (answer.status_code, "<errorCode>500</errorCode>" in answer.text) == (400, True)


@pytest.mark.parametrize("with_token", [False, True])
def test_still_loading_pages_come_first(alma: Any, *, with_token: bool) -> None:
    alma.switch(loading_pages=2, loading_with_token=with_token)
    answers = [_report(alma, limit=25)]
    token = _token(_read(answers[0]))
    again = {"token": token} if token else {}
    answers += [_report(alma, limit=25, **again) for _ in range(2)]
    pages = [_read(answer) for answer in answers]
    assert (token is not None) is with_token
    assert "<ResultXml/>" in answers[0].text
    assert [len(_rows(page)) for page in pages] == [0, 0, 25]
    assert not any(_finished(page) for page in pages)
    assert len(list(pages[2].iter(ELEMENT))) == 10


def test_json_wraps_the_xml_as_a_string(alma: Any) -> None:
    answer = alma.get("/analytics/reports", params={"path": alma.sandbox.report_path})
    text = json.loads(answer.text)["anies"][0]
    assert text.startswith("<QueryResult>")


def test_filter_has_no_effect(alma: Any) -> None:
    assert len(_rows(_read(_report(alma, limit=1000, filter="<sawx:expr/>")))) == len(_all_rows(alma, 1000))


def test_row_cap_cuts_without_a_word(alma: Any) -> None:
    alma.switch(report_row_cap=40)
    page = _read(_report(alma, limit=1000))
    assert (len(_rows(page)), _finished(page)) == (40, True)


def test_report_holds_who_was_due_last_night(alma: Any) -> None:
    rows = {row.get("Column1"): row for row in _all_rows(alma, 1000)}
    due = {
        p.primary_id
        for p in alma.sandbox.tenant.users
        if p.scenario in {"clean", "stale_extended", "stale_loan"}
    }
    assert due <= set(rows)
    assert not {p.primary_id for p in alma.sandbox.tenant.users if p.scenario == "not_due"} & set(rows)
    gone = next(p for p in alma.sandbox.tenant.users.gone.values() if p.scenario == "stale_gone")
    assert gone.primary_id in rows
    renamed = alma.person("stale_renamed")
    assert renamed.primary_id not in rows


def test_group_is_shown_by_description_and_days_are_counted(alma: Any) -> None:
    person = alma.person("protect_list_group")
    row = next(row for row in _all_rows(alma, 1000) if row.get("Column1") == person.primary_id)
    days = (alma.sandbox.tenant.clock.today() - person.purge_date).days
    assert (row["Column2"], row["Column5"], row["Column9"]) == ("Department Account", str(days), "N")


def test_staff_roles_show_but_the_instructor_does_not(alma: Any) -> None:
    flags = {row.get("Column1"): row["Column9"] for row in _all_rows(alma, 1000)}
    assert flags[alma.person("staff_role").primary_id] == "Y"
    assert flags[alma.person("instructor").primary_id] == "N"
    assert flags[alma.person("stale_staff_role").primary_id] == "N"


def test_one_person_can_have_two_rows(alma: Any) -> None:
    ids = [row.get("Column1") for row in _all_rows(alma, 1000)]
    assert ids.count(alma.person("report_twice").primary_id) == 2


def test_purged_people_stay_in_the_report_until_the_next_night(alma: Any) -> None:
    person = alma.person("clean")
    alma.purge_people([person])
    assert person.primary_id in {row.get("Column1") for row in _all_rows(alma, 1000)}
    alma.control("/clock", {"advance_days": 1})
    assert person.primary_id not in {row.get("Column1") for row in _all_rows(alma, 1000)}


def test_no_lag_reads_the_live_records(alma: Any) -> None:
    alma.switch(analytics_lag_days=0)
    assert alma.person("stale_extended").primary_id not in {
        row.get("Column1") for row in _all_rows(alma, 1000)
    }
