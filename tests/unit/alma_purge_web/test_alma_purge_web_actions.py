"""What an approver can do on the review page."""

import html
import json
import re
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from tests.unit.alma_purge_web.web_samples import (
    DAG_ID,
    DIGEST,
    EVIL,
    RUN_ID,
    WHERE,
    SampleRun,
    asked,
    person,
)

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.file_kinds import kind_of
from alma_purge.operators.base import TROUBLE_KEY
from alma_purge.places import institution_of_dag
from alma_purge.steps.looked import looked_at
from alma_purge.steps.taken_off import taken_off_so_far
from alma_purge.web import form_token as form_token_module
from alma_purge.web.form_token import form_token
from alma_purge.web.opened_run import OpenedRun
from alma_purge.web.records import RunRecords
from patron_purge.decision import Decision, DecisionState, Person
from patron_purge.digest import approval_code, digest_of_rest
from patron_purge.looked import LOOK_AFTER, Seen
from patron_purge.retention import FileKind
from patron_purge.taken_off import TakenOff

FROM_HERE = {"Sec-Fetch-Site": "same-origin"}
JOB = "purge-north-abc"
NOTHING = RunRecords({}, {}, {})


@pytest.fixture
def open_run(run: SampleRun) -> SampleRun:
    return run.reviewed().decided(asked(), "awaiting_input")


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return str(found.group(1))


def confirm(client: TestClient, row: int = 1) -> str:
    page = client.get("/take-off", params=WHERE | {"row": row})
    assert page.status_code == 200, page.text
    return str(page.text)


def take_off(
    client: TestClient, on_row: int = 1, headers: Mapping[str, str] = FROM_HERE, **form: str
) -> Response:
    page = confirm(client, on_row)
    filled = {name: field(page, name) for name in ("token", "row", "prepared")}
    given = filled | {"reason": "moves to the alumni group"} | form
    response: Response = client.post("/take-off", params=WHERE, data=given, headers=headers)
    return response


def review_data(run: SampleRun) -> dict[str, Any]:
    data: dict[str, Any] = run.client().get("/api/review", params=WHERE).json()
    return data


def test_somebody_is_taken_off_and_the_count_and_the_code_change(open_run: SampleRun) -> None:
    before = review_data(open_run)
    response = take_off(open_run.client("olga"))
    assert response.status_code == 303
    assert response.headers["location"].startswith("review?")
    after = review_data(open_run)
    assert (before["count"], after["count"]) == (3, 2)
    assert after["code"] != before["code"]
    assert after["digest"] != before["digest"]
    assert after["code"] == approval_code(after["digest"])
    (entry,) = taken_off_so_far(open_run.folder)
    assert (entry.primary_id, entry.by.id, entry.reason) == ("id000001", "olga", "moves to the alumni group")


def test_the_numbers_of_the_page_follow(open_run: SampleRun) -> None:
    assert "1,240.50" in open_run.client().get("/review", params=WHERE).text
    take_off(open_run.client("olga"))
    page = open_run.client().get("/review", params=WHERE).text
    assert "1 taken off by the reviewer" in page
    assert "Nobody on the list owes anything" in page
    assert "moves to the alumni group" in page
    assert "Taken off the list: 1" in page
    others = open_run.client().get("/review", params=WHERE | {"view": "others"}).text
    assert "taken off by the reviewer" in others


def test_a_reason_with_markup_is_shown_as_text(open_run: SampleRun) -> None:
    take_off(open_run.client("olga"), reason=EVIL)
    assert EVIL not in open_run.client().get("/review", params=WHERE).text


def test_the_page_says_before_the_click_that_it_is_for_good(open_run: SampleRun) -> None:
    page = confirm(open_run.client("olga"))
    assert "can't be taken back" in page
    assert "id000001" in page
    assert EVIL not in page
    assert taken_off_so_far(open_run.folder) == ()


