"""The tasks after the purge, when records are lost, the tenant is another one, or people have changed."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from airflow.sdk.exceptions import AirflowException
from tests.support.chain import ACCOUNTING, ACTING, Chain
from tests.support.config import own_config
from tests.support.flow import connect
from tests.support.tenant import MARKER, arm, calls, changing_calls, disarm, job_starts, people, whole_state

from alma_api.rate_limit import RateLimit
from alma_purge import files
from alma_purge.documents import STORE_KEY, JobRecord, JobStage
from alma_sandbox.control.operator import JobOrder as Plan
from alma_sandbox.control.operator import order_job
from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox
from patron_purge.ledger import read_ledger_csv

pytestmark = pytest.mark.usefixtures("airflow_database")

GUARDS = {"max_percent_of_report": 100, "max_count_without_history": 500}
RECORD_OF = {files.PURGE_RECORD: "purge_users", files.REGROUP_RECORD: "regroup_users"}
NAMES_OF_ANOTHER_TENANT = [("institution", "01OTHER_INST"), ("environment", "PRODUCTION")]


@pytest.fixture(autouse=True)
def at_full_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client call as fast as it can; the tenant here has no limit of calls per second."""
    monkeypatch.setattr(RateLimit, "wait", lambda _self: None)


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return own_config(monkeypatch, tmp_path / "config", guards=GUARDS, poll_seconds=0.05)


@pytest.fixture
def chain(sandbox: RunningSandbox, config: Path) -> Chain:
    """A run whose list is approved."""
    del sandbox, config
    made = Chain()
    made.to_review()
    made.approve()
    return made


@pytest.fixture
def failed(sandbox: RunningSandbox, chain: Chain) -> Chain:
    """A run whose people are in the marker group, and whose purge job has failed."""
    order_job(sandbox.control, Plan(job_id="M20261", end_status="COMPLETED_FAILED"))
    chain.moved()
    chain.start("purge_users")
    with pytest.raises(AirflowException):
        chain.finish("purge_users")
    return chain


def groups(sandbox: RunningSandbox) -> dict[str, str]:
    return {one.primary_id: one.user_group for one in people(sandbox)}


def path_of(primary_id: str) -> str:
    return f"/users/{re.escape(quote(primary_id, safe=''))}(\\?|$)"


@pytest.mark.parametrize("name", RECORD_OF)
def test_a_lost_job_record_makes_every_later_task_red_until_its_task_has_written_it_again(
    sandbox: RunningSandbox, chain: Chain, name: str
) -> None:
    home = groups(sandbox)
    chain.purged()
    before = whole_state(sandbox)
    (chain.open().folder.path / name).unlink()
    said = [chain.stop(task_id) for task_id in ACCOUNTING]
    for sentence in said:
        assert f"{RECORD_OF[name]} has sent a job to Alma, but {name} is gone from the run folder" in sentence
    assert whole_state(sandbox) == before
    assert chain.open().folder.read_if_there(files.CERTIFICATE) is None

    chain.clear(RECORD_OF[name])
    chain.account()
    assert groups(sandbox).items() <= home.items(), "whoever is left has the old group"
    assert len(job_starts(sandbox)) == 2


@pytest.mark.parametrize("name", RECORD_OF)
def test_a_record_that_can_not_be_read_is_never_taken_for_a_missing_one(
    sandbox: RunningSandbox, chain: Chain, name: str
) -> None:
    chain.purged()
    before = whole_state(sandbox)
    place = Path((chain.open().folder.path / name).path)
    place.unlink(missing_ok=True)
    place.mkdir()
    for task_id, operator in ACCOUNTING.items():
        with pytest.raises(OSError, match=name):
            operator(task_id=task_id).execute(chain.context(task_id))
    assert whole_state(sandbox) == before


