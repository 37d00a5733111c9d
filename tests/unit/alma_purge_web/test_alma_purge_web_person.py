"""Why one person is on or off the list."""

import re
from datetime import date

import pytest
from tests.unit.alma_purge_web.web_samples import EVIL, NOW, PEOPLE, WHERE, SampleRun, held, person
from tests.unit.patron_purge.input_samples import FIRST_LINE, HEADINGS, person_row, workbook

from alma_purge import files
from alma_purge.documents import ExclusionManifest, FetchedFile
from alma_purge.run_folder import sha256_of
from alma_purge.web.explanation import Basis, Result, explain
from patron_purge.institution import RuleSettings
from patron_purge.rules import RULES
from patron_purge.states import Reason, RowState

FILE = "Loans XYZ.xlsx"
TODAY = date(2026, 11, 2)
BASIS = Basis(RuleSettings(waive_threshold=5, protected_groups=("FAC",)), TODAY, "OK to Purge")
EVERYTHING_ON = RuleSettings(
    hold_instructors=True,
    hold_blocked=True,
    hold_note_texts=("keep",),
    hold_proxies=True,
    recent_activity_days=90,
)


def asked(run: SampleRun, **form: str) -> tuple[int, str]:
    response = run.client().post("/person", params=WHERE, data=form)
    return response.status_code, re.sub(r"\s+", " ", response.text)


def text_cells(**cells: str) -> dict[str, str]:
    return {name: str(value) for name, value in person(1, **cells).items()}


def test_person_on_the_list(run: SampleRun) -> None:
    status, page = asked(run.reviewed(), row="3")
    assert status == 200
    assert "On the list: no rule holds this person back." in page
    assert "Müller, Zoë" in page
    assert "Undergraduates (UG)" in page
    assert "30 Jun 2024" in page
    assert "At least 1 day must have passed." in page
    assert "Owes 0.00; up to 0.00 may be waived." in page


def test_person_held_back_by_the_live_check(run: SampleRun) -> None:
    people = (*PEOPLE, held(7, Reason.ACTIVE_LOANS, state="dropped_live", detail="2 loans"))
    page = asked(run.reviewed(people), primary_id="ID000007")[1]
    assert "Not on the list, because of what Alma showed when everybody was looked up" in page
    assert "has active loans (2 loans)" in page
    assert '<tr class="warn"> <th scope="row" data-label="Rule">Loans</th>' in page
    assert "requests, fees, credit, blocks, notes, proxies, recent activity." in page


@pytest.mark.parametrize("form", [{"primary_id": "id00000"}, {"row": "99"}, {"primary_id": EVIL}, {}])
def test_nobody_is_said_to_be_nobody(run: SampleRun, form: dict[str, str]) -> None:
    page = asked(run.reviewed(), **form)[1]
    assert "Nobody with this primary id is in the report" in page
    assert "<script" not in page


def test_names_and_details_are_escaped(run: SampleRun) -> None:
    for row in ("1", "2", "5"):
        page = asked(run.reviewed(), row=row, text=EVIL, group=EVIL)[1]
        assert "<script" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page


def test_way_back_leads_to_the_same_place_in_the_list(run: SampleRun) -> None:
    form = {
        "view": "others",
        "text": "per",
        "reason": "active_loans",
        "sort": "name:desc",
        "page": "1",
        "row": "4",
    }
    page = asked(run.reviewed(), **form)[1]
    for name, value in form.items():
        kept = f'<input type="hidden" name="{name}" value="{value}">'
        assert (kept in page) == (name != "row")


def test_somebody_who_stands_there_twice_is_explained_twice(run: SampleRun) -> None:
    page = asked(
        run.reviewed((*PEOPLE, held(7, Reason.DUPLICATE_ROW, primary_id="id000004"))), primary_id="id000004"
    )[1]
    assert "id000004, row 4" in page
    assert "id000004, row 7" in page


def test_row_without_an_id_can_be_asked_for(run: SampleRun) -> None:
    page = asked(run.reviewed((*PEOPLE, held(7, Reason.NO_IDENTIFIER, primary_id=""))), row="7")[1]
    assert "Somebody without a primary id" in page
    assert "the report row has no primary id" in page


def test_no_list_no_explanation(run: SampleRun) -> None:
    assert asked(run, row="1")[0] == 404


def test_question_is_never_part_of_an_address(run: SampleRun) -> None:
    assert (
        run.reviewed().client().get("/person", params={**WHERE, "primary_id": "id000001"}).status_code == 405
    )


def with_file(run: SampleRun, content: bytes | None, *people: dict[str, object]) -> SampleRun:
    """Put an exclusion file among what the run has fetched."""
    run.reviewed((*PEOPLE, *people))
    given = content or b""
    fetched = FetchedFile(
        pattern="Loans*.xlsx",
        remote_name=FILE,
        stored_name="exclusions-1.xlsx",
        sha256=sha256_of(given),
        size=len(given),
        data_as_of=NOW,
        rows=2,
        ids=1,
        names=1,
    )
    manifest = ExclusionManifest(fetched_at=NOW, files=(fetched,))
    run.write("fetch_exclusions", files.EXCLUSIONS, manifest.to_bytes())
    if content is not None:
        run.write("fetch_exclusions", "exclusions-1.xlsx", content)
    return run