def test_what_was_written_down_is_for_its_owner_only(open_run: SampleRun) -> None:
    take_off(open_run.client("olga"))
    folder = Path(open_run.folder.path.path)
    entries = list(folder.glob(f"{files.TAKEN_OFF_ENTRY}*"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(each.stat().st_mode) for each in entries] == [0o600]
    assert [kind_of(each.name) for each in entries] == [FileKind.LEDGER]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
def test_no_reason_no_take_off(open_run: SampleRun, reason: str) -> None:
    assert "aria-invalid" not in confirm(open_run.client("olga"))
    response = take_off(open_run.client("olga"), reason=reason)
    (told,) = re.findall(r'<p id="(.+?)" class="wrong" role="alert">Give a reason', response.text)
    (box,) = re.findall(r'<input name="reason"[^>]*>', response.text)
    assert f'aria-describedby="{told}"' in box
    assert 'aria-invalid="true"' in box
    assert taken_off_so_far(open_run.folder) == ()


def test_the_skip_link_leads_into_the_question(open_run: SampleRun) -> None:
    page = confirm(open_run.client("olga"))
    assert 'href="#content"' in page
    assert '<main id="content" class="narrow" tabindex="-1">' in page


@pytest.mark.parametrize(("route", "form"), [("/take-off", {"row": "x"}), ("/looked", {"seen": "maybe"})])
def test_a_form_that_can_not_be_read_changes_nothing_and_says_so(
    open_run: SampleRun, route: str, form: dict[str, str]
) -> None:
    client = open_run.client("olga")
    response = client.post(route, params=WHERE, data=form, headers=FROM_HERE)
    assert response.status_code == 422
    assert "Nothing was changed" in response.text
    assert "filter" not in response.text
    (link,) = re.findall(r'href="(review[^"]+)"', response.text)
    assert client.get("/" + html.unescape(link)).status_code == 200


def test_a_refused_action_leads_back_to_the_review(open_run: SampleRun) -> None:
    client = open_run.client("olga")
    response = client.get("/take-off", params=WHERE | {"row": 99})
    assert response.status_code == 409
    (link,) = re.findall(r'href="(review[^"]+)">Back to the review', response.text)
    assert client.get("/" + html.unescape(link)).status_code == 200


def test_only_approvers_see_the_way(open_run: SampleRun) -> None:
    assert "take-off?" in open_run.client("olga").get("/review", params=WHERE).text
    assert "take-off?" not in open_run.client("vera").get("/review", params=WHERE).text


def test_nobody_else_takes_anybody_off(open_run: SampleRun) -> None:
    page = confirm(open_run.client("olga"))
    form = {name: field(page, name) for name in ("token", "row", "prepared")} | {"reason": "why not"}
    for user in ("vera", "Olga", ""):
        client = open_run.client(user)
        assert client.post("/take-off", params=WHERE, data=form, headers=FROM_HERE).status_code == 403
        assert client.get("/take-off", params=WHERE | {"row": 1}).status_code == 403
    assert taken_off_so_far(open_run.folder) == ()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
    ],
)
def test_a_form_from_another_site_is_refused(open_run: SampleRun, headers: dict[str, str]) -> None:
    response = take_off(open_run.client("olga"), headers=headers)
    assert response.status_code == 403
    assert "not sent from the review page" in response.text
    assert taken_off_so_far(open_run.folder) == ()


@pytest.mark.parametrize("origin", ["http://testserver", "http://127.0.0.1:8080"])
def test_a_browser_that_tells_only_the_origin_is_understood(open_run: SampleRun, origin: str) -> None:
    assert take_off(open_run.client("olga"), headers={"Origin": origin}).status_code == 303


@pytest.mark.parametrize("token", ["", "made.up", "of oscar"])
def test_a_form_that_was_not_made_for_this_person_is_refused(open_run: SampleRun, token: str) -> None:
    if token == "of oscar":
        token = field(confirm(open_run.client("oscar")), "token")
    response = take_off(open_run.client("olga"), token=token)
    assert response.status_code == 403
    assert taken_off_so_far(open_run.folder) == ()


def test_an_old_form_is_refused(open_run: SampleRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_token_module, "_VALID_SECONDS", -1)
    assert take_off(open_run.client("olga")).status_code == 403
    assert taken_off_so_far(open_run.folder) == ()


def test_a_person_is_taken_off_once_and_can_not_come_back(open_run: SampleRun) -> None:
    client = open_run.client("olga")
    page = confirm(client)
    form = {name: field(page, name) for name in ("token", "row", "prepared")} | {"reason": "twice"}
    answers = [
        client.post("/take-off", params=WHERE, data=form, headers=FROM_HERE).status_code for _ in range(2)
    ]
    assert answers == [303, 409]
    assert len(taken_off_so_far(open_run.folder)) == 1


