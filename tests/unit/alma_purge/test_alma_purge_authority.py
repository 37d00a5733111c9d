import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException
from tests.support.chain import ACTING, Chain
from tests.support.config import edit_payload, own_config
from tests.support.flow import connect
from tests.support.tenant import MARKER, changing_calls, job_starts, members_of, people, whole_state

from alma_purge import files
from alma_purge.operators.base import publish
from alma_purge.remedies import ASK_AGAIN, NEW_RUN
from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox
from patron_purge.answers import Choice

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

GUARDS = {"max_percent_of_report": 100, "max_count_without_history": 500}
Spoil = Callable[[Chain], None]
RECORDED = {
    files.PREFLIGHT: "preflight",
    files.EXCLUSIONS: "fetch_exclusions",
    files.REPORT: "pull_report",
    files.SNAPSHOT: "check_live",
    files.LEDGER_REVIEWED: "prepare_review",
    files.REVIEW: "prepare_review",
    files.REGROUP_PAYLOAD: "prepare_review",
    files.PURGE_PAYLOAD: "prepare_review",
    files.DECISION: "approve_purge",
}


@dataclass(frozen=True)
class Prepared:
    """A run that was reviewed and approved, kept to be copied."""

    sandbox: RunningSandbox
    config: Path
    store: Path
    xcoms: dict[tuple[str, str], Any]


@pytest.fixture(scope="module")
def prepared(airflow_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    del airflow_database
    place = tmp_path_factory.mktemp("prepared")
    with running_sandbox(users=200) as running, pytest.MonkeyPatch.context() as patch:
        connect(patch, running)
        patch.setenv("ALMA_PURGE_STORE", f"file://{place / 'store'}")
        config = own_config(patch, place / "config", guards=GUARDS)
        chain = Chain()
        chain.to_review()
        chain.approve()
        yield Prepared(running, config, place / "store", chain.xcoms)


@pytest.fixture
def chain(prepared: Prepared, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chain:
    """A copy of the approved run with its settings; the tenant is shared, since nothing may happen to it."""
    shutil.copytree(prepared.store, tmp_path / "kept")
    shutil.copytree(prepared.config, tmp_path / "config")
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{tmp_path / 'kept'}")
    monkeypatch.setenv("ALMA_PURGE_CONFIG", str(tmp_path / "config"))
    connect(monkeypatch, prepared.sandbox)
    made = Chain()
    made.xcoms = dict(prepared.xcoms)
    return made


def require_refused(prepared: Prepared, chain: Chain, *parts: str) -> None:
    """Make sure that neither acting task sends anything, and that the reason is given."""
    before = whole_state(prepared.sandbox)
    for task_id, operator in ACTING.items():
        with pytest.raises(AirflowFailException) as stopped:
            operator(task_id=task_id).execute(chain.context(task_id))
        said = str(stopped.value)
        assert all(part in said for part in parts), said
        assert chain.said(task_id) == said
    assert changing_calls(prepared.sandbox) == []
    assert whole_state(prepared.sandbox) == before


def setting(tmp_path: Path, **values: Any) -> None:
    """Change settings while the run is under way."""
    path = tmp_path / "config" / "institutions" / "demo.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) | values
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


@pytest.mark.parametrize("name", RECORDED)
def test_nothing_is_sent_when_a_file_was_edited(prepared: Prepared, chain: Chain, name: str) -> None:
    folder = chain.open().folder
    folder.write(name, folder.read(name) + b"\n")
    require_refused(prepared, chain, name, "not the file that its task wrote", "nothing was sent to Alma")


@pytest.mark.parametrize("name", RECORDED)
def test_nothing_is_sent_when_a_file_is_lost(prepared: Prepared, chain: Chain, name: str) -> None:
    (chain.open().folder.path / name).unlink()
    require_refused(prepared, chain, f"no {name}")


@pytest.mark.parametrize("name", RECORDED)
def test_nothing_is_sent_when_a_task_was_marked_success_by_hand(
    prepared: Prepared, chain: Chain, name: str
) -> None:
    task_id = RECORDED[name]
    del chain.xcoms[task_id, f"file:{name}"]
    require_refused(prepared, chain, f"{task_id} has not recorded {name}", "marked success by hand")


def moment(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"state": "rejected"}, "not approved"),
        ({"state": "timed_out"}, "not approved"),
        ({"state": "asked"}, "not approved"),
        ({"state": "refused"}, "not approved"),
        ({"digest": "0" * 64}, "digests differ"),
        ({"institution_code": "01OTHER_INST"}, "another institution, environment or run"),
        ({"environment": "production"}, "another institution, environment or run"),
        ({"run_id": "manual__earlier"}, "another institution, environment or run"),
        ({"answered_by": None}, "does not say who approved"),
        ({"valid_until": None}, "does not say who approved"),
        ({"valid_until": moment(-0.01)}, "approval expired at"),
        ({"answered_at": moment(100), "valid_until": moment(200), "deadline": moment(150)}, "in the future"),
        ({"code": "AAAAAAAA"}, "does not carry the code"),
    ],
)
def test_nothing_is_sent_without_a_valid_approval_of_exactly_this(
    prepared: Prepared, chain: Chain, changes: dict[str, Any], part: str
) -> None:
    run = chain.open()
    decision = json.loads(run.folder.read(files.DECISION)) | changes
    publish(chain.context("approve_purge"), run, files.DECISION, json.dumps(decision).encode())
    require_refused(prepared, chain, part, "Nothing more was sent to Alma", "To go on, ")
    assert ASK_AGAIN in chain.said("regroup_users")
    assert NEW_RUN in chain.said("purge_users")


