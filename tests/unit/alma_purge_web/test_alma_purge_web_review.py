import re
from datetime import timedelta

import pytest
from tests.unit.alma_purge_web.web_samples import (
    DIGEST,
    EVIL,
    NOW,
    RUN_ID,
    WHERE,
    SampleRun,
    asked,
    certificate_of,
    held,
    person,
)

from alma_purge import files
from patron_purge.answers import Answer, Choice, Judgement, record_answer
from patron_purge.decision import Decision, Person
from patron_purge.digest import approval_code
from patron_purge.guards import GuardLevel
from patron_purge.run_outcome import Outcome
from patron_purge.states import Mode, Reason

CODE = approval_code(DIGEST)
OLGA = Person(id="olga", name="Olga Example")


def text_of(run: SampleRun, **query: str) -> str:
    response = run.client().get("/review", params={**WHERE, **query})
    assert response.status_code == 200, response.text
    return re.sub(r"\s+", " ", response.text)


def answered(choice: Choice) -> Decision:
    answer = Answer(
        try_number=1,
        choice=choice,
        person=OLGA,
        answered_at=NOW,
        clear_number=0,
        comment="Seen by the circulation desk",
    )
    return record_answer(asked(), answer, Judgement(accepted=True))


def refused() -> Decision:
    answer = Answer(try_number=1, choice=Choice.APPROVE, person=OLGA, answered_at=NOW, clear_number=0)
    return record_answer(
        asked(), answer, Judgement(accepted=False, why="The code is not the one on the review page.")
    )


def shows_code(page: str) -> bool:
    return CODE in page


def test_page_says_what_would_happen(run: SampleRun) -> None:
    page = text_of(run.reviewed().decided(asked(), "awaiting_input"))
    assert "PRODUCTION" in page
    assert "North College" in page
    assert "IRREVERSIBLE" in page
    assert shows_code(page)
    assert "6 rows in the report = 3 to purge + 2 held back by a rule + 1 repeated in the report" in page
    assert "Full: everybody on the list" in page
    assert "Answer by" in page
    assert "1,240.50</b> would be waived for 1 person" in page
    assert "has active loans" in page
    assert "12,345" in page
    assert "1 Nov 2026" in page
    assert "2.5 days" in page
    assert "The limit was set to 800 for this run" in page
    assert "new this time" in page
    assert "\N{MINUS SIGN}10" in page
    assert "counts their history under that group" in page
    assert "the set with exactly the approved people" in page


def test_link_leads_to_the_required_action(run: SampleRun) -> None:
    page = text_of(run.reviewed().decided(asked(), "awaiting_input"))
    quoted = "scheduled__2026-11-02T06%3A00%3A00%2B00%3A00"
    place = f"/dags/alma_user_purge_north/runs/{quoted}/tasks/approve_purge/required_actions"
    assert f'href="{place}?map_index=-1"' in page


@pytest.mark.parametrize("view", ["to_purge", "others"])
def test_nothing_from_outside_becomes_markup(run: SampleRun, view: str) -> None:
    page = text_of(run.reviewed().decided(refused(), "awaiting_input"), view=view, text="<b>", group=EVIL)
    page += text_of(run, view=view)
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>&" not in page
    assert "&lt;script&gt;" in page


def test_waiting_page_before_the_review(run: SampleRun) -> None:
    run.states = {"preflight": "success", "fetch_exclusions": "running"}
    run.xcoms["preflight", "summary"] = "Alma answers and is the right one."
    page = text_of(run)
    assert "The list is being made" in page
    assert "Alma answers and is the right one." in page
    assert "under way" in page


def test_waiting_page_tells_what_failed(run: SampleRun) -> None:
    run.states = {"preflight": "failed", "fetch_exclusions": "upstream_failed"}
    run.xcoms["preflight", "stop"] = f"The marker group is missing {EVIL}."
    page = text_of(run)
    assert "The list could not be made" in page
    assert "The marker group is missing &lt;script" in page


def test_review_of_a_cleared_task_is_not_shown(run: SampleRun) -> None:
    run.reviewed().states["prepare_review"] = "queued"
    page = text_of(run)
    assert "The list is being made" in page
    assert not shows_code(page)
    assert run.client().get("/api/review", params=WHERE).status_code == 404


