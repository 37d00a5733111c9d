"""The whole purge, task by task in Airflow, judged by the tenant's own state."""

import json
import stat
from pathlib import Path

import pytest
from tests.support.flow import FlowResult, FormAnswer, Question, approve, reject, run_flow
from tests.support.world import JOB_REFUSES, PROTECTED, PURGEABLE, Person, World, assert_untouched, gone, of

FLOW = 12
# A shorter id also occurs by chance in times and checksums.
SHORTEST_TELLING_ID = 5


def test_an_approved_list_is_purged_and_nobody_else_is_touched(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    before = world.people()
    result = run_flow(answerer=wrong_then_right)
    after = world.people()

    assert result.state == "success"
    assert set(result.tasks.values()) == {"success"}
    assert len(result.tasks) == FLOW
    purgeable = {one.primary_id for one in of(before, PURGEABLE)}
    assert purgeable
    assert gone(before, after) == purgeable
    assert_untouched(
        before, after, {one.primary_id for one in before.values() if one.expectation == PROTECTED}
    )
    refused = {one.primary_id for one in of(before, JOB_REFUSES)}
    assert refused
    assert {after[key].user_group for key in refused} == {before[key].user_group for key in refused}
    assert_untouched(before, after, refused)
    assert world.job_starts() == {"M148": 1, "M20261": 1}

    certificate = result.document("certificate.json")
    assert certificate["outcome"] == "partly"
    assert (certificate["sent"], certificate["purged"]) == (len(purgeable | refused), len(purgeable))
    assert certificate["restored"][0]["count"] == len(refused)
    assert certificate["equation"]["total"] == sum(one["count"] for one in certificate["equation"]["parts"])
    assert len(certificate["decision"]["refusals"]) == 1
    assert "number of people" in certificate["decision"]["refusals"][0]["why"]
    assert_private(result)
    certificate_text = (
        result.folder.read(name).decode() for name in ("certificate.json", "certificate.html")
    )
    assert_names_nobody("the certificate", "".join(certificate_text), before)
    assert_names_nobody("XCom", recorded_values(result.run_id), before)
    logged = capfd.readouterr()
    assert "were moved to the group" in logged.out + logged.err
    assert_names_nobody("the logs", logged.out + logged.err, before)


def test_a_rejected_list_changes_nothing(world: World) -> None:
    before = world.people()
    result = run_flow(answerer=reject)

    assert result.state == "success"
    assert (result.tasks["regroup_users"], result.tasks["purge_users"]) == ("skipped", "skipped")
    assert result.tasks["certify"] == "success"
    assert world.people() == before
    assert world.changes() == []
    certificate = result.document("certificate.json")
    assert certificate["outcome"] == "rejected"
    assert "not approved" in certificate["equation"]["text"]


@pytest.mark.whole_run
def test_report_only_asks_nobody_and_changes_nothing(world: World) -> None:
    before = world.people()
    result = run_flow({"mode": "report_only"}, answerer=fail_if_asked)

    assert result.state == "success"
    assert result.tasks["approve_purge"] == "skipped"
    assert world.people() == before
    assert world.changes() == []
    assert result.document("certificate.json")["outcome"] == "report_only"


@pytest.mark.whole_run
def test_an_approval_that_is_marked_as_success_by_hand_sends_nothing(world: World) -> None:
    before = world.people()
    result = run_flow(mark_success="approve_purge")

    assert result.state == "failed"
    assert result.tasks["regroup_users"] == "failed"
    assert result.tasks["certify"] == "failed"
    assert world.people() == before
    assert world.changes() == []
    certificate = result.document("certificate.json")
    assert certificate["outcome"] == "stopped"
    assert "marked success by hand" in certificate["problems"][0]


@pytest.mark.whole_run
def test_whoever_must_stay_since_the_approval_is_taken_off_at_the_last_check(world: World) -> None:
    before = world.people()
    lender, listed, *rest = [one.primary_id for one in of(before, PURGEABLE) if one.scenario == "clean"]

    def approve_after_changes(question: Question) -> FormAnswer:
        world.order("/users", primary_id=lender, add_loan=True)
        world.order("/sftp", action="add", book="pids", ids=[listed])
        return approve(question)

    result = run_flow(answerer=approve_after_changes)
    after = world.people()

    assert result.state == "success"
    assert not {lender, listed} & gone(before, after)
    assert set(rest) <= gone(before, after)
    assert after[lender].user_group == before[lender].user_group
    assert_untouched(before, after, {listed})
    parts = {part["code"]: part["count"] for part in result.document("certificate.json")["equation"]["parts"]}
    assert parts["dropped_late"] == 2


@pytest.mark.whole_run
def test_a_pilot_purges_only_the_oldest(world: World) -> None:
    before = world.people()
    result = run_flow({"mode": "pilot"}, institution={"pilot_size": "4"})
    after = world.people()

    assert result.state == "success"
    assert len(gone(before, after)) <= 4
    certificate = result.document("certificate.json")
    assert certificate["sent"] == 4
    parts = {part["code"]: part["count"] for part in certificate["equation"]["parts"]}
    assert parts["not_in_pilot"] > 0


@pytest.mark.whole_run
def test_a_purge_job_that_fails_is_not_repeated_and_everybody_goes_home(world: World) -> None:
    before = world.people()
    world.order("/jobs", job_id="M20261", end_status="COMPLETED_FAILED")
    result = run_flow()

    assert result.state == "failed"
    assert result.tasks["purge_users"] == "failed"
    assert result.tasks["certify"] == "failed"
    assert world.job_starts() == {"M148": 1, "M20261": 1}
    assert world.people() == before
    certificate = result.document("certificate.json")
    assert certificate["purged"] == 0
    assert "COMPLETED_FAILED" in certificate["problems"][0]


@pytest.mark.whole_run
def test_an_unclear_answer_to_a_job_start_is_looked_up_and_never_repeated(world: World) -> None:
    before = world.people()
    for job in ("M148", "M20261"):
        world.order("/faults", kind="reset_after", method="POST", path=f"jobs/{job}.*op=run")
    result = run_flow()

    assert result.state == "success"
    assert world.job_starts() == {"M148": 1, "M20261": 1}
    assert gone(before, world.people()) == {one.primary_id for one in of(before, PURGEABLE)}


def wrong_then_right(question: Question) -> FormAnswer:
    """Forget the count at the first try."""
    if question.try_number == 1:
        return FormAnswer("Approve", form={"code": question.review["code"]})
    return approve(question)


def fail_if_asked(question: Question) -> FormAnswer:
    raise AssertionError("nobody may be asked")


def assert_private(result: FlowResult) -> None:
    """Make sure that only the owner can read the files of the run."""
    files = list(Path(result.folder.path.path).iterdir())
    assert files
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


def recorded_values(run_id: str) -> str:
    """Return everything that the tasks of a run have put into XCom."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        return json.dumps([str(one.value) for one in session.query(XComModel).filter_by(run_id=run_id)])


def assert_names_nobody(what: str, text: str, people: dict[str, Person]) -> None:
    """Make sure that a text holds no primary id of anybody in the tenant."""
    assert text
    named = [one.scenario for key, one in people.items() if len(key) > SHORTEST_TELLING_ID and key in text]
    assert not named, f"{what} names {named}"
