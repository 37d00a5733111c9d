"""The judge sees what it is there for: each test breaks the product on purpose."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.rehearsal.bookmark import Bookmark, go_on_from
from tests.support.rehearsal.calls import PURGE_JOB
from tests.support.rehearsal.judge import Judge
from tests.support.rehearsal.room import Room
from tests.support.rehearsal.run import Run
from tests.support.rehearsal.scenes import LateLoan, die_once
from tests.support.rehearsal.worker import Effect, Moment

from alma_purge import files
from alma_purge.documents import JobRecord
from alma_purge.operators import restore_kept
from alma_purge.steps import job_start, purge_people
from alma_purge.steps.job_book import JobBook
from alma_purge.steps.last_check import LastCheck
from alma_purge.steps.start_claim import StartClaim


def begun(room: Room, approved: Bookmark, **how: Any) -> tuple[Run, Judge]:
    room.fresh()
    return go_on_from(approved, Run(room, **how)), Judge(room.world)


def purge_was_sent(effect: Effect) -> bool:
    return effect.label.startswith(f"POST /conf/jobs/{PURGE_JOB}")


def test_a_record_that_is_ignored_shows_as_a_duplicate(
    room: Room, approved: Bookmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = JobBook.read

    def forget(book: JobBook) -> JobRecord:
        return JobRecord() if book._file_name == files.PURGE_RECORD else read(book)

    monkeypatch.setattr(JobBook, "read", forget)
    monkeypatch.setattr(JobBook, "claim", lambda _self, _attempt: StartClaim(datetime.now(UTC)))
    monkeypatch.setattr(StartClaim, "is_good", lambda _self: True)
    run, judge = begun(room, approved, killer=die_once(purge_was_sent, Moment.AFTER))
    # Each has ended at once, so that Alma takes another one for those whom it has kept.
    room.sandbox.tenant.switches.job_seconds = 0
    run.go()
    assert judge.judge(run).duplicates == [f"{PURGE_JOB} was started 3 times"]


def test_a_last_check_that_sees_nothing_shows_as_a_wrong_person(
    room: Room, approved: Bookmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(*_given: Any) -> LastCheck:
        return LastCheck(dropped={}, finished_at=room.clock.now(UTC))

    room.fresh()
    judge = Judge(room.world)
    monkeypatch.setattr(purge_people, "check_before_purge", blind)
    room.sandbox.tenant.switches.purge_ignores_loans = True
    run = go_on_from(approved, Run(room, before_step=LateLoan(judge))).go()
    assert any("purged" in one for one in judge.judge(run).wrong_people)


def test_a_restore_that_does_nothing_shows_as_stranded(
    room: Room, approved: Bookmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_kept.RestoreKeptOperator, "act", lambda *_given: "done")
    run, judge = begun(room, approved)
    run.go()
    assert "people were moved, but it is not on record who was put back" in run.said("certify"), (
        "another task has noticed"
    )
    assert judge.judge(run).stranded


def test_a_job_on_other_people_shows_as_wrong_people(
    room: Room, approved: Bookmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, judge = begun(room, approved)

    def others(_set_id: str) -> list[int]:
        return [one.serial for one in room.sandbox.tenant.users if one.scenario == "ishare_group"]

    monkeypatch.setattr(room.sandbox.tenant.jobs, "_members", others)
    run.go()
    wrong = judge.judge(run).wrong_people
    assert any("not approved" in one for one in wrong)
    assert any("changed: ishare_group" in one for one in wrong)


def test_somebody_who_vanishes_unnoticed_shows_in_the_books(
    room: Room, approved: Bookmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, judge = begun(room, approved)
    run.go(until="restore_kept")
    gone = next(one for one in room.sandbox.tenant.users if one.primary_id in run.approvals[-1].people)
    with room.sandbox.tenant.lock:
        room.sandbox.tenant.users.remove(gone)
    run.go()
    assert any("0 are called purged and are not, 1 are not" in one for one in judge.judge(run).unaccounted)


def test_a_failure_without_a_word_shows_as_mute(
    room: Room, approved: Bookmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: Any) -> None:
        raise ValueError("oops")

    monkeypatch.setattr(job_start, "intended", fail)
    run, judge = begun(room, approved)
    run.go()
    assert judge.judge(run).mute == ["regroup_users: 'oops'"]


def test_a_worker_that_is_dead_changes_nothing_any_more(room: Room, approved: Bookmark) -> None:
    run, judge = begun(room, approved)
    run.killer = die_once(lambda effect: effect.label.startswith("PUT "), Moment.AFTER)
    run.go()
    killed = next(number for number, one in enumerate(run.effects) if one.label.startswith("PUT "))
    assert run.effects[killed + 1].label == "start", "nothing came after it but another try"
    judge.judge(run).require_clean()