def test_refused_answer_is_explained(run: SampleRun) -> None:
    again = asked().model_copy(update={"refusals": refused().refusals, "try_number": 2})
    page = text_of(run.reviewed().decided(again, "awaiting_input"))
    assert "Asked again" in page
    assert "Try 1: The code is not the one on the review page." in page
    assert shows_code(page)


def test_code_stands_there_before_the_question(run: SampleRun) -> None:
    page = text_of(run.reviewed())
    assert "The question comes next" in page
    assert shows_code(page)


def test_approved(run: SampleRun) -> None:
    run.reviewed().decided(answered(Choice.APPROVE), "success")
    run.states["regroup_users"] = "success"
    run.xcoms["regroup_users", "summary"] = "3 people moved."
    page = text_of(run)
    assert "<h2>Approved</h2>" in page
    assert "Olga Example" in page
    assert "Seen by the circulation desk" in page
    assert "Approval valid until" in page
    assert "3 people moved." in page
    assert not shows_code(page)


@pytest.mark.parametrize("state", ["", "queued", "awaiting_input", "failed", "skipped"])
def test_approval_of_a_cleared_task_counts_no_more(run: SampleRun, state: str) -> None:
    page = text_of(run.reviewed().decided(answered(Choice.APPROVE), state))
    assert "The approval was taken back" in page
    assert "<h2>Approved</h2>" not in page


def test_expired_approval(run: SampleRun) -> None:
    old = answered(Choice.APPROVE).model_copy(update={"valid_until": NOW - timedelta(hours=1)})
    assert "the approval has expired" in text_of(run.reviewed().decided(old, "success"))


WAITS = "These are quiet hours. Going on at 2026-11-02 05:30 CST."
TROUBLE = "Alma does not answer. If this task stays red, clear this task."
STOP = "The group OKTOPURGE is missing."


@pytest.mark.parametrize(
    ("state", "words", "said"),
    [
        ("deferred", "waiting", WAITS),
        ("up_for_reschedule", "tries again soon", WAITS),
        ("up_for_retry", "tries again soon", TROUBLE),
        ("failed", "failed", STOP),
        ("success", "done", "3 people moved."),
        ("running", "under way", "3 people moved."),
        # Cleared: what is on record is of an earlier try.
        ("", "not yet", ""),
        ("queued", "about to start", ""),
        ("scheduled", "about to start", ""),
        ("upstream_failed", "not possible", ""),
    ],
)
def test_a_step_says_what_counts_in_its_state_and_nothing_older(
    run: SampleRun, state: str, words: str, said: str
) -> None:
    run.reviewed().decided(answered(Choice.APPROVE), "success").states["regroup_users"] = state
    sentences = {"waiting": WAITS, "trouble": TROUBLE, "stop": STOP, "summary": "3 people moved."}
    for key, sentence in sentences.items():
        run.xcoms["regroup_users", key] = sentence
    page = text_of(run)
    assert [sentence for sentence in sentences.values() if sentence in page] == ([said] if said else [])
    row = page[page.index("regroup_users</span>") :]
    assert f'data-label="State">{words}' in row[: row.index("</tr>")]


@pytest.mark.parametrize(
    ("state", "said"), [("failed", TROUBLE), ("awaiting_input", TROUBLE), ("skipped", "")]
)
def test_trouble_is_said_where_no_stop_is_on_record(run: SampleRun, state: str, said: str) -> None:
    run.reviewed().decided(answered(Choice.APPROVE), "success").states["regroup_users"] = state
    run.xcoms["regroup_users", "trouble"] = TROUBLE
    assert (TROUBLE in text_of(run)) is bool(said)


def test_waiting_page_tells_why_a_step_waits_or_failed_after_its_tries(run: SampleRun) -> None:
    run.states = {"preflight": "success", "check_live": "deferred"}
    run.xcoms["check_live", "waiting"] = WAITS
    assert WAITS in text_of(run)
    run.states["check_live"] = "failed"
    run.xcoms["check_live", "trouble"] = TROUBLE
    page = text_of(run)
    assert WAITS not in page
    assert f"<p>{TROUBLE}</p>" in page