@pytest.mark.parametrize("row", [4, 5, 6, 99])
def test_only_somebody_on_the_list_is_taken_off(open_run: SampleRun, row: int) -> None:
    response = open_run.client("olga").get("/take-off", params=WHERE | {"row": row})
    assert response.status_code == 409
    assert take_off(open_run.client("olga"), 3, row=str(row)).status_code == 409
    assert taken_off_so_far(open_run.folder) == ()


def test_the_last_person_is_kept_by_a_reject(open_run: SampleRun) -> None:
    client = open_run.client("olga")
    assert [take_off(client, row).status_code for row in (1, 2, 3)] == [303, 303, 409]
    assert review_data(open_run)["count"] == 1


def form_of(client: TestClient, row: int, reason: str) -> dict[str, str]:
    page = confirm(client, row)
    return {name: field(page, name) for name in ("token", "row", "prepared")} | {"reason": reason}


def entry_of(run: SampleRun, row: int, user: str) -> None:
    entry = TakenOff(
        primary_id=f"id{row:06d}",
        by=Person(id=user, name=user.capitalize()),
        at=datetime.now(UTC),
        reason=f"{user} says so",
    )
    run.folder.append(files.TAKEN_OFF_ENTRY, entry.to_bytes())


def test_one_person_whom_two_reviewers_take_off_counts_once(open_run: SampleRun) -> None:
    for user in ("olga", "oscar"):
        entry_of(open_run, 1, user)
    page = open_run.client().get("/review", params=WHERE).text
    assert "Taken off the list: 1<" in page
    assert "olga says so" in page
    assert "oscar says so" in page
    assert review_data(open_run)["count"] == 2


@pytest.mark.parametrize("state", ["awaiting_input", "up_for_retry", ""])
def test_where_two_reviewers_leave_nobody_only_a_reject_is_asked_for(run: SampleRun, state: str) -> None:
    run.reviewed((person(1), person(2))).decided(asked(2), state)
    entry_of(run, 1, "olga")
    before = run.client("oscar").get("/review", params=WHERE).text
    assert "Code to type" in before
    entry_of(run, 2, "oscar")
    page = run.client("oscar").get("/review", params=WHERE).text
    assert "Nobody is left; choose Reject" in page
    assert "Go to the form" in page
    assert "Answer by" in page
    for words in ("Waiting for your answer", "Code to type", "Asked again", "use <b>Take off</b>"):
        assert words not in page
    data = review_data(run)
    assert (data["count"], data["code"]) == (0, "")
    digest = digest_of_rest(DIGEST, ())
    assert approval_code(digest) not in page


def test_before_the_question_too_nobody_left_shows_no_code(run: SampleRun) -> None:
    run.reviewed((person(1),))
    entry_of(run, 1, "olga")
    page = run.client().get("/review", params=WHERE).text
    assert "Nobody is left; choose Reject" in page
    assert "Code to type" not in page


