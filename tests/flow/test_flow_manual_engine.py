"""Whole runs in which a person runs the purge on Alma's own page."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from tests.support.rehearsal.airflow import AWAITING_INPUT, FAILED, SKIPPED, SUCCESS
from tests.support.rehearsal.answers import Question, Reply, approve
from tests.support.rehearsal.judge import Judge
from tests.support.rehearsal.room import Room, open_room
from tests.support.rehearsal.run import Run
from tests.support.rehearsal.worker import Effect, Moment
from tests.support.tenant import MARKER, arm, changing_calls, disarm, ids_of, people
from tests.support.world import gone

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.base import TROUBLE_KEY
from alma_purge.remedies import NEW_RUN
from alma_purge.sensors.purge_by_hand_form import ENDED, NOT_RUN
from alma_purge.sensors.ready import READY, STOP
from alma_purge.steps.verification import read_certificate, verify
from alma_purge.steps.verified_files import Verdict
from patron_purge.ledger import read_ledger_csv

pytestmark = pytest.mark.usefixtures("airflow_database")

Counts = dict[str, Any]
Person = Callable[[Room, Question], Reply]


@pytest.fixture(scope="module")
def opened(airflow_database: None) -> Iterator[Room]:
    del airflow_database
    with open_room(engine="manual", purge_job=None) as room:
        yield room


@pytest.fixture
def room(opened: Room) -> Room:
    opened.fresh()
    return opened


def purge_in_alma(room: Room) -> Counts:
    """Do what the Required Action says on the Purge User Records page."""
    criteria = {"days": 1, "record_type": "PUBLIC", "group": MARKER, "waive": 0}
    answer = requests.post(f"{room.sandbox.control_url}/legacy-purge", json=criteria, timeout=30)
    assert answer.status_code == 200, answer.text
    counts: Counts = answer.json()
    return counts


def ends_it(room: Room, _question: Question) -> Reply:
    counts = purge_in_alma(room)
    form = {"purged": counts["label.users.purged"], "kept": counts["label.users.not.purged"]}
    return Reply(ENDED, form)


def person_with(room: Room, at_the_page: Person, ready: str = READY) -> Callable[[Question], Reply | None]:
    def answer(question: Question) -> Reply | None:
        options = question.asked["options"]
        if READY in options:
            return Reply(ready, {})
        return at_the_page(room, question) if ENDED in options else approve(question)

    return answer


def states(run: Run) -> dict[str, str]:
    ledger = read_ledger_csv(run.folder.read(files.LEDGER_RESTORED))
    return dict(zip(ledger["primary_id"].astype(str), ledger["state"].astype(str), strict=True))


def test_a_person_purges_and_everybody_is_accounted_for(room: Room) -> None:
    judge = Judge(room.world)
    run = Run(room, answerer=person_with(room, ends_it)).go()
    judge.judge(run).require_clean()
    assert run.state == SUCCESS
    purged = gone(judge.before, room.world.people())
    assert purged
    assert {key for key, state in states(run).items() if state == "purged"} == purged
    record = run.document(files.PURGE)["job"]
    assert (record["by_hand"], record["answered_by"], record["stage"]) == (True, "olga", "ended_well")
    assert record["instance_id"], "Alma shows the run of the page, so it is on record"
    assert {one["value"] for one in record["counters"]} >= {len(purged)}
    certificate = run.document(files.CERTIFICATE)
    assert certificate["purged"] == len(purged)
    assert "Purge User Records" in str(certificate["jobs"])
    assert set(room.world.job_starts()) == {"M148"}


def test_the_exact_criteria_are_shown_and_nothing_about_people(room: Room) -> None:
    seen: list[str] = []

    def look(room: Room, question: Question) -> Reply:
        seen.append(question.asked["body"])
        return ends_it(room, question)

    Run(room, answerer=person_with(room, look)).go()
    (body,) = seen
    for line in (
        "| Number of days after purge date | **1** |",
        "| User record type | **Public** |",
        f"| User group | **{MARKER}** |",
        "| Waive threshold | **0.00** |",
    ):
        assert line in body
    assert "**Run the purge before " in body
    assert not [one for one in ids_of(people(room.sandbox)) if one in body]


def test_a_person_who_does_not_run_it_has_purged_nobody(room: Room) -> None:
    judge = Judge(room.world)
    run = Run(room, answerer=person_with(room, lambda _room, _question: Reply(NOT_RUN, {}))).go()
    judge.judge(run).require_clean()
    assert run.state == SUCCESS
    assert not gone(judge.before, room.world.people())
    assert set(states(run).values()) >= {"not_sent"}
    certificate = run.document(files.CERTIFICATE)
    assert (certificate["purged"], certificate["outcome"]) == (0, "not_sent")


def test_stopping_before_the_purge_gives_everybody_the_group_back(room: Room) -> None:
    judge = Judge(room.world)
    run = Run(room, answerer=person_with(room, ends_it, ready=STOP)).go()
    judge.judge(run).require_clean()
    assert (run.states["ready_to_purge"], run.states["purge_users"]) == (SKIPPED, SKIPPED)
    assert run.state == SUCCESS
    assert room.world.in_group(MARKER) == set()
    assert not gone(judge.before, room.world.people())
    certificate = run.document(files.CERTIFICATE)
    assert (certificate["sent"], certificate["outcome"], certificate["problems"]) == (0, "not_sent", [])


def test_somebody_who_borrows_before_the_person_is_ready_is_not_purged(room: Room) -> None:
    judge = Judge(room.world)
    chosen: list[str] = []

    def borrow(run: Run, task_id: str) -> None:
        if task_id == "ready_to_purge" and not chosen:
            chosen.append(sorted(room.world.in_group(MARKER))[0])
            room.world.order("/users", primary_id=chosen[0], add_loan=True)
            judge.changed_by_hand(chosen[0], must_stay=True)

    run = Run(room, answerer=person_with(room, ends_it), before_step=borrow).go()
    judge.judge(run).require_clean()
    assert states(run)[chosen[0]] == "dropped_late"
    assert room.world.people()[chosen[0]].user_group == judge.before[chosen[0]].user_group


def test_without_the_counts_and_without_a_run_in_alma_the_word_is_not_taken(room: Room) -> None:
    asked: list[int] = []
    troubles: list[str | None] = []

    def first_without(room: Room, question: Question) -> Reply:
        asked.append(question.try_number)
        troubles.append(run.xcoms.get(("purge_users", TROUBLE_KEY)))
        if len(asked) == 1:
            return Reply(ENDED, {"purged": None, "kept": "many"})
        return Reply(ENDED, {"purged": 0, "kept": 3})

    run = Run(room, answerer=person_with(room, first_without))
    run.go()
    assert asked == [1, 2]
    assert troubles[0] is None
    assert "not accepted: type both counts" in str(troubles[1]), "the page can say why it is asked again"
    assert "ended, by a person's word" in run.document(files.PURGE)["job"]["status"]


def test_where_alma_does_not_list_the_page_the_typed_counts_are_taken(room: Room) -> None:
    room.fresh(legacy_purge_listed=False)
    judge = Judge(room.world)
    run = Run(room, answerer=person_with(room, ends_it)).go()
    judge.judge(run).require_clean()
    assert run.state == SUCCESS
    record = run.document(files.PURGE)["job"]
    assert record["instance_id"] == ""
    assert record["counters"][0]["value"] == len(gone(judge.before, room.world.people()))


def test_a_word_that_contradicts_alma_is_not_taken(room: Room) -> None:
    asked: list[int] = []

    def deny_then_admit(room: Room, question: Question) -> Reply:
        asked.append(question.try_number)
        if len(asked) == 1:
            purge_in_alma(room)
            return Reply(NOT_RUN, {})
        return Reply(ENDED, {})

    judge = Judge(room.world)
    run = Run(room, answerer=person_with(room, deny_then_admit)).go()
    judge.judge(run).require_clean()
    assert asked == [1, 2]
    assert gone(judge.before, room.world.people())


def test_an_answer_that_was_lost_to_trouble_with_alma_is_asked_for_again_with_the_reason(room: Room) -> None:
    troubles: list[str | None] = []

    def while_alma_is_down(room: Room, _question: Question) -> Reply:
        troubles.append(run.xcoms.get(("purge_users", TROUBLE_KEY)))
        if len(troubles) == 1:
            purge_in_alma(room)
            arm(room.sandbox, "503_general_error", method="GET", path="/conf/jobs", times=0)
        else:
            disarm(room.sandbox)
        return Reply(ENDED, {})

    run = Run(room, answerer=person_with(room, while_alma_is_down))
    run.go()
    assert troubles[0] is None
    assert "The answer could not be used: " in str(troubles[1])
    assert run.state == SUCCESS


def test_only_an_approver_is_believed(room: Room) -> None:
    asked: list[int] = []

    def stranger_first(room: Room, question: Question) -> Reply:
        asked.append(question.try_number)
        if len(asked) == 1:
            return Reply(NOT_RUN, {}, user="vera")
        return ends_it(room, question)

    run = Run(room, answerer=person_with(room, stranger_first)).go()
    assert asked == [1, 2]
    assert run.document(files.PURGE)["job"]["answered_by"] == "olga"


def mistyped_run(room: Room) -> tuple[Run, Counts]:
    """Run until the typed counts do not add up; return the run and the right counts."""
    room.fresh(legacy_purge_listed=False)
    right: Counts = {}

    def one_too_many(room: Room, _question: Question) -> Reply:
        counts = purge_in_alma(room)
        right.update(purged=counts["label.users.purged"], kept=counts["label.users.not.purged"])
        return Reply(ENDED, right | {"purged": right["purged"] + 1})

    run = Run(room, answerer=person_with(room, one_too_many)).go()
    assert run.states["reconcile"] == FAILED
    said = run.said("reconcile")
    assert "The counts that were typed in and the single reads differ" in said
    assert "clear purge_users with everything after it" in said
    return run, right


def answering(*replies: Reply | None) -> tuple[Callable[[Question], Reply | None], list[str]]:
    """Return an answerer that gives these answers about the purge in turn, and what it was asked."""
    left, bodies = list(replies), list[str]()

    def answer(question: Question) -> Reply | None:
        assert ENDED in question.asked["options"], "only the counts may be asked for again"
        bodies.append(question.asked["body"])
        return left.pop(0)

    return answer, bodies


def verify_folder(run: Run) -> list[str]:
    """Work the certificate out again from the run folder; return what differs."""
    findings = verify(run.folder, read_certificate(run.folder))
    return [one.text for one in findings if one.verdict is Verdict.DIFFERS]


def test_mistyped_counts_are_corrected_and_both_answers_stay_on_record(room: Room) -> None:
    judge = Judge(room.world)
    run, right = mistyped_run(room)
    purged = gone(judge.before, room.world.people())
    changed = len(changing_calls(room.sandbox))
    run.answerer, bodies = answering(Reply(ENDED, right))
    run.clear("purge_users", after=True).go()
    judge.judge(run).require_clean()
    assert run.state == SUCCESS
    (body,) = bodies
    assert "Do not run the purge again" in body
    assert f"olga typed {right['purged'] + 1:,} purged" in body
    assert len(changing_calls(room.sandbox)) == changed, "a correction sends nothing to Alma"
    assert gone(judge.before, room.world.people()) == purged
    record = run.document(files.PURGE)["job"]
    assert [one["value"] for one in record["counters"]] == [right["purged"], right["kept"]]
    certificate = run.document(files.CERTIFICATE)
    assert certificate["purged"] == len(purged)
    (instance,) = [one for one in certificate["instances"] if one["by_hand"]]
    (earlier,) = instance["earlier_counts"]
    assert (earlier["typed_by"], earlier["purged"], earlier["kept"]) == (
        "olga",
        right["purged"] + 1,
        right["kept"],
    )
    assert earlier["typed_at"]
    assert "Typed before, and replaced" in run.folder.read(files.CERTIFICATE_PAGE).decode()
    assert verify_folder(run) == []


def test_counts_that_nobody_corrects_stay_and_so_does_the_red_run(room: Room) -> None:
    run, right = mistyped_run(room)
    before = run.document(files.PURGE)["job"]
    run.answerer, _ = answering(None)
    run.clear("purge_users", after=True).go()
    assert run.states["purge_users"] == SUCCESS
    assert run.states["reconcile"] == FAILED
    assert run.document(files.PURGE)["job"] == before

    run.answerer, bodies = answering(Reply(NOT_RUN, {}), Reply(ENDED, {}), Reply(ENDED, right))
    run.clear("purge_users", after=True).go()
    assert len(bodies) == 3, "that it was run can't be unsaid, and counts must be typed"
    assert run.state == SUCCESS


def test_what_alma_shows_is_not_asked_about_again(room: Room) -> None:
    run = Run(room, answerer=person_with(room, ends_it)).go()
    run.answerer, bodies = answering()
    run.clear("purge_users", after=True).go()
    assert run.state == SUCCESS
    assert bodies == []


def test_nobody_is_put_back_while_nobody_says_how_it_ended(room: Room) -> None:
    def silent(question: Question) -> Reply | None:
        return None if ENDED in question.asked["options"] else person_with(room, ends_it)(question)

    judge = Judge(room.world)
    run = Run(room, answerer=silent).go()
    assert run.states["purge_users"] == FAILED
    assert "Clear this task and answer" in run.said("purge_users")
    assert "nobody has said yet how it ended" in run.said("restore_kept")
    moved = room.world.in_group(MARKER)
    assert moved
    room.clock.advance(timedelta(days=2))
    run.clear("reconcile", after=True).go()
    assert room.world.in_group(MARKER) == moved, "time alone does not tell that nothing runs"

    asked: list[str] = []

    def late(room: Room, question: Question) -> Reply:
        asked.append(question.asked["subject"])
        return Reply(NOT_RUN, {})

    run.answerer = person_with(room, late)
    run.clear("purge_users", after=True).go()
    assert len(asked) == 1
    judge.judge(run).require_clean()
    assert room.world.in_group(MARKER) == set()
    assert not gone(judge.before, room.world.people())


def test_clearing_while_a_person_is_asked_makes_no_second_last_check(room: Room) -> None:
    run = Run(room, answerer=person_with(room, ends_it)).go(until="purge_users")
    run.step_once("purge_users")
    assert run.states["purge_users"] == AWAITING_INPUT
    shown = run.document(files.PURGE_RECORD)["intended_at"]
    run.clear("purge_users").step_once("purge_users")
    assert run.document(files.PURGE_RECORD)["intended_at"] == shown
    run.go()
    assert run.state == SUCCESS


def test_nobody_can_be_ready_in_quiet_hours(opened: Room) -> None:
    """The room's day begins at 10 am in Chicago."""
    opened.fresh()
    settings = opened.config / "institutions" / "demo.yaml"
    asked: list[int] = []

    def night_falls(_run: Run, task_id: str) -> None:
        if task_id == "ready_to_purge" and "quiet_hours" not in settings.read_text():
            settings.write_text(settings.read_text() + "quiet_hours: ['09:00-11:00']\n")

    def ready_twice(question: Question) -> Reply | None:
        if READY in question.asked["options"]:
            asked.append(question.try_number)
            if len(asked) > 1:
                opened.clock.advance(timedelta(hours=2))
        return person_with(opened, ends_it)(question)

    judge = Judge(opened.world)
    run = Run(opened, answerer=ready_twice, before_step=night_falls).go()
    judge.judge(run).require_clean()
    assert asked == [1, 2]
    assert run.state == SUCCESS


