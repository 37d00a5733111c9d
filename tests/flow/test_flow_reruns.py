"""What people do to a run by hand: clear tasks, mark them as success, answer anew."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.config import own_config
from tests.support.flow import (
    FlowResult,
    FormAnswer,
    Question,
    approve,
    clear,
    go_on,
    mark_success,
    reject,
    respond,
    run_flow,
)
from tests.support.tenant import MARKER
from tests.support.world import PURGEABLE, World, gone, of

pytestmark = pytest.mark.whole_run


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A store of its own for each test, so that no history of other runs counts."""
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{tmp_path / 'store'}")


def nobody_answers(question: Question) -> FormAnswer:
    raise AssertionError(f"an approval was asked for in try {question.try_number}")


def certificate_of(result: FlowResult) -> Any:
    return result.document("certificate.json")


def problem_of(result: FlowResult, task_id: str) -> str:
    """Return what the certificate says about a task that failed."""
    (found,) = [one for one in certificate_of(result)["problems"] if one.startswith(f"{task_id}: ")]
    return str(found)


def test_clearing_an_approval_revokes_it_also_when_it_is_marked_as_success_afterwards(world: World) -> None:
    before = world.people()

    def approve_without_files(question: Question) -> FormAnswer:
        world.order("/sftp", action="drop", book="pids")
        return approve(question)

    first = run_flow(answerer=approve_without_files)
    assert first.tasks["regroup_users"] == "failed"
    world.order("/sftp", action="rewrite")
    clear(first, "approve_purge", after=True)
    mark_success(first, "approve_purge")
    second = go_on(first, nobody_answers)

    assert second.state == "failed"
    assert (second.tasks["approve_purge"], second.tasks["regroup_users"]) == ("success", "failed")
    assert "cleared after the approval, which revokes it" in problem_of(second, "regroup_users")
    assert world.job_starts() == {}
    assert world.people() == before
    assert certificate_of(second)["outcome"] == "stopped"


def test_a_list_that_is_rejected_after_the_regroup_is_put_back(world: World) -> None:
    before = world.people()
    first = run_flow(mark_success="purge_users|restore_kept")
    assert first.state == "failed"
    assert certificate_of(first)["outcome"] == "failed"
    assert "people were moved, but it is not on record who was put back" in problem_of(first, "restore_kept")
    moved = world.in_group(MARKER)
    assert moved

    clear(first, "approve_purge", after=True)
    second = go_on(first, reject)

    assert second.state == "success"
    assert (second.tasks["regroup_users"], second.tasks["purge_users"]) == ("skipped", "skipped")
    assert world.people() == before
    assert world.job_starts() == {"M148": 1}
    certificate = certificate_of(second)
    assert (certificate["outcome"], certificate["sent"], certificate["purged"]) == ("rejected", 0, 0)
    (restored,) = certificate["restored"]
    assert (restored["code"], restored["count"]) == ("restored", len(moved))


def test_certify_that_is_cleared_alone_certifies_the_same(world: World) -> None:
    first = run_flow()
    certificate = certificate_of(first)
    history = (first.folder.path.parent / "history.jsonl").read_text()
    people, calls = world.people(), world.calls()
    clear(first, "certify")
    second = go_on(first, nobody_answers)

    assert second.state == "success"
    again = certificate_of(second)
    assert again.pop("created_at") > certificate.pop("created_at")
    assert again == certificate
    assert (
        len((first.folder.path.parent / "history.jsonl").read_text().splitlines()) == 1 == history.count("\n")
    )
    assert (world.people(), world.calls()) == (people, calls)


def test_a_list_that_a_guard_has_stopped_is_not_approved_by_marking_the_stop_as_success(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "config", guards={"max_count": 2, "max_percent_of_report": 100})
    before = world.people()
    first = run_flow(answerer=nobody_answers)
    assert first.tasks["prepare_review"] == "failed"
    clear(first, "approve_purge", after=True)
    mark_success(first, "prepare_review")
    second = go_on(first, nobody_answers)

    assert (second.tasks["prepare_review"], second.tasks["approve_purge"]) == ("success", "failed")
    assert (second.state, second.tasks["regroup_users"]) == ("failed", "upstream_failed")
    assert "A guard has stopped this list" in problem_of(second, "approve_purge")
    assert world.people() == before
    assert world.changes() == []


def test_a_purge_that_nobody_has_accounted_for_is_no_success(world: World) -> None:
    before = world.people()
    result = run_flow(mark_success="reconcile")

    assert result.state == "failed"
    assert result.tasks["certify"] == "failed"
    assert gone(before, world.people()) == {one.primary_id for one in of(before, PURGEABLE)}
    certificate = certificate_of(result)
    assert certificate["outcome"] == "failed"
    assert "nobody was accounted for. Clear reconcile." in problem_of(result, "reconcile")

    clear(result, "reconcile", after=True)
    again = go_on(result, nobody_answers)
    assert again.state == "success"
    certificate = certificate_of(again)
    assert (certificate["purged"], certificate["problems"]) == (len(of(before, PURGEABLE)), [])


def test_only_a_named_approver_may_answer_and_may_try_again_after_a_wrong_code(world: World) -> None:
    before = world.people()
    refused: list[int] = []

    def answer(question: Question) -> FormAnswer:
        right = approve(question)
        if question.try_number > 1:
            return right
        for user, role in (("vera", "viewer"), ("oscar", "user"), ("adam", "admin")):
            refused.append(respond(question.run_id, replace(right, user=user, role=role)).status_code)
        return replace(right, form={**right.form, "code": "WRONGONE"})

    result = run_flow({"mode": "pilot"}, answer, institution={"pilot_size": "3"})

    assert refused == [403, 403, 403]
    assert result.state == "success"
    decision = certificate_of(result)["decision"]
    assert decision["answered_by"]["id"] == "olga"
    assert [one["try_number"] for one in decision["refusals"]] == [1]
    assert "code" in decision["refusals"][0]["why"]
    assert 1 <= len(gone(before, world.people())) <= 3
    assert world.job_starts() == {"M148": 1, "M20261": 1}
