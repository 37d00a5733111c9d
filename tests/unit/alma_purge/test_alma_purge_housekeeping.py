"""Retention, leftover sets and people left in the marker group, with the runs' recorded times made older."""

import copy
import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tests.support.chain import Chain
from tests.support.task_context import TaskStandIn, task_context
from tests.support.tenant import (
    MARKER,
    arm,
    calls,
    change,
    changing_calls,
    disarm,
    ids_of,
    people,
    switch,
    talking,
    whole_state,
)

from alma_purge import files, housekeeping_file
from alma_purge.file_kinds import kind_of
from alma_purge.operators import housekeeping_left_behind
from alma_purge.operators.housekeeping import HousekeepingOperator
from alma_purge.operators.housekeeping_departed import FindDepartedOperator
from alma_purge.operators.housekeeping_files import DeleteExpiredFilesOperator
from alma_purge.operators.housekeeping_left_behind import FindLeftBehindOperator
from alma_purge.operators.housekeeping_sets import DeleteLeftoverSetsOperator
from alma_purge.places import HOUSEKEEPING_DAG, run_folder_name
from alma_purge.run_folder import RunFolder
from alma_sandbox.control.operator import JobOrder as Plan
from alma_sandbox.control.operator import LegacyPurge, legacy_purge, order_job
from alma_sandbox.server import RunningSandbox
from patron_purge.answers import Choice
from patron_purge.retention import FileKind

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

TASKS: dict[str, type[HousekeepingOperator]] = {
    "delete_expired_files": DeleteExpiredFilesOperator,
    "delete_leftover_sets": DeleteLeftoverSetsOperator,
    "find_left_behind": FindLeftBehindOperator,
}
TIMES = {
    files.RUN: ("started_at",),
    files.CERTIFICATE: ("created_at",),
    files.REVIEW: ("created_at",),
    files.REGROUP_RECORD: ("intended_at", "started_at", "ended_at"),
    files.PURGE_RECORD: ("intended_at", "started_at", "ended_at"),
}


def keep_house(task_id: str, *under_way: str, **params: Any) -> str:
    """Run a housekeeping task and return what it said."""
    ti = TaskStandIn(task_id, dag_id=HOUSEKEEPING_DAG, under_way=set(under_way))
    TASKS[task_id](task_id=task_id, institution_code="demo").execute(task_context(ti, **params))
    return str(ti.said("summary"))


def stopped(task_id: str, *under_way: str, **params: Any) -> str:
    with pytest.raises(AirflowException) as problem:
        keep_house(task_id, *under_way, **params)
    return str(problem.value)


def grow_older(chain: Chain, days: float) -> None:
    """Shift every moment that a run has recorded into the past."""
    folder = chain.open().folder
    for name, fields in TIMES.items():
        content = folder.read_if_there(name)
        if content is None:
            continue
        document = json.loads(content)
        for field in fields:
            if document[field]:
                moment = datetime.fromisoformat(document[field]) - timedelta(days=days)
                document[field] = moment.isoformat()
        folder.write(name, json.dumps(document).encode())


def names(chain: Chain) -> set[str]:
    return set(chain.open().folder.names())


def approved_chain(run_id: str = "manual__test") -> Chain:
    made = Chain(run_id)
    made.to_review()
    made.approve()
    return made


@pytest.fixture
def done(sandbox: RunningSandbox) -> Chain:
    """A run that is over: people were purged, the others are back in their group."""
    del sandbox
    made = approved_chain()
    made.purged()
    made.account()
    return made


def break_down(sandbox: RunningSandbox, chain: Chain) -> Chain:
    """Let the purge fail, and nothing be done about it."""
    order_job(sandbox.control, Plan(job_id="M20261", end_status="COMPLETED_FAILED"))
    chain.moved()
    chain.start("purge_users")
    with pytest.raises(AirflowException):
        chain.finish("purge_users")
    return chain