@pytest.mark.parametrize("another", NAMES_OF_ANOTHER_TENANT)
@pytest.mark.parametrize("settings_too", [False, True])
def test_in_another_tenant_nobody_is_accounted_for_or_moved(
    sandbox: RunningSandbox,
    failed: Chain,
    config: Path,
    another: tuple[str, str],
    *,
    settings_too: bool,
) -> None:
    name, value = another
    before = whole_state(sandbox)
    with running_sandbox(users=20, seed=99) as other, pytest.MonkeyPatch.context() as patch:
        setattr(other.tenant, name, value)
        connect(patch, other)
        if settings_too:
            key = "institution_code" if name == "institution" else name
            edit_settings(config, **{key: value if name == "institution" else value.lower()})
        theirs = whole_state(other)
        said = [failed.stop(task_id) for task_id in ("reconcile", "restore_kept")]
        expected = "This run began with 01DEMO_XYZ (sandbox)" if settings_too else "belongs to"
        assert all(expected in sentence and "othing was changed" in sentence for sentence in said), said
        assert whole_state(other) == theirs
        assert changing_calls(other) == []
    assert whole_state(sandbox) == before
    assert failed.open().folder.read_if_there(files.LEDGER) is None
    assert failed.open().folder.read_if_there(files.RESTORE) is None


def stuck(sandbox: RunningSandbox) -> set[str]:
    """Return who is in the marker group."""
    return {key for key, group in groups(sandbox).items() if group == MARKER}


def test_one_person_who_can_not_be_read_keeps_nobody_else_from_the_old_group(
    sandbox: RunningSandbox, failed: Chain
) -> None:
    approved = failed.approved()
    assert stuck(sandbox) == set(approved)
    unreadable = approved[0]
    failed.account("reconcile")
    arm(sandbox, "refusal", method="GET", path=path_of(unreadable), code="60101", times=0)
    said = failed.stop("restore_kept")
    assert said.startswith("1 people could not be moved out of the group OKTOPURGE")
    assert stuck(sandbox) == {unreadable}
    ledger = read_ledger_csv(failed.open().folder.read(files.LEDGER_RESTORED)).set_index("primary_id")
    assert dict(ledger.loc[approved, "group_restored"].value_counts()) == {
        "restored": len(approved) - 1,
        "failed": 1,
    }
    assert ledger.loc[unreadable, "group_restored"] == "failed"
    failed.stop("certify")
    assert failed.document(files.CERTIFICATE)["outcome"] == "failed"


def test_a_second_restore_still_counts_whom_the_first_has_restored(
    sandbox: RunningSandbox, failed: Chain
) -> None:
    home = {row: group for row, group in groups(sandbox).items() if group != MARKER}
    approved = failed.approved()
    failed.account("reconcile")
    arm(sandbox, "refusal", method="GET", path=path_of(approved[0]), code="60101", times=0)
    failed.stop("restore_kept")
    puts = calls(sandbox, "PUT", "/users/")
    disarm(sandbox)
    failed.account("restore_kept")
    assert calls(sandbox, "PUT", "/users/") == puts + 1
    assert stuck(sandbox) == set()
    assert home.items() <= groups(sandbox).items()
    result = failed.document(files.RESTORE)
    assert (result["restored"], result["failed"]) == (len(approved), 0)
    failed.account("certify")
    (restored,) = failed.document(files.CERTIFICATE)["restored"]
    assert (restored["code"], restored["count"]) == ("restored", len(approved))


def test_somebody_with_a_new_primary_id_in_the_marker_group_is_neither_purged_nor_forgotten(
    sandbox: RunningSandbox, failed: Chain
) -> None:
    renamed = failed.approved()[0]
    rename(sandbox, renamed, "brand.new@example.edu")
    said = failed.stop("reconcile")
    assert said.startswith("It is not known what became of 1 people")
    assert failed.open().folder.read_if_there(files.LEDGER) is None
    assert failed.stop("restore_kept").startswith("1 people could not be moved out of the group OKTOPURGE")
    assert stuck(sandbox) == {"brand.new@example.edu"}
    failed.stop("certify")
    certificate = failed.document(files.CERTIFICATE)
    assert certificate["outcome"] == "failed"
    assert any("reconcile: It is not known" in problem for problem in certificate["problems"])