BOOK = workbook(
    [[FIRST_LINE], list(HEADINGS), person_row("000007"), ["Person8", "Ada", None, "XYZ", "12/01/2026"]]
)
BY_ID = held(7, Reason.IN_EXCLUSION_FILE, primary_id="7", detail=FILE)
BY_NAME = held(8, Reason.NAME_IN_EXCLUSION_FILE, detail=FILE)
BY_OTHER_ID = held(9, Reason.IN_EXCLUSION_FILE, detail=FILE, state="dropped_live")


def test_row_of_the_exclusion_file_is_named(run: SampleRun) -> None:
    with_file(run, BOOK, BY_ID, BY_NAME, BY_OTHER_ID)
    assert f"Look it up in {FILE}: sheet Sheet1, row 3." in asked(run, row="7")[1]
    by_name = asked(run, row="8")[1]
    assert f"Look it up in {FILE}: sheet Sheet1, row 4." in by_name
    assert "everybody of this name is kept" in by_name
    assert "another identifier of the same person in Alma" in asked(run, row="9")[1]
    assert "Look it up" not in asked(run, row="3")[1]


def test_exclusion_file_that_is_gone_or_changed_only_costs_its_row(run: SampleRun) -> None:
    with_file(run, None, BY_ID)
    assert "no longer on file here" in asked(run, row="7")[1]
    with_file(run, BOOK, BY_ID).folder.write("exclusions-1.xlsx", b"forged")
    status, page = asked(run, row="7")
    assert (status, "no longer on file here" in page) == (200, True)


def test_every_rule_is_listed_for_somebody_on_the_list() -> None:
    lines = explain(text_cells(group="Undergraduates"), BASIS).lines
    assert len(lines) == len(RULES)
    assert {line.result for line in lines} == {Result.PASSED, Result.OFF}
    everything = explain(text_cells(), Basis(EVERYTHING_ON, TODAY, "OK to Purge")).lines
    assert {line.result for line in everything} == {Result.PASSED}
    assert all(line.text.endswith(".") for line in (*lines, *everything))


def test_facts_stand_beside_the_rules() -> None:
    text = {
        line.about: line.text for line in explain(text_cells(group="Undergraduates", fees="4.5"), BASIS).lines
    }
    assert text["Expiry date"] == "Expired 31 May 2023, 1,251 days before this list was made."
    assert text["Purge date"].startswith("30 Jun 2024, 855 days before")
    assert text["Fees"] == "Owes 4.50; up to 5.00 may be waived."
    assert text["Protected user groups"] == "Undergraduates is not protected. Protected: I-Share, FAC."
    assert text["Purge group"] == "Was not in OK to Purge before this run."


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.reason))
def test_live_check_stops_at_the_rule_that_holds_back(rule: object) -> None:
    reason = rule.reason  # type: ignore[attr-defined]
    cells = text_cells(state="dropped_live", reason=reason, detail="why")
    explanation = explain(cells, Basis(EVERYTHING_ON, TODAY, "OK to Purge"))
    order = [each.reason for each in RULES]
    assert len(explanation.lines) == order.index(reason) + 1
    assert [line.result for line in explanation.lines].count(Result.HELD) == 1
    assert explanation.lines[-1].result is Result.HELD
    assert len(explanation.not_reached) == len(order) - order.index(reason) - 1
    assert "why" in explanation.verdict
    assert not explanation.on_list


def test_a_date_that_is_not_on_file_is_said_to_be_so_in_whole_sentences() -> None:
    basis = Basis(EVERYTHING_ON, TODAY, "OK to Purge")
    known = {line.about: line.text for line in explain(text_cells(), basis).lines}
    assert known["Recent activity"] == (
        "Last activity 1 Dec 2022, 1,432 days before this list was made. The limit is 90 days."
    )
    unknown = text_cells(last_activity="", expiry_date="", purge_date="")
    text = {line.about: line.text for line in explain(unknown, basis).lines}
    assert text["Recent activity"] == "The date is not on file here. The limit is 90 days."
    assert text["Expiry date"] == "The date is not on file here."
    assert text["Purge date"] == "The date is not on file here. At least 1 day must have passed."


def test_report_does_not_claim_what_only_alma_knows() -> None:
    explanation = explain(text_cells(state="held_back", reason="purge_date", detail="2026-11-02"), BASIS)
    assert [line.about for line in explanation.lines][-1] == "Purge date"
    about = {line.about for line in explanation.lines} | set(explanation.not_reached)
    assert {"Loans", "Requests", "Fees", "The same person in Alma"} <= set(explanation.not_reached)
    assert "Listed once in the report" in about


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (state, reason)
        for state in (RowState.HELD_BACK, RowState.DROPPED_LIVE, RowState.DUPLICATE, RowState.NOT_IN_PILOT)
        for reason in (None, *Reason)
    ],
)
def test_every_state_and_reason_can_be_explained(state: RowState, reason: Reason | None) -> None:
    for basis in (BASIS, None):
        explanation = explain(text_cells(state=str(state), reason=str(reason or "")), basis)
        assert explanation.verdict.endswith(".")
        assert not explanation.on_list
        assert explanation.lines or explanation.note
