from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.unit.patron_purge.test_patron_purge_certificate import certificate

from patron_purge.notices import (
    Notice,
    NoticeKind,
    Place,
    approval_wanted,
    approved,
    counts_wanted_again,
    failed,
    mail_of,
    nobody_to_purge,
    purge_by_hand_wanted,
    ready_wanted,
    rejected,
    reminder,
    report_ready,
    run_ended,
    stopped_by_guard,
    timed_out,
)
from patron_purge.review_model import Count, Equation
from patron_purge.run_outcome import Outcome
from patron_purge.states import Engine

DEADLINE = datetime(2026, 11, 26, 9, 20, tzinfo=UTC)
PLACE = Place(
    institution_name="Example College",
    environment="production",
    zone=ZoneInfo("America/Chicago"),
    dag_id="alma_user_purge_demo",
    run_id="scheduled__2026-11-02T12:00:00+00:00",
    base_url="https://airflow.example.edu/af",
)
ENDED = certificate(
    equation=Equation(
        text="1,240 rows in the report = 1,200 purged + 5 kept by Alma + 35 held back by a rule",
        total=1240,
        parts=(),
    ),
    restored=(Count(code="restored", label="back in their user group, read back", count=5),),
)
GUARD = (
    "The list is outside the limits, so nobody is asked to approve it. max_count: 812 people to purge; at most 500. "
    "Look at the review page. If the list is right, trigger a new run with new limits in guard_overrides; nothing was "
    "changed."
)
NOT_PURGED = certificate(
    outcome=Outcome.NOT_SENT,
    engine=Engine.MANUAL,
    sent=0,
    purged=0,
    equation=Equation(
        text="1,240 rows in the report = 35 held back by a rule + 1,205 approved, but the purge was not started",
        total=1240,
        parts=(),
    ),
    kept_by_alma=(),
    restored=(Count(code="restored", label="back in their user group, read back", count=1205),),
)
DOCS = Path(__file__).resolve().parents[3] / "docs" / "notices.md"
EVERY: dict[NoticeKind, Callable[[Place], Notice]] = {
    NoticeKind.APPROVAL_WANTED: lambda place: approval_wanted(place, DEADLINE, ["olga", "pat"]),
    NoticeKind.REMINDER: lambda place: reminder(place, DEADLINE, ["olga"]),
    NoticeKind.APPROVED: lambda place: approved(place, "olga", DEADLINE),
    NoticeKind.REJECTED: lambda place: rejected(place, "olga", people_were_moved=False),
    NoticeKind.TIMED_OUT: lambda place: timed_out(place, DEADLINE, people_were_moved=True),
    NoticeKind.HAND_WANTED: ready_wanted,
    NoticeKind.STOPPED_BY_GUARD: lambda place: stopped_by_guard(place, GUARD),
    NoticeKind.NOBODY_TO_PURGE: nobody_to_purge,
    NoticeKind.FAILED: lambda place: failed(
        place,
        "pull_report",
        "Analytics has no report at this path. Correct report.path in the settings; nothing was changed.",
    ),
    NoticeKind.REPORT_READY: report_ready,
    NoticeKind.ENDED: lambda place: run_ended(place, ENDED),
}
RUN_PAGE = "https://airflow.example.edu/af/dags/alma_user_purge_demo/runs/scheduled__2026-11-02T12%3A00%3A00%2B00%3A00"


class Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"} and value]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_there_is_a_sample_of_every_notice() -> None:
    assert set(EVERY) == set(NoticeKind)


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_mail_says_the_same_in_both_forms(kind: NoticeKind) -> None:
    notice = EVERY[kind](PLACE)
    mail = mail_of(notice)
    page = Links(mail.html)

    assert notice.kind is kind
    assert mail.subject == f"Example College (PRODUCTION), user purge: {notice.headline}"
    assert notice.sentences
    for said in (notice.headline, *notice.sentences, notice.quote, PLACE.run_id):
        assert said in mail.text
        assert said in page.words
    assert page.links == [link.url for link in notice.links]
    assert page.links
    for link in notice.links:
        assert link.url in mail.text
        assert link.url.startswith("https://airflow.example.edu/af/")


@pytest.mark.parametrize("kind", NoticeKind)
def test_without_airflows_address_a_mail_says_where_to_click(kind: NoticeKind) -> None:
    mail = mail_of(EVERY[kind](replace(PLACE, base_url="")))

    assert Links(mail.html).links == []
    assert "http" not in mail.text
    for form in (mail.text, Links(mail.html).words):
        assert f'open the DAG "User purge: Example College" and there the run {PLACE.run_id}, then ' in form


@pytest.mark.parametrize("kind", NoticeKind)
def test_the_documentation_shows_every_mail_as_it_is(kind: NoticeKind) -> None:
    mail = mail_of(EVERY[kind](PLACE))
    assert f"Subject: {mail.subject}\n\n{mail.text.strip()}\n" in DOCS.read_text(encoding="utf-8")