def rename(sandbox: RunningSandbox, primary_id: str, new_id: str) -> None:
    """Give somebody a new primary id; the old one stays as a further identifier."""
    with sandbox.tenant.lock:
        person = sandbox.tenant.users.find(primary_id, "PRIMARYIDENTIFIER")
        assert person is not None
        donor = next(one for one in sandbox.tenant.users if one.identifiers)
        further = {**donor.identifiers[0], "value": primary_id}
        with sandbox.tenant.users.changing(person):
            person.primary_id = new_id
            person.identifiers = [further]


def test_the_group_that_was_used_is_emptied_whatever_the_settings_say_now(
    sandbox: RunningSandbox, chain: Chain, config: Path
) -> None:
    home = groups(sandbox)
    chain.moved()
    assert stuck(sandbox) == set(chain.approved())
    edit_settings(config, marker_group="30")
    chain.account("reconcile", "restore_kept")
    assert groups(sandbox) == home
    assert chain.document(files.RESTORE)["restored"] == len(chain.approved())


def test_the_set_of_a_refused_start_is_deleted(sandbox: RunningSandbox, chain: Chain) -> None:
    home = groups(sandbox)
    arm(sandbox, "refusal", method="POST", path="/conf/jobs/M148", code="402231")
    assert "402231" in chain.stop("regroup_users")
    assert len(sandbox.tenant.sets.all()) == 1
    for task_id in ACCOUNTING:
        assert "but regroup_users failed" in chain.stop(task_id)
    assert sandbox.tenant.sets.all() == []
    assert groups(sandbox) == home
    assert job_starts(sandbox) == []


@pytest.mark.parametrize("place", ["store", "folder"])
@pytest.mark.parametrize("task_id", ACTING)
def test_an_edited_record_that_says_not_sent_starts_no_second_job(
    sandbox: RunningSandbox, chain: Chain, task_id: str, place: str
) -> None:
    if task_id == "purge_users":
        chain.moved()
    chain.start(task_id)
    started = job_starts(sandbox)
    edited = JobRecord(attempt=2)
    assert edited.stage is JobStage.NONE
    if place == "store":
        chain.stores[task_id].set(STORE_KEY, edited.model_dump_json())
    else:
        chain.open().folder.write(ACTING[task_id].record_file, edited.to_bytes())
    chain.start(task_id)
    chain.finish(task_id)
    assert job_starts(sandbox) == started


def edit_settings(config: Path, **values: str) -> None:
    """Change settings while the run is under way."""
    path = config / "institutions" / "demo.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | values))


@pytest.mark.parametrize("cleared", [("prepare_review",), ("check_live", "prepare_review")])
def test_clearing_an_early_task_after_the_regroup_strands_nobody(
    sandbox: RunningSandbox, chain: Chain, cleared: tuple[str, ...]
) -> None:
    before = groups(sandbox)
    order_job(sandbox.control, Plan(job_id="M20261", end_status="COMPLETED_FAILED"))
    chain.moved()
    assert MARKER in groups(sandbox).values()
    for task_id in cleared:
        assert "has already moved people" in chain.stop(task_id)
    for task_id in ACCOUNTING:
        assert f"{cleared[-1]} failed" in chain.stop(task_id)
    assert groups(sandbox) == before
    assert chain.document(files.RESTORE)["restored"] > 0
    assert "Everybody has their group back" in chain.stop(cleared[0])


def test_clearing_an_early_task_after_the_purge_accounts_for_everybody(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    before = groups(sandbox)
    chain.purged()
    chain.stop("prepare_review")
    for task_id in ACCOUNTING:
        chain.stop(task_id)
    after = groups(sandbox)
    assert MARKER not in after.values()
    assert {key: group for key, group in before.items() if key in after} == after
    certificate = chain.document(files.CERTIFICATE)
    assert certificate["sent"] > certificate["purged"] > 0