@pytest.fixture
def broken(sandbox: RunningSandbox) -> Chain:
    """A run that has left its people in the marker group."""
    return break_down(sandbox, approved_chain())


def stuck(sandbox: RunningSandbox) -> set[str]:
    return {one.primary_id for one in people(sandbox) if one.user_group == MARKER}


def whole_records(sandbox: RunningSandbox) -> dict[str, Any]:
    with sandbox.tenant.lock:
        tenant = sandbox.tenant
        return {one.primary_id: copy.deepcopy(tenant.record(one)) for one in tenant.users}


def test_every_file_that_the_package_writes_has_a_kind() -> None:
    entries = {"TAKEN_OFF_ENTRY", "LOOKED_ENTRY"}
    written = [value for name, value in vars(files).items() if name.isupper() and name not in entries]
    written += [f"{getattr(files, name)}0a1b.json" for name in entries]
    assert len(written) > 20
    unknown = [name for name in written if kind_of(name) is FileKind.UNKNOWN]
    assert unknown == [], "say in file_kinds.py what these files hold about people"
    assert kind_of("exclusions-2.xlsx") is FileKind.RAW_INPUT
    assert kind_of("check-progress-00001.jsonl") is FileKind.WORKING
    assert kind_of(".ledger.csv.k3j_x9") is FileKind.WORKING
    assert kind_of("notes of olga.txt") is FileKind.UNKNOWN


def test_personal_files_go_kind_by_kind_and_the_log_proves_it(
    sandbox: RunningSandbox, done: Chain, store_folder: Path
) -> None:
    with sandbox.tenant.lock:
        everybody = {one.primary_id: f"{one.first_name} {one.last_name}" for one in sandbox.tenant.users}
        everybody |= {
            one.primary_id: f"{one.first_name} {one.last_name}" for one in sandbox.tenant.users.gone.values()
        }
    before = names(done)
    assert keep_house("delete_expired_files") == "No file was due."
    assert names(done) == before

    grow_older(done, 8)
    said = keep_house("delete_expired_files")
    raw = {name for name in before if kind_of(name) is FileKind.RAW_INPUT}
    assert names(done) == before - raw
    assert len(raw) == 4
    assert said == "4 files of 1 runs deleted (4 raw_input)."

    grow_older(done, 38)
    keep_house("delete_expired_files")
    after = names(done)
    assert after == {name for name in before if kind_of(name) is FileKind.NOT_PERSONAL}
    assert {files.CERTIFICATE, files.CERTIFICATE_PAGE, files.REVIEW, files.DECISION} <= after
    assert (store_folder / "demo" / "history.jsonl").exists()

    entries = housekeeping_file.read_entries("demo")
    vanished = Counter(kind_of(name).value for name in before - after)
    assert sum((Counter(entry.counts) for entry in entries), Counter()) == vanished
    assert {(entry.run_id, entry.did, entry.done) for entry in entries} == {
        ("manual__test", "files deleted", True)
    }
    left = "".join(path.read_text() for path in store_folder.rglob("*") if path.is_file())
    assert "demo" in left
    assert [key for key, name in everybody.items() if key in left or name in left] == []

    grow_older(done, 1000)
    assert keep_house("delete_expired_files") == "No file was due."
    assert names(done) == after


