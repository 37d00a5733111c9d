import hashlib
import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.unit.patron_purge.output_samples import NOW, OLGA, asked
from tests.unit.patron_purge.test_patron_purge_review import review

from patron_purge.certificate import Certificate, FileChecksum, JobInstance, Period, criteria_of
from patron_purge.certificate_page import certificate_html, sealed, switched_on
from patron_purge.decision import Decision, DecisionState, Refusal
from patron_purge.institution import GuardSettings, RuleSettings
from patron_purge.outcome import JobCounter, compare_counters
from patron_purge.review_model import Count, Parameter
from patron_purge.run_outcome import Outcome
from patron_purge.states import Engine, Mode

DECISION = asked().model_copy(
    update={
        "state": DecisionState.APPROVED,
        "answered_by": OLGA,
        "answered_at": NOW,
        "valid_until": NOW,
        "code": "ABCDEFGH",
        "comment": "Discussed on Monday",
        "policy": "Keep statistics",
        "disposal_authority": "RIMS 12",
        "refusals": (Refusal(try_number=1, why="The code is not the one on the review page."),),
    }
)


def certificate(**changes: Any) -> Certificate:
    shown = review()
    counters = (JobCounter("Records processed", 205), JobCounter("Odd", None))
    usual: dict[str, Any] = {
        "outcome": Outcome.PARTLY,
        "institution": "demo",
        "institution_name": "Example College",
        "institution_code": "01DEMO_XYZ",
        "environment": "production",
        "run_id": "scheduled__2026-09-02",
        "mode": Mode.FULL,
        "engine": Engine.JOB,
        "created_at": NOW,
        "approved": 1210,
        "sent": 1205,
        "purged": 1200,
        "criteria": criteria_of(RuleSettings(waive_threshold=Decimal("9.99")), GuardSettings()),
        "jobs": shown.jobs,
        "inputs": shown.inputs,
        "equation": shown.equation,
        "by_reason": shown.by_reason,
        "kept_by_alma": (Count(code="loans", label="has active loans", count=5),),
        "by_group": shown.by_group,
        "money": shown.money,
        "money_waived": Decimal("2.60"),
        "guards": (shown.guards[0].model_copy(update={"override": Decimal(600)}), *shown.guards[1:]),
        "decision": DECISION,
        "instances": (
            JobInstance(
                job="Purge users",
                job_id="M999",
                job_name="purge-01DEMO_XYZ-1",
                instance_id="27410123450003691",
                status="COMPLETED_SUCCESS",
                submitted_at=NOW,
                ended_at=None,
                counters=counters,
                checks=compare_counters(205, 200, 5, counters),
            ),
        ),
        "digest": "d" * 64,
        "period": Period(
            began_at=NOW, report_of=NOW, purge_dates_from=date(2020, 1, 1), purge_dates_to=date(2026, 5, 31)
        ),
        "remarks": ("prepare_review was cleared.",),
        "files": (
            FileChecksum(name="ledger.csv", sha256="e" * 64, used=True, recorded=True),
            FileChecksum(name="review.xlsx", sha256="f" * 64, used=False, recorded=False),
            FileChecksum(name="restore-log.json", sha256="0" * 64, used=False, recorded=None),
        ),
        "restored": (Count(code="restored", label="restored", count=5),),
        "versions": (Parameter(name="alma-user-purge", value="0.1.0"),),
    }
    return Certificate(**(usual | changes))