def test_the_documentation_shows_the_mail_about_a_purge_that_nobody_ran() -> None:
    mail = mail_of(run_ended(PLACE, NOT_PURGED))
    assert f"Subject: {mail.subject}\n\n{mail.text.strip()}\n" in DOCS.read_text(encoding="utf-8")


def test_the_links_lead_to_the_pages_of_the_run() -> None:
    review, form, _phone = EVERY[NoticeKind.APPROVAL_WANTED](PLACE).links
    assert review.url == f"{RUN_PAGE}/plugin/purge_review"
    assert form.url == f"{RUN_PAGE}/tasks/approve_purge/required_actions?map_index=-1"
    assert EVERY[NoticeKind.FAILED](PLACE).links[0].url == f"{RUN_PAGE}/tasks/pull_report"
    assert EVERY[NoticeKind.ENDED](PLACE).links[0].url == (
        "https://airflow.example.edu/af/alma-purge/certificate"
        "?dag_id=alma_user_purge_demo&run_id=scheduled__2026-11-02T12%3A00%3A00%2B00%3A00"
    )


@pytest.mark.parametrize(
    "notice",
    [
        EVERY[NoticeKind.APPROVAL_WANTED](PLACE),
        EVERY[NoticeKind.REMINDER](PLACE),
        ready_wanted(PLACE),
        purge_by_hand_wanted(PLACE),
        counts_wanted_again(PLACE),
    ],
)
def test_whoever_is_wanted_finds_the_review_page_on_a_phone_too(notice: Notice) -> None:
    assert notice.links[-1].text.startswith("On a phone")
    assert notice.links[-1].url == (
        "https://airflow.example.edu/af/alma-purge/review"
        "?dag_id=alma_user_purge_demo&run_id=scheduled__2026-11-02T12%3A00%3A00%2B00%3A00"
    )


@pytest.mark.parametrize("kind", [NoticeKind.APPROVAL_WANTED, NoticeKind.REMINDER])
def test_who_is_asked_reads_the_deadline_in_local_time_and_what_silence_means(kind: NoticeKind) -> None:
    mail = mail_of(EVERY[kind](PLACE))
    assert "Thursday 26 November 2026, 03:20 CST" in mail.subject
    assert "No answer counts as a reject" in mail.text
    assert "Who may approve: olga" in mail.text


def test_markup_in_names_and_sentences_stays_text() -> None:
    place = replace(PLACE, institution_name="A & <b>B</b>", run_id="<img src=x>")
    mail = mail_of(stopped_by_guard(place, "<script>alert(1)</script> & more"))
    page = Links(mail.html)
    assert not {"b", "script", "img"} & (
        set(page.tags) - set(Links(mail_of(EVERY[NoticeKind.STOPPED_BY_GUARD](PLACE)).html).tags)
    )
    assert "<script>alert(1)</script> & more" in page.words
    assert "<script>alert(1)</script> & more" in mail.text


def test_a_name_over_two_lines_gives_a_subject_of_one_line() -> None:
    mail = mail_of(nobody_to_purge(replace(PLACE, institution_name="Example\r\nBcc: x@y.z")))
    assert mail.subject == "Example Bcc: x@y.z (PRODUCTION), user purge: nobody to purge"


def test_the_purge_by_hand_leads_to_the_form_of_the_task_that_asks() -> None:
    first, second = ready_wanted(PLACE), purge_by_hand_wanted(PLACE)
    assert first.links[0].url == f"{RUN_PAGE}/tasks/ready_to_purge/required_actions?map_index=-1"
    assert second.links[0].url == f"{RUN_PAGE}/tasks/purge_users/required_actions?map_index=-1"
    assert "run the purge in Alma now" in mail_of(second).subject


def test_a_task_that_said_nothing_leads_to_its_log() -> None:
    mail = mail_of(failed(PLACE, "check_live", ""))
    assert "its log holds one" in mail.text
    assert "What the run says" not in mail.text


def test_whoever_was_moved_is_said_to_come_back() -> None:
    assert "get their user group back" in mail_of(timed_out(PLACE, DEADLINE, people_were_moved=True)).text
    assert "user group" not in mail_of(timed_out(PLACE, DEADLINE, people_were_moved=False)).text
    assert "user group" in mail_of(rejected(PLACE, "olga", people_were_moved=True)).text


def test_the_end_says_how_many_were_purged_and_what_went_wrong() -> None:
    partly = mail_of(run_ended(PLACE, certificate()))
    assert "1,200 of 1,205 people purged" in partly.subject
    assert certificate().headline in partly.text
    assert "5 people: restored." in partly.text
    assert "Discussed on Monday" not in partly.text
    assert "Not everything went as planned" not in partly.text

    all_of_them = mail_of(run_ended(PLACE, certificate(outcome=Outcome.PURGED, sent=1200)))
    assert "all 1,200 people purged" in all_of_them.subject

    badly = mail_of(
        run_ended(PLACE, certificate(outcome=Outcome.FAILED, problems=("purge_users: it broke.",)))
    )
    assert "user purge: failed, the certificate is ready" in badly.subject
    assert "Not everything went as planned" in badly.text
    assert "purge_users: it broke." in badly.text