def test_the_days_are_the_institutions(done: Chain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tests.support.config import own_config

    own_config(monkeypatch, tmp_path / "own", retention={"raw_inputs": 30, "workbooks": 2})
    before = names(done)
    grow_older(done, 8)
    keep_house("delete_expired_files")
    assert before - names(done) == {files.WORKBOOK}


def test_a_run_that_is_not_over_keeps_everything(done: Chain) -> None:
    before = names(done)
    grow_older(done, 400)
    assert keep_house("delete_expired_files", done.run_id) == "No file was due."
    assert names(done) == before


@pytest.mark.parametrize("name", TIMES)
def test_the_latest_moment_on_record_counts(done: Chain, name: str) -> None:
    before = names(done)
    recent = done.open().folder.read(name)
    grow_older(done, 400)
    done.open().folder.write(name, recent)
    keep_house("delete_expired_files")
    assert names(done) == before


def test_what_is_needed_to_put_somebody_back_stays_until_it_is_done(
    sandbox: RunningSandbox, broken: Chain
) -> None:
    before = names(broken)
    stale = broken.approved()[0]
    change(sandbox, stale, add_stale_phone_type=True)
    grow_older(broken, 400)
    said = keep_house("delete_expired_files")
    gone = {kind_of(name) for name in before - names(broken)}
    assert gone == {FileKind.RAW_INPUT, FileKind.WORKBOOK}
    assert f"The lists of 1 runs are kept until {len(broken.approved()):,} people are verified" in said

    assert "1: a code" in stopped("find_left_behind", restore_orphans=True)
    assert stuck(sandbox) == {stale}
    assert "until 1 people are verified" in keep_house("delete_expired_files")
    assert files.SNAPSHOT in names(broken)

    change(sandbox, stale, user_group="10")  # by hand
    assert keep_house("find_left_behind").startswith("0 people of a run under way")
    keep_house("delete_expired_files")
    assert {kind_of(name) for name in names(broken)} == {FileKind.NOT_PERSONAL}


def test_after_a_failed_purge_everybody_verified_frees_the_lists(
    sandbox: RunningSandbox, broken: Chain
) -> None:
    legacy_purge(sandbox.control, LegacyPurge())
    grow_older(broken, 400)
    keep_house("delete_expired_files")
    assert files.SNAPSHOT in names(broken), "nobody has looked whether they are gone"
    still = stuck(sandbox)
    assert still < set(broken.approved())
    said = stopped("find_left_behind")
    assert f"{broken.run_id}: {len(still)}" in said
    assert f"until {len(still)} people are verified" in keep_house("delete_expired_files")


def test_what_is_not_ours_is_left_and_said(done: Chain, store_folder: Path) -> None:
    folder = store_folder / "demo" / run_folder_name(done.run_id)
    (folder / "notes.txt").write_text("of somebody")
    (folder / ".ledger.csv.x1y2").write_text("half a file")
    stranger = store_folder / "demo" / "another-folder"
    stranger.mkdir()
    (stranger / "ledger.csv").write_text("a list")
    grow_older(done, 400)
    said = keep_house("delete_expired_files")
    assert "1 files are none that this package writes" in said
    assert "1 folders name no run" in said
    assert (folder / "notes.txt").exists()
    assert (stranger / "ledger.csv").exists()
    assert not (folder / ".ledger.csv.x1y2").exists()


def test_a_run_without_the_note_is_known_by_its_certificate(done: Chain) -> None:
    grow_older(done, 400)
    place = done.open().folder.path
    (place / files.RUN).unlink()
    keep_house("delete_expired_files")
    assert not (place / files.SNAPSHOT).exists()


def test_a_deletion_that_breaks_off_shows_in_the_log_and_is_finished_by_the_next(
    done: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow_older(done, 400)
    real, calls_made = RunFolder.remove, Counter[str]()

    def dies_at_the_third(self: RunFolder, name: str) -> None:
        calls_made["n"] += 1
        if calls_made["n"] == 3:
            raise OSError("the disk is read-only now")
        real(self, name)

    monkeypatch.setattr(RunFolder, "remove", dies_at_the_third)
    with pytest.raises(OSError, match="read-only"):
        keep_house("delete_expired_files")
    monkeypatch.setattr(RunFolder, "remove", real)
    assert [entry.done for entry in housekeeping_file.read_entries("demo")] == [False]
    keep_house("delete_expired_files")
    assert [entry.done for entry in housekeeping_file.read_entries("demo")] == [False, True]
    assert {kind_of(name) for name in names(done)} == {FileKind.NOT_PERSONAL}


def test_files_that_can_not_be_deleted_are_not_called_deleted(
    done: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow_older(done, 400)
    monkeypatch.setattr(RunFolder, "remove", lambda _self, _name: None)
    said = stopped("delete_expired_files")
    assert "are still there after they were deleted" in said
    assert [entry.done for entry in housekeeping_file.read_entries("demo")] == [False]


@pytest.mark.parametrize(
    ("name", "content"), [(files.RUN, b"{"), (files.CERTIFICATE, b"{}"), (files.SNAPSHOT, b"x")]
)
def test_a_file_that_can_not_be_read_stops_everything(done: Chain, name: str, content: bytes) -> None:
    grow_older(done, 400)
    done.open().folder.write(name, content)
    before = names(done)
    assert name in stopped("delete_expired_files")
    assert names(done) == before


def test_a_spoiled_log_stops_everything(done: Chain, store_folder: Path) -> None:
    grow_older(done, 400)
    (store_folder / "demo" / "housekeeping.jsonl").write_text("nonsense\n")
    before = names(done)
    assert "nothing was deleted" in stopped("delete_expired_files")
    assert names(done) == before


def test_nobody_is_moved_unless_it_is_asked_for(sandbox: RunningSandbox, broken: Chain) -> None:
    before = whole_state(sandbox)
    count = len(stuck(sandbox))
    sandbox.tenant.journal.clear()
    for params in ({}, {"restore_orphans": False}, {"restore_orphans": "true"}):
        said = stopped("find_left_behind", **params)
        assert said.startswith(f"{count:,} people are left in the group OKTOPURGE.")
        assert f"manual__test: {count:,}. To give it back, trigger {HOUSEKEEPING_DAG} with" in said
        assert not any(key in said for key in broken.approved() if len(key) > 6)
    stopped("find_left_behind", restore_orphans=True, institution="another")
    assert whole_state(sandbox) == before
    assert changing_calls(sandbox) == []


@pytest.mark.parametrize("institution", [None, "demo"])
def test_orphans_get_their_group_back_in_a_world_that_has_moved_on(
    sandbox: RunningSandbox, institution: str | None
) -> None:
    made = approved_chain()
    before = whole_records(sandbox)
    break_down(sandbox, made)
    moved_on, purged, *others = made.approved()
    change(sandbox, moved_on, user_group="DEPT")
    with sandbox.tenant.lock:
        person = sandbox.tenant.users.find(purged)
        assert person is not None
        sandbox.tenant.purge.remove(person)
    said = keep_house("find_left_behind", restore_orphans=True, institution=institution)
    assert (
        said
        == f"{len(others)} people have their user group back; 0 had been moved by somebody else and were left alone."
    )
    after = whole_records(sandbox)
    assert stuck(sandbox) == set()
    assert after[moved_on]["user_group"]["value"] == "DEPT"
    assert {key: after[key] for key in others} == {key: before[key] for key in others}
    log = json.loads(made.open().folder.read(files.RESTORE_LOG))
    assert log[moved_on]["outcome"] == "already_moved"
    assert log[purged]["outcome"] == "gone"
    (entry,) = housekeeping_file.read_entries("demo")
    assert (entry.did, entry.counts, entry.done) == ("people put back", {"asked": len(others)}, True)
    assert keep_house("find_left_behind").startswith("0 people")


def test_whoever_moves_on_between_the_list_and_the_change_is_left_alone(
    sandbox: RunningSandbox, broken: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled = broken.approved()[0]
    monkeypatch.setattr(
        housekeeping_left_behind,
        "require_no_job",
        lambda _client, _runs: change(sandbox, settled, user_group="DEPT"),
    )
    said = keep_house("find_left_behind", restore_orphans=True)
    assert "; 1 had been moved by somebody else and were left alone." in said
    assert stuck(sandbox) == set()
    assert next(one for one in people(sandbox) if one.primary_id == settled).user_group == "DEPT"


def test_a_stranger_in_the_group_is_never_moved(sandbox: RunningSandbox, broken: Chain) -> None:
    stranger = people(sandbox, "expiry_future")[0].primary_id
    change(sandbox, stranger, user_group=MARKER)
    said = stopped("find_left_behind", restore_orphans=True)
    assert said.startswith("1 people are left in the group OKTOPURGE. 1 were moved by no run on file")
    assert stuck(sandbox) == {stranger}
    assert calls(sandbox, "PUT", "/users/") == len(broken.approved())


def test_people_of_a_run_under_way_are_no_leftovers(sandbox: RunningSandbox) -> None:
    made = approved_chain()
    made.moved()
    before = whole_state(sandbox)
    for params in ({}, {"restore_orphans": True}):
        said = keep_house("find_left_behind", made.run_id, **params)
        assert said == f"{len(made.approved())} people of a run under way are in the group OKTOPURGE."
    assert whole_state(sandbox) == before


def test_nobody_is_moved_while_a_job_of_any_run_may_be_working(
    sandbox: RunningSandbox, broken: Chain
) -> None:
    before = whole_state(sandbox)["users"]
    record = broken.document(files.PURGE_RECORD)
    switch(sandbox, job_seconds=1000)
    with talking(sandbox) as client:
        from tests.support.tenant import payload, set_of

        set_id = set_of(client, ids_of(people(sandbox, "clean_internal"))[:1])
        start = client.jobs.run("M148", payload("update_notify_users.json", set_id, "another"))
    working = record | {"stage": "started", "job_id": "M148", "instance_id": start.instance_id}
    broken.open().folder.write(files.PURGE_RECORD, json.dumps(working).encode())
    said = stopped("find_left_behind", restore_orphans=True)
    assert "may still be working in Alma; nobody was moved" in said
    assert whole_state(sandbox)["users"] == before
    other = {**working, "instance_id": "1234"}  # Alma has forgotten it
    broken.open().folder.write(files.PURGE_RECORD, json.dumps(other).encode())
    stopped("find_left_behind", restore_orphans=True)
    assert whole_state(sandbox)["users"] == before
    grow_older(broken, 40)
    assert "have their user group back" in keep_house("find_left_behind", restore_orphans=True)


def test_a_run_of_another_tenant_is_not_looked_at(sandbox: RunningSandbox, broken: Chain) -> None:
    review = broken.document(files.REVIEW) | {"environment": "production"}
    broken.open().folder.write(files.REVIEW, json.dumps(review).encode())
    said = stopped("find_left_behind", restore_orphans=True)
    assert f"{len(stuck(sandbox)):,} were moved by no run on file" in said
    assert calls(sandbox, "PUT", "/users/") == 0
    assert broken.open().folder.read_if_there(files.RESTORE_LOG) is None


def test_the_group_before_the_latest_move_counts(sandbox: RunningSandbox) -> None:
    first = approved_chain("manual__1")
    first.moved()
    first.approve(Choice.REJECT)
    first.account("reconcile", "restore_kept")
    grow_older(first, 30)
    for key in first.approved():
        change(sandbox, key, user_group="30")
    second = break_down(sandbox, approved_chain("manual__2"))
    said = stopped("find_left_behind")
    assert f"manual__2: {len(second.approved())}." in said
    assert "manual__1" not in said
    keep_house("find_left_behind", restore_orphans=True)
    groups = {one.primary_id: one.user_group for one in people(sandbox)}
    assert {groups[key] for key in set(first.approved()) & set(second.approved())} == {"30"}


def test_whoever_can_not_be_put_back_is_listed_in_the_folder_of_the_run(
    sandbox: RunningSandbox, broken: Chain
) -> None:
    stale = broken.approved()[0]
    change(sandbox, stale, add_stale_phone_type=True)
    ti = TaskStandIn("find_left_behind", dag_id=HOUSEKEEPING_DAG)
    task = FindLeftBehindOperator(task_id="find_left_behind", institution_code="demo")
    with pytest.raises(AirflowFailException) as problem:
        task.execute(task_context(ti, restore_orphans=True))
    assert str(problem.value).startswith("1 people could not be moved out of the group OKTOPURGE (1: a code")
    assert stale not in str(problem.value)
    assert stale.encode() in broken.open().folder.read(files.NOT_RESTORED)
    assert stuck(sandbox) == {stale}


def test_an_institution_that_only_reports_is_not_asked_about(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tests.support.config import own_config

    own_config(monkeypatch, tmp_path / "own", mode="report_only")
    sandbox.tenant.journal.clear()
    assert "only makes reports" in keep_house("find_left_behind")
    assert sandbox.tenant.journal.entries == []


def test_deleted_records_in_the_search_are_nobody_left_behind(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch(sandbox, delete_user_policy="keep_fully_reportable", deleted_in_search=True)
    made = approved_chain()
    made.purged()
    made.account()
    assert stuck(sandbox), "their records stay, deleted, in the group"
    assert keep_house("find_left_behind").startswith("0 people")
    again = Chain("manual__next")
    from alma_purge.operators.preflight import PreflightOperator

    PreflightOperator(task_id="preflight").execute(again.context("preflight"))


def leave_set(sandbox: RunningSandbox) -> Chain:
    """Let a run end whose set could not be deleted."""
    made = approved_chain()
    made.moved()
    made.approve(Choice.REJECT)
    arm(sandbox, "refusal", method="DELETE", path="/conf/sets/", times=0, code="402282")
    made.account()
    disarm(sandbox)
    assert len(sandbox.tenant.sets.all()) == 1
    return made


def test_leftover_sets_of_ended_runs_are_deleted_after_some_days(sandbox: RunningSandbox) -> None:
    made = leave_set(sandbox)
    with talking(sandbox) as client:
        client.sets.create_itemized_user_set("somebody else's", "")
    assert keep_house("delete_leftover_sets") == "No ended run of that age has left a set."
    grow_older(made, 15)
    assert "No ended run" in keep_house("delete_leftover_sets", made.run_id)
    assert len(sandbox.tenant.sets.all()) == 2
    assert keep_house("delete_leftover_sets").startswith("1 leftover sets deleted")
    assert [one.name for one in sandbox.tenant.sets.all()] == ["somebody else's"]
    assert keep_house("delete_leftover_sets").startswith("0 leftover sets deleted")
    (entry,) = housekeeping_file.read_entries("demo")
    assert (entry.did, entry.counts, entry.done) == ("sets deleted", {"sets": 1}, True)


def test_the_way_out_is_named_where_a_run_stops(sandbox: RunningSandbox, broken: Chain) -> None:
    said = Chain("manual__next").stop("preflight")
    assert f"trigger the DAG {HOUSEKEEPING_DAG} with restore_orphans" in said
    assert f"{len(stuck(sandbox)):,} people are still in the group" in said
    keep_house("find_left_behind", restore_orphans=True)
    Chain("manual__next").to_review()


def find_departed() -> str:
    ti = TaskStandIn("find_departed", dag_id=HOUSEKEEPING_DAG)
    FindDepartedOperator(task_id="find_departed").execute(task_context(ti))
    return str(ti.said("summary"))


def test_lists_of_a_library_without_settings_are_noticed_until_they_are_gone(done: Chain) -> None:
    assert "has a settings file" in find_departed()
    theirs = RunFolder.of_run("departed", "manual__last")
    theirs.write(files.CERTIFICATE, b"{}")
    assert "has a settings file" in find_departed(), "a certificate names no patron"
    theirs.write(files.LEDGER, b"row\n")
    with pytest.raises(AirflowException, match=r"no settings file any more: departed \(1 runs\)\."):
        find_departed()
    assert done.open().folder.read_if_there(files.LEDGER) is not None, "it deletes nothing"
    theirs.remove(files.LEDGER)
    assert "has a settings file" in find_departed()