class Page(HTMLParser):
    """Collects what the tests need from a page, and insists that its tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL))


def test_the_page_shows_everything_that_the_certificate_holds() -> None:
    text = text_of(certificate_html(certificate()))
    for expected in (
        "Partly purged. 1,200 of 1,205 people who were sent to the purge job were purged.",
        "PRODUCTION",
        "People approved 1,210",
        "Money waived 2.60",
        "5 rows in the report = 3 to purge",
        "expiry date is today, later or missing 1",
        "has active loans 5",
        "restored 5",
        "Undergraduate",
        "loans.xlsx",
        "c" * 64,
        "Olga Operator (olga)",
        "ABCDEFGH",
        "Discussed on Monday",
        "Keep statistics",
        "RIMS 12",
        "Try 1: The code is not the one on the review page.",
        "max_count",
        "600",
        "27410123450003691",
        "COMPLETED_SUCCESS",
        "Counter: Records processed 205",
        "Counter: Odd no number",
        "205 sent to the job = 200 purged + 5 kept by Alma + 0 not read.",
        "UPDATE_User_Information_UserGroup_Value OKTOPURGE",
        "d" * 64,
        "rules.waive_threshold 9.99",
        "guards.max_count 500",
        "alma-user-purge 0.1.0",
        "Run began 2026-09-02 12:00 UTC",
        "Purge dates of the people on the list 2020-01-01 to 2026-05-31",
        "prepare_review was cleared.",
        f"ledger.csv * {'e' * 64} the same",
        f"review.xlsx {'f' * 64} ANOTHER ONE",
        f"restore-log.json {'0' * 64} none",
    ):
        assert expected in text


def test_the_page_is_whole_and_needs_nothing_from_outside() -> None:
    html = certificate_html(certificate())
    assert html.lstrip().startswith("<!DOCTYPE html>")
    page = Page(html)
    assert not page.tags & {"script", "link", "img", "iframe", "object"}
    assert not page.attributes & {"src", "href", "style", "onclick"}
    assert "http" not in html
    assert "url(" not in html
    assert "@media print" in html


def test_times_are_shown_in_the_zone_in_which_it_was_written() -> None:
    chicago = NOW.astimezone(ZoneInfo("America/Chicago"))
    text = text_of(certificate_html(certificate(created_at=chicago)))
    assert "Run began 2026-09-02 07:00 CDT" in text
    assert "Submitted 2026-09-02 07:00 CDT" in text
    assert "UTC" not in text


def test_the_page_is_sealed_by_its_checksum() -> None:
    made, page = sealed(certificate())
    assert made.page_sha256 == hashlib.sha256(page.encode()).hexdigest()
    assert page == certificate_html(made)


def test_what_a_payload_switches_off_is_counted_and_not_listed() -> None:
    text = text_of(certificate_html(certificate()))
    assert "UPDATE_User_Information_Status" not in text
    assert "SEND_Notification" not in text
    assert "5 further parameters belong to changes that are switched off" in text


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"A_Active": "false", "A_Value": "1", "A_B_Value": "2"}, []),
        ({"A_Active": "true", "A_Value": "1"}, ["A_Active", "A_Value"]),
        ({"A_Active": "false", "A_B_Active": "true", "A_B_Value": "2"}, ["A_B_Active", "A_B_Value"]),
        ({"A_Active": "false", "Ab_Value": "2", "set_id": "3"}, ["Ab_Value", "set_id"]),
        ({"A_Active": "False"}, []),
        ({"A_Active": ""}, ["A_Active"]),
    ],
)
def test_nothing_that_is_switched_on_is_left_out(names: dict[str, str], shown: list[str]) -> None:
    parameters = [Parameter(name=name, value=value) for name, value in names.items()]
    assert [each.name for each in switched_on(parameters)] == shown


def test_every_value_is_escaped() -> None:
    nasty = "<script>alert('x')</script>"
    html = certificate_html(
        certificate(
            institution_name=nasty,
            run_id=nasty,
            problems=(nasty,),
            versions=(Parameter(name=nasty, value=nasty),),
            decision=DECISION.model_copy(
                update={"comment": nasty, "refusals": (Refusal(try_number=1, why=nasty),)}
            ),
            restored=(Count(code="x", label=nasty, count=1),),
        )
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 9
    Page(html)


@pytest.mark.parametrize("outcome", Outcome)
def test_an_early_end_has_a_certificate_too(outcome: Outcome) -> None:
    bare = Certificate(
        outcome=outcome,
        institution="demo",
        institution_name="Example College",
        institution_code="01DEMO_XYZ",
        environment="sandbox",
        run_id="r1",
        mode=Mode.FULL,
        engine=Engine.JOB,
        created_at=NOW,
    )
    text = text_of(certificate_html(bare))
    assert f"{outcome.label}. {bare.headline}" in text
    assert "Nobody was asked." in text
    assert "No job was started." in text


def test_a_report_is_marked_as_one() -> None:
    assert "REPORT" in text_of(certificate_html(certificate(outcome=Outcome.REPORT_ONLY)))
    assert "REPORT" not in text_of(certificate_html(certificate()))


@pytest.mark.parametrize("state", DecisionState)
def test_every_state_of_a_decision_can_be_shown(state: DecisionState) -> None:
    decision: Decision = asked().model_copy(update={"state": state})
    text = text_of(certificate_html(certificate(decision=decision)))
    assert state.label in text
    assert "Answered by nobody" in text


def test_the_criteria_name_every_setting() -> None:
    criteria = {each.name: each.value for each in criteria_of(RuleSettings(), GuardSettings())}
    assert set(criteria) == {f"rules.{name}" for name in RuleSettings.model_fields} | {
        f"guards.{name}" for name in GuardSettings.model_fields
    }
    assert criteria["rules.hold_blocked"] == "no"
    assert criteria["rules.protected_groups"] == "none"
    assert criteria["rules.record_types"] == "PUBLIC"


def test_a_certificate_survives_being_written_and_read() -> None:
    assert Certificate.model_validate_json(certificate().model_dump_json()) == certificate()