def test_the_question_names_moments_and_says_later_that_the_time_is_over(room: Room) -> None:
    bodies: list[str] = []

    def answer_late(room: Room, question: Question) -> Reply:
        bodies.append(question.asked["body"])
        if len(bodies) == 1:
            purge_in_alma(room)
            room.clock.advance(timedelta(minutes=31))
            return Reply(NOT_RUN, {})
        return Reply(ENDED, {})

    run = Run(room, answerer=person_with(room, answer_late)).go()
    assert run.state == SUCCESS
    shown = datetime.fromisoformat(run.document(files.PURGE)["job"]["intended_at"])
    zone = ZoneInfo("America/Chicago")
    checked, until = (
        f"{moment.astimezone(zone):%H:%M %Z on %Y-%m-%d}" for moment in (shown, shown + timedelta(minutes=30))
    )
    first, later = bodies
    assert checked.endswith("CDT on 2026-03-10")
    for body in bodies:
        assert f"was checked at {checked}" in body
        assert "moment ago" not in body
    assert f"Run the purge before {until}." in first
    assert f"If you have not started it by\n{until}, do not start it any more" in first
    assert "Do not start the purge any more." in later
    assert f"the time to start it was over\nat {until}" in later
    assert "Run the purge before" not in later


def test_where_airflow_can_not_take_the_word_of_being_ready_a_new_run_is_the_way_on(room: Room) -> None:
    judge = Judge(room.world)

    def broken(run: Run, task_id: str) -> None:
        box = run.boxes[task_id]
        if task_id == "ready_to_purge" and box.resumption is not None:
            box.resumption.kwargs["event"] = {"error": "broken", "error_type": "unknown"}

    run = Run(room, answerer=person_with(room, ends_it), before_step=broken).go()
    assert run.said("ready_to_purge").endswith(f"The purge was not started. To go on, {NEW_RUN}.")
    judge.judge(run).require_clean()
    assert room.world.in_group(MARKER) == set()
    again = Run(room, "manual__two", answerer=person_with(room, ends_it)).go()
    assert again.state == SUCCESS
    assert gone(judge.before, room.world.people())