def test_a_reject_is_a_reject(prepared: Prepared, chain: Chain) -> None:
    chain.approve(Choice.REJECT)
    require_refused(prepared, chain, "not approved", "rejected")


@pytest.mark.parametrize(
    "values",
    [
        {"rules": {}},
        {"guards": {**GUARDS, "max_count": 499}},
        {"mode": "pilot"},
    ],
)
def test_nothing_is_sent_when_the_settings_have_changed(
    prepared: Prepared, chain: Chain, tmp_path: Path, values: dict[str, Any]
) -> None:
    setting(tmp_path, **values)
    require_refused(prepared, chain, "Something has changed since the review", "nothing was sent to Alma")


def test_nothing_is_sent_when_the_overrides_have_changed(prepared: Prepared, chain: Chain) -> None:
    chain.params = {"guard_overrides": {"max_count": 900}}
    require_refused(prepared, chain, "Something has changed since the review")


def test_nothing_is_sent_when_the_marker_group_has_changed(
    prepared: Prepared, chain: Chain, tmp_path: Path
) -> None:
    setting(tmp_path, marker_group="DEPT")
    require_refused(prepared, chain, "'OKTOPURGE'", "'DEPT'")


@pytest.mark.parametrize(("name", "value"), [("institution", "01OTHER_INST"), ("environment", "PRODUCTION")])
def test_nothing_is_sent_to_another_tenant(
    prepared: Prepared, chain: Chain, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setattr(prepared.sandbox.tenant, name, value)
    require_refused(prepared, chain, "alma_demo belongs to", "demo.yaml says", "nothing was changed")


@pytest.fixture
def free_chain(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chain:
    """A run of its own with a tenant of its own, approved."""
    del sandbox
    own_config(monkeypatch, tmp_path / "config", guards=GUARDS)
    made = Chain()
    made.to_review()
    made.approve()
    return made


def test_an_approved_list_is_moved_and_purged_and_nobody_else(
    sandbox: RunningSandbox, free_chain: Chain
) -> None:
    approved = free_chain.approved()
    before = {one.primary_id: one.user_group for one in people(sandbox)}
    free_chain.start("regroup_users")
    (held,) = sandbox.tenant.sets.all()
    assert sorted(members_of(sandbox, held.set_id)) == approved
    free_chain.finish("regroup_users")
    after = {one.primary_id: one.user_group for one in people(sandbox)}
    assert {key for key in after if after[key] != before[key]} == set(approved)
    assert {after[key] for key in approved} == {MARKER}
    free_chain.start("purge_users")
    free_chain.finish("purge_users")
    left = {one.primary_id for one in people(sandbox)}
    refusing = {one.primary_id for one in people(sandbox) if one.blockers}
    assert set(before) - left == set(approved) - refusing
    assert len(job_starts(sandbox)) == 2


def test_the_frozen_payload_is_sent_whatever_the_file_says_now(
    sandbox: RunningSandbox, free_chain: Chain, tmp_path: Path
) -> None:
    edit_payload(
        tmp_path / "config",
        "update_notify_users.json",
        lambda values: values.update({"UPDATE_User_Information_UserGroup_Value": "DEPT"}),
    )
    free_chain.start("regroup_users")
    (run,) = sandbox.tenant.jobs.runs
    assert run.parameters["UPDATE_User_Information_UserGroup_Value"] == MARKER
    frozen = json.loads(free_chain.open().folder.read(files.REGROUP_PAYLOAD))["parameter"]
    sent = {one["name"]["value"]: one["value"] for one in frozen}
    assert run.parameters == sent | {name: run.parameters[name] for name in ("set_id", "job_name")}