def test_a_question_that_ended_after_too_many_refused_answers_says_so(run: SampleRun) -> None:
    said = "No answer was accepted in 11 tries; the last: The code is not the one on the review page."
    run.reviewed().decided(refused(), "failed").xcoms["approve_purge", "stop"] = said
    page = text_of(run)
    assert f"<p>approve_purge: {said}</p>" in page
    assert "nobody answered on its form" not in page
    assert not shows_code(page)


def test_rejected(run: SampleRun) -> None:
    page = text_of(run.reviewed().decided(answered(Choice.REJECT), "success"))
    assert "<h2>Rejected</h2>" in page
    assert not shows_code(page)


@pytest.mark.parametrize("decision", [None, asked()])
def test_task_marked_by_hand_is_no_answer(run: SampleRun, decision: Decision | None) -> None:
    run.reviewed()
    if decision is not None:
        run.decided(decision, "success")
    run.states["approve_purge"] = "success"
    page = text_of(run)
    assert "nobody answered on its form" in page
    assert not shows_code(page)


def test_answer_about_another_list(run: SampleRun) -> None:
    page = text_of(run.reviewed().decided(asked(digest="cd" * 32), "awaiting_input"))
    assert "about another list" in page
    assert not shows_code(page)


def test_deadline_passed(run: SampleRun) -> None:
    page = text_of(run.reviewed().decided(asked(when=NOW - timedelta(hours=73)), "awaiting_input"))
    assert "The deadline has passed" in page
    assert not shows_code(page)


def test_report_only(run: SampleRun) -> None:
    page = text_of(run.reviewed(mode=Mode.REPORT_ONLY))
    assert "Nobody is asked, and nobody is purged." in page
    assert not shows_code(page)


def test_nobody_to_purge(run: SampleRun) -> None:
    page = text_of(run.reviewed((held(1, Reason.ACTIVE_LOANS),)))
    assert "There is nobody to purge" in page
    assert not shows_code(page)


def test_review_that_a_limit_stopped(run: SampleRun) -> None:
    run.reviewed(level=GuardLevel.STOP).states["prepare_review"] = "failed"
    page = text_of(run)
    assert "stopped before the approval" in page
    assert "STOPS the run" in page
    assert not shows_code(page)
    assert run.client().get("/api/review", params=WHERE).status_code == 404


def test_end_of_the_run(run: SampleRun) -> None:
    run.reviewed().decided(answered(Choice.APPROVE), "success")
    run.write("certify", files.CERTIFICATE, certificate_of(Outcome.PARTLY).model_dump_json().encode())
    run.write("certify", files.CERTIFICATE_PAGE, b"<p>certificate</p>")
    page = text_of(run)
    assert "2 of 3 people who were sent to the purge job were purged." in page
    assert "Open the certificate" in page


def test_data_for_programs(run: SampleRun) -> None:
    run.reviewed()
    before = run.client().get("/api/review", params=WHERE)
    assert before.json() == {"count": 3, "code": CODE, "digest": DIGEST, "decision_state": None}
    run.decided(asked(), "awaiting_input")
    assert run.client().get("/api/review", params=WHERE).json()["decision_state"] == "asked"


def test_no_link_to_files_that_are_not_there(run: SampleRun) -> None:
    page = text_of(run.reviewed())
    assert "Download as a spreadsheet" not in page
    run.write("prepare_review", files.WORKBOOK, b"PK")
    assert "Download as a spreadsheet" in text_of(run)


def test_run_of_a_single_person(run: SampleRun) -> None:
    page = text_of(run.reviewed((person(1),)).decided(asked(1), "awaiting_input"))
    assert "1 row in the report = 1 to purge" in page
    assert RUN_ID.replace("+", "&#43;") in page or RUN_ID in page


def test_inside_airflow_the_page_opens_no_second_airflow(run: SampleRun) -> None:
    client = run.reviewed().decided(asked(), "awaiting_input").client()
    tab = client.get("/review", params=WHERE, headers={"Sec-Fetch-Dest": "iframe"}).text
    alone = client.get("/review", params=WHERE).text
    assert ("Go to the form" in tab, "Required Actions</b>, at the top" in tab) == (False, True)
    assert ("Go to the form" in alone, "Required Actions</b>, at the top" in alone) == (True, False)