def test_a_job_that_the_other_engine_may_have_started_is_not_asked_about(room: Room) -> None:
    asked: list[str] = []

    def at_the_page(_room: Room, question: Question) -> Reply:
        asked.append(question.asked["subject"])
        return ends_it(room, question)

    judge = Judge(room.world)
    run = Run(room, answerer=person_with(room, at_the_page)).go(until="purge_users")
    unclear = JobRecord(
        stage=JobStage.INTENDED,
        job_id="M20261",
        job_name="purge-x",
        attempt=1,
        intended_at=room.clock.now(UTC),
    )
    run.folder.write(files.PURGE_RECORD, unclear.model_dump_json().encode())
    run.go()
    assert "The setting engine in demo.yaml was changed" in run.said("purge_users")
    assert asked == []
    assert not gone(judge.before, room.world.people())


def test_nobody_is_shown_the_criteria_when_the_approval_was_taken_back_during_the_last_check(
    room: Room,
) -> None:
    asked: list[str] = []
    taken_back: list[str] = []

    def at_the_page(_room: Room, question: Question) -> Reply:
        asked.append(question.asked["subject"])
        return ends_it(room, question)

    def take_back(run: Run, effect: Effect, _moment: Moment) -> bool:
        checks = effect.task_id == "purge_users" and effect.label.startswith("GET /users/")
        if checks and not taken_back:
            taken_back.append("approve_purge")
            run.clear("approve_purge")
        return False

    judge = Judge(room.world)
    run = Run(room, answerer=person_with(room, at_the_page), killer=take_back)
    run.go(until="purge_users").step_once("purge_users")
    assert taken_back
    assert "approve_purge was cleared or stopped meanwhile" in run.said("purge_users")
    assert run.document(files.PURGE_RECORD)["stage"] == JobStage.NONE
    assert asked == []
    assert not gone(judge.before, room.world.people())