def test_whoever_takes_the_last_person_off_in_the_same_moment_is_not_told_of_an_answer(
    run: SampleRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.reviewed((person(1), person(2))).decided(asked(2), "awaiting_input")
    append = type(run.folder).append

    def with_another(self: Any, folder: str, content: bytes) -> None:
        append(self, folder, content)
        monkeypatch.setattr(type(run.folder), "append", append)
        entry_of(run, 2, "oscar")

    client = run.client("olga")
    form = form_of(client, 1, "leaves")
    monkeypatch.setattr(type(run.folder), "append", with_another)
    assert client.post("/take-off", params=WHERE, data=form, headers=FROM_HERE).status_code == 303
    assert review_data(run)["count"] == 0


def test_two_people_at_once_lose_nothing(run: SampleRun) -> None:
    crowd = tuple(person(row) for row in range(1, 42))
    run.reviewed(crowd).decided(asked(count=41), "awaiting_input")
    clients = {name: run.client(name) for name in ("olga", "oscar")}
    names = ["olga", "oscar"] * 20
    pages = [(name, confirm(clients[name], row)) for row, name in enumerate(names, start=1)]

    def send(one: tuple[str, str]) -> int:
        name, page = one
        form = {each: field(page, each) for each in ("token", "row", "prepared")} | {"reason": name}
        response: Response = clients[name].post("/take-off", params=WHERE, data=form, headers=FROM_HERE)
        return response.status_code

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert set(pool.map(send, pages)) == {303}
    assert {one.primary_id for one in taken_off_so_far(run.folder)} == {
        f"id{row:06d}" for row in range(1, 41)
    }
    assert review_data(run)["count"] == 1


@pytest.mark.parametrize(
    ("state", "task"),
    [
        (DecisionState.APPROVED, "success"),
        (DecisionState.REJECTED, "success"),
        (DecisionState.TIMED_OUT, "success"),
        (DecisionState.ASKED, "success"),
        (DecisionState.ASKED, "failed"),
    ],
)
def test_an_answered_list_stays_as_it_is(run: SampleRun, state: DecisionState, task: str) -> None:
    run.reviewed().decided(asked().model_copy(update={"state": state}), task)
    response = run.client("olga").get("/take-off", params=WHERE | {"row": 1})
    assert response.status_code == 409
    assert "only while the approval is waited for" in response.text
    assert "take-off?" not in run.client("olga").get("/review", params=WHERE).text


def test_nobody_is_taken_off_when_something_was_sent(open_run: SampleRun) -> None:
    page = confirm(open_run.client("olga"))
    form = {name: field(page, name) for name in ("token", "row", "prepared")} | {"reason": "late"}
    sent(open_run, files.REGROUP_RECORD)
    response = open_run.client("olga").post("/take-off", params=WHERE, data=form, headers=FROM_HERE)
    assert response.status_code == 409
    assert taken_off_so_far(open_run.folder) == ()


def test_a_list_that_was_made_again_is_not_mistaken_for_the_old_one(open_run: SampleRun) -> None:
    response = take_off(open_run.client("olga"), prepared="0" * 64)
    assert response.status_code == 409
    assert "made again" in response.text
    assert taken_off_so_far(open_run.folder) == ()


def test_an_answer_in_the_same_moment_is_told(open_run: SampleRun, monkeypatch: pytest.MonkeyPatch) -> None:
    append = type(open_run.folder).append

    def slow(self: Any, folder: str, content: bytes) -> None:
        append(self, folder, content)
        open_run.decided(asked().model_copy(update={"state": DecisionState.APPROVED}), "success")

    monkeypatch.setattr(type(open_run.folder), "append", slow)
    response = take_off(open_run.client("olga"))
    assert response.status_code == 409
    assert "answered in the same moment" in response.text


def test_an_entry_that_can_not_be_read_hides_the_code(open_run: SampleRun) -> None:
    open_run.folder.append(files.TAKEN_OFF_ENTRY, b'{"primary_id": "id000001"}')
    page = open_run.client("olga").get("/review", params=WHERE)
    assert page.status_code == 409
    assert "id000001" not in page.text
    assert approval_code(DIGEST) not in page.text


def test_what_an_approval_needs_besides_is_shown(run: SampleRun, tmp_path: Path) -> None:
    file = tmp_path / "institutions" / "north.yaml"
    run.reviewed().decided(asked(), "awaiting_input")
    before = run.client().get("/review", params=WHERE).text
    assert "Keep statistics" not in before
    assert "A second person" not in before
    file.write_text(
        file.read_text(encoding="utf-8")
        + "four_eyes: true\nask_disposal_authority: true\ndelete_user_policy: Keep statistics\n",
        encoding="utf-8",
    )
    page = run.client().get("/review", params=WHERE).text
    for words in ("Keep statistics", "Disposal authority", "A second person"):
        assert words in page


def sent(run: SampleRun, name: str, minutes_ago: float = 20, **changes: Any) -> JobRecord:
    record = JobRecord(
        stage=JobStage.INTENDED,
        job_id="M77",
        job_name=JOB,
        set_id="1",
        attempt=2,
        intended_at=datetime.now(UTC) - timedelta(minutes=minutes_ago),
    ).model_copy(update=changes)
    run.folder.write(name, record.to_bytes())
    return record


@pytest.fixture
def unclear_run(run: SampleRun) -> SampleRun:
    approved = asked().model_copy(update={"state": DecisionState.APPROVED})
    return run.reviewed().decided(approved, "success")


def say(run: SampleRun, headers: Mapping[str, str] = FROM_HERE, user: str = "olga", **form: str) -> Response:
    where = OpenedRun(institution_of_dag(DAG_ID), DAG_ID, RUN_ID, NOTHING, run.folder, run.records)
    token = form_token(where, Person(id=user, name=user))
    given = {
        "expected": JOB,
        "attempt": "2",
        "typed": JOB,
        "seen": "missing",
        "comment": "looked twice",
        "token": token,
    } | form
    response: Response = run.client(user).post("/looked", params=WHERE, data=given, headers=headers)
    return response


@pytest.mark.parametrize("name", [files.REGROUP_RECORD, files.PURGE_RECORD])
def test_an_approver_says_that_a_job_is_not_in_alma(unclear_run: SampleRun, name: str) -> None:
    record = sent(unclear_run, name)
    page = unclear_run.client("olga").get("/review", params=WHERE).text
    assert "Was this job started?" in page
    assert JOB in page
    assert say(unclear_run).status_code == 303
    looked = looked_at(unclear_run.folder, record)
    assert looked is not None
    (name,) = [one for one in unclear_run.folder.names() if one.startswith(files.LOOKED_ENTRY)]
    assert kind_of(name) is FileKind.NOT_PERSONAL
    assert (looked.by.id, looked.comment) == ("olga", "looked twice")
    after = unclear_run.client("olga").get("/review", params=WHERE).text
    assert "It counts as never started" in after
    assert say(unclear_run).status_code == 409, "once is enough"


def test_an_approver_says_that_a_job_has_ended_in_alma(unclear_run: SampleRun) -> None:
    record = sent(unclear_run, files.PURGE_RECORD)
    assert say(unclear_run, seen="ended").status_code == 303
    looked = looked_at(unclear_run.folder, record)
    assert looked is not None
    assert looked.seen is Seen.ENDED
    after = unclear_run.client("olga").get("/review", params=WHERE).text
    assert "is there and has ended" in after
    assert "It counts as ended" in after


def test_the_enter_key_chooses_none_of_the_two_answers(unclear_run: SampleRun) -> None:
    sent(unclear_run, files.PURGE_RECORD)
    page = unclear_run.client("olga").get("/review", params=WHERE).text
    form = page[page.index('action="looked?') :]
    assert re.findall(r"<button[^>]*>", form)[0] == '<button type="submit" disabled hidden>'


@pytest.mark.parametrize("seen", ["", "running"])
def test_one_of_the_two_buttons_must_be_chosen(unclear_run: SampleRun, seen: str) -> None:
    record = sent(unclear_run, files.PURGE_RECORD)
    assert say(unclear_run, seen=seen).status_code == 422
    assert looked_at(unclear_run.folder, record) is None


@pytest.mark.parametrize("typed", ["", "purge", JOB.upper()])
def test_the_name_of_the_job_must_be_typed(unclear_run: SampleRun, typed: str) -> None:
    record = sent(unclear_run, files.PURGE_RECORD)
    assert say(unclear_run, typed=typed).status_code == 422
    assert looked_at(unclear_run.folder, record) is None


@pytest.mark.parametrize("form", [{"expected": "another job"}, {"attempt": "1"}, {"attempt": "3"}])
def test_it_is_said_about_exactly_one_start(unclear_run: SampleRun, form: Any) -> None:
    record = sent(unclear_run, files.PURGE_RECORD)
    assert say(unclear_run, **form).status_code == 409
    assert looked_at(unclear_run.folder, record) is None


def test_it_can_not_be_said_too_early(unclear_run: SampleRun) -> None:
    record = sent(unclear_run, files.PURGE_RECORD, minutes_ago=LOOK_AFTER.total_seconds() / 60 - 1)
    page = unclear_run.client("olga").get("/review", params=WHERE).text
    assert "It may still appear" in page
    response = say(unclear_run)
    assert response.status_code == 409
    assert "too early" in response.text
    assert looked_at(unclear_run.folder, record) is None


@pytest.mark.parametrize("stage", [JobStage.STARTED, JobStage.ENDED_WELL, JobStage.ENDED_BADLY])
def test_it_is_not_asked_about_a_job_that_is_known(unclear_run: SampleRun, stage: JobStage) -> None:
    sent(unclear_run, files.PURGE_RECORD, stage=stage)
    assert "Was this job started?" not in unclear_run.client("olga").get("/review", params=WHERE).text
    assert say(unclear_run).status_code == 409


def test_it_is_not_asked_about_a_purge_that_a_person_runs(unclear_run: SampleRun) -> None:
    record = sent(unclear_run, files.PURGE_RECORD, by_hand=True)
    assert "Was this job started?" not in unclear_run.client("olga").get("/review", params=WHERE).text
    assert say(unclear_run).status_code == 409
    assert looked_at(unclear_run.folder, record) is None


def test_only_approvers_may_say_it(unclear_run: SampleRun) -> None:
    record = sent(unclear_run, files.PURGE_RECORD)
    page = unclear_run.client("vera").get("/review", params=WHERE).text
    assert "Only an approver can say" in page
    assert '<form class="action"' not in page
    assert say(unclear_run, user="vera").status_code == 403
    assert looked_at(unclear_run.folder, record) is None


def test_it_can_not_be_said_from_another_site(unclear_run: SampleRun) -> None:
    record = sent(unclear_run, files.PURGE_RECORD)
    assert say(unclear_run, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert say(unclear_run, token="").status_code == 403
    assert looked_at(unclear_run.folder, record) is None


def test_a_decision_about_the_rest_of_the_list_fits_the_review(open_run: SampleRun) -> None:
    take_off(open_run.client("olga"))
    now = review_data(open_run)
    about_rest = Decision.model_validate_json(
        json.dumps(
            json.loads(asked(count=2).model_dump_json())
            | {"digest": now["digest"], "reviewed_digest": DIGEST, "taken_off_sha256": "x"}
        )
    )
    open_run.decided(about_rest, "awaiting_input")
    assert "Waiting for your answer" in open_run.client().get("/review", params=WHERE).text


@pytest.mark.parametrize(
    ("minutes_ago", "words"),
    [(5, "Run the purge in Alma now"), (31, "Do not start the purge in Alma any more")],
)
def test_a_person_who_purges_by_hand_reads_what_to_enter_and_until_when(
    unclear_run: SampleRun, minutes_ago: float, words: str
) -> None:
    sent(unclear_run, files.PURGE_RECORD, minutes_ago, by_hand=True)
    page = unclear_run.client().get("/review", params=WHERE).text
    assert words in page
    assert ("Number of days after purge date" in page) is (minutes_ago < 30)
    assert "Was this job started?" not in page


def by_hand_run(run: SampleRun, tmp_path: Path, **states: str) -> SampleRun:
    """Return an approved run of a library that runs the purge by hand."""
    path = tmp_path / "institutions" / "north.yaml"
    text = path.read_text(encoding="utf-8").replace(
        "purge_job: {name: Purge users, payload: purge_users.json}", ""
    )
    path.write_text(text + "engine: manual\n", encoding="utf-8")
    approved = asked().model_copy(update={"state": DecisionState.APPROVED})
    run.reviewed().decided(approved, "success").states.update(states)
    return run


def part(page: str, anchor: str) -> str:
    """Return one section of a page."""
    found = re.search(rf'<section class="notice[^"]*" id="{anchor}">.*?</section>', page, re.DOTALL)
    return "" if found is None else found.group(0)


NOT_YET = "The answer was not accepted: These are quiet hours. Answer after 05:30."


@pytest.mark.parametrize(
    ("task", "anchor", "record"),
    [
        ("ready_to_purge", "ready", None),
        ("purge_users", "by-hand", JobStage.INTENDED),
        ("purge_users", "counts", JobStage.ENDED_WELL),
    ],
)
def test_why_a_word_was_refused_stands_where_the_person_reads_what_to_do(
    run: SampleRun, tmp_path: Path, task: str, anchor: str, record: JobStage | None
) -> None:
    by_hand_run(run, tmp_path, **{task: "awaiting_input"})
    if record is not None:
        sent(run, files.PURGE_RECORD, 5, by_hand=True, stage=record)
    first = part(run.client().get("/review", params=WHERE).text, anchor)
    assert f"<b>{task}</b>" in " ".join(first.split())
    assert 'class="wrong"' not in first
    run.xcoms[task, TROUBLE_KEY] = NOT_YET
    page = run.client().get("/review", params=WHERE).text
    assert f'<p class="wrong">{NOT_YET}</p>' in part(page, anchor)
    assert ("do not start it a second time" in page) is (anchor == "by-hand")
    run.states[task] = "success"
    assert NOT_YET not in run.client().get("/review", params=WHERE).text


def test_a_library_that_does_not_purge_by_hand_is_asked_nothing_of_it(run: SampleRun) -> None:
    run.reviewed().decided(asked(), "awaiting_input").states["purge_users"] = "awaiting_input"
    page = run.client().get("/review", params=WHERE).text
    assert not part(page, "counts")
    assert not part(page, "ready")
