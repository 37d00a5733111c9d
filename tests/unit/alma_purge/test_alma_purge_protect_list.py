"""A protect list on the SFTP server, from the fetch to the last check."""

from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException
from tests.support.chain import ACTING, TO_THE_REVIEW, Chain
from tests.support.config import own_config
from tests.support.tenant import changing_calls, job_starts, whole_state

from alma_purge import files
from alma_purge.documents import ExclusionManifest
from alma_purge.run_folder import sha256_of
from alma_sandbox.server import RunningSandbox
from alma_sandbox.sftp import OneLoginServer
from patron_purge.ledger import read_ledger_csv

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

HEADING = "kind,value,owner,reason,end_date\n"
GUARDS = {"max_percent_of_report": 100, "max_count_without_history": 500}


def put(sandbox: RunningSandbox, *ids: str) -> Path:
    path = sandbox.sftp_folder / "protected.csv"
    path.write_text(HEADING + "".join(f'id,"{key}",Olga,scholar,\n' for key in ids), encoding="utf-8")
    return path


@pytest.fixture
def chain(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chain:
    """A run whose institution keeps a list on the server and another one beside its settings."""
    put(sandbox)
    own_config(monkeypatch, tmp_path / "config", guards=GUARDS, protect_list_sftp="protected*.csv")
    return Chain()


def reasons(chain: Chain) -> dict[str, tuple[str, str]]:
    ledger = read_ledger_csv(chain.open().folder.read(files.LEDGER_REVIEWED))
    rows = zip(ledger["primary_id"], ledger["reason"], ledger["detail"], strict=True)
    return {key: (reason, detail) for key, reason, detail in rows}


def test_whoever_is_on_either_list_is_held_back(sandbox: RunningSandbox, chain: Chain) -> None:
    chain.to_review()
    first, *others = chain.approved()
    own = {key for key, (reason, _) in reasons(chain).items() if reason == "protect_list"}
    assert own, "the list beside the settings protects somebody"
    digest = chain.review().digest
    path = put(sandbox, first)
    chain.to_review()
    assert chain.approved() == others
    assert reasons(chain)[first] == ("protect_list", "id: scholar (Olga)")
    assert {key for key, (reason, _) in reasons(chain).items() if reason == "protect_list"} == own | {first}
    assert chain.review().digest != digest
    manifest = ExclusionManifest.model_validate_json(chain.open().folder.read(files.EXCLUSIONS))
    assert manifest.protect_list is not None
    assert (manifest.protect_list.remote_name, manifest.protect_list.entries) == ("protected.csv", 1)
    assert chain.open().folder.read(files.PROTECT_LIST) == path.read_bytes()
    assert chain.said("fetch_exclusions", f"file:{files.PROTECT_LIST}") == sha256_of(path.read_bytes())
    assert "and a protect list (entries: 1) fetched" in chain.said("fetch_exclusions", "summary")


def test_a_list_that_is_not_the_fetched_one_stops(sandbox: RunningSandbox, chain: Chain) -> None:
    chain.to_review()
    chain.open().folder.write(files.PROTECT_LIST, HEADING.encode() + b"id,another,Olga,,\n")
    for task_id in ("select_candidates", "check_live"):
        with pytest.raises(
            AirflowFailException, match=r"protect-list.csv .* is not the file that its task wrote"
        ):
            TO_THE_REVIEW[task_id](task_id=task_id).execute(chain.context(task_id))
    assert changing_calls(sandbox) == []


def test_a_setting_newer_than_the_fetch_stops(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "before", guards=GUARDS)
    chain.to_review()
    own_config(monkeypatch, tmp_path / "after", guards=GUARDS, protect_list_sftp="protected*.csv")
    with pytest.raises(
        AirflowFailException, match=r"protect_list_sftp of demo.yaml is newer.*fetch_exclusions"
    ):
        TO_THE_REVIEW["check_live"](task_id="check_live").execute(chain.context("check_live"))


def test_whoever_is_put_on_the_list_after_the_approval_is_never_moved(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    chain.to_review()
    chain.approve()
    first, *others = chain.approved()
    put(sandbox, first)
    chain.start("regroup_users")
    (run,) = [run for run in sandbox.tenant.jobs.runs if run.job_id == "M148"]
    assert run.captured is not None
    everybody = {person.serial: person.primary_id for person in sandbox.tenant.users}
    assert sorted(everybody[serial] for serial in run.captured) == sorted(others)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No protect list matches"), ("no list", "protected.csv needs each of the columns")],
)
def test_preflight_looks_for_the_list_already(
    sandbox: RunningSandbox, chain: Chain, content: str | None, said: str
) -> None:
    path = put(sandbox)
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    assert said in chain.stop("preflight")
    assert changing_calls(sandbox) == []
    put(sandbox, "somebody")
    TO_THE_REVIEW["preflight"](task_id="preflight").execute(chain.context("preflight"))
    assert (
        "The protect list protected.csv lies in the SFTP folder."
        in chain.document("preflight.json")["checks"]
    )


def test_without_the_setting_preflight_does_not_log_in(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "config")
    monkeypatch.setattr(OneLoginServer, "begin_auth", lambda _self, _user: pytest.fail("somebody logs in"))
    TO_THE_REVIEW["preflight"](task_id="preflight").execute(Chain().context("preflight"))


UNKNOWN_GROUP = HEADING + "group,FAC,Olga,typing mistake,\n"


def test_preflight_stops_at_a_group_that_alma_does_not_know(sandbox: RunningSandbox, chain: Chain) -> None:
    put(sandbox).write_text(UNKNOWN_GROUP, encoding="utf-8")
    said = chain.stop("preflight")
    assert "no user group FAC, which the protect list protected.csv in the SFTP folder names" in said
    assert changing_calls(sandbox) == []


@pytest.mark.parametrize("task_id", ["check_live", "regroup_users"])
def test_a_group_that_is_put_on_the_list_later_stops_too(
    sandbox: RunningSandbox, chain: Chain, task_id: str
) -> None:
    chain.to_review()
    chain.approve()
    put(sandbox).write_text(UNKNOWN_GROUP, encoding="utf-8")
    if task_id == "check_live":
        for earlier in ("fetch_exclusions", "pull_report", "select_candidates"):
            TO_THE_REVIEW[earlier](task_id=earlier).execute(chain.context(earlier))
    operator = (TO_THE_REVIEW | ACTING)[task_id]
    with pytest.raises(AirflowFailException, match="no user group FAC, which the protect list names"):
        operator(task_id=task_id).execute(chain.context(task_id))
    assert job_starts(sandbox) == []


def finished(chain: Chain) -> None:
    """End a run that only reports, so that it is on the history."""
    chain.to_review()
    for task_id in ("reconcile", "restore_kept", "certify"):
        chain.account(task_id)


@pytest.mark.parametrize("which", ["in the SFTP folder", "beside the settings"])
def test_a_list_that_has_shrunk_since_the_last_run_stops(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, which: str
) -> None:
    config = own_config(monkeypatch, tmp_path / "config", guards=GUARDS, protect_list_sftp="protected*.csv")
    beside = config / "institutions" / "demo-protect.csv"
    rows = [f"id,guest{number},Olga,scholar,2020-01-01\n" for number in range(30)]
    for path in (beside, sandbox.sftp_folder / "protected.csv"):
        path.write_text(HEADING + "".join(rows), encoding="utf-8")
    finished(Chain("manual__first", mode="report_only"))
    shrunk = beside if which == "beside the settings" else sandbox.sftp_folder / "protected.csv"
    shrunk.write_text(HEADING + "".join(rows[:20]), encoding="utf-8")
    chain = Chain("manual__second")
    said = chain.stop_at_review()
    assert "exclusion_drop: Protect list" in said
    assert "20 rows, 30 in the last run, 33.3 % fewer; limit 30 %" in said
    assert ("in the SFTP folder:" in said) is (which == "in the SFTP folder")
    assert changing_calls(sandbox) == []
    Chain("manual__third", guard_overrides={"exclusion_drop": 40}).to_review()


@pytest.mark.parametrize("content", [None, "no list"])
def test_without_a_readable_list_nothing_is_sent(
    sandbox: RunningSandbox, chain: Chain, content: str | None
) -> None:
    chain.to_review()
    chain.approve()
    before = whole_state(sandbox)
    path = put(sandbox)
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(AirflowFailException, match=r"[Pp]rotect list") as stopped:
        ACTING["regroup_users"](task_id="regroup_users").execute(chain.context("regroup_users"))
    assert "othing was changed" in str(stopped.value) or "nothing was changed" in str(stopped.value)
    assert job_starts(sandbox) == []
    assert whole_state(sandbox) == before


def test_review_shows_both_lists_among_its_inputs(sandbox: RunningSandbox, chain: Chain) -> None:
    chain.to_review()
    first, second, *_ = chain.approved()
    path = put(sandbox, first, second, "nobody-1")
    chain.to_review()
    shown = {one.name: one for one in chain.review().inputs}
    own, fetched = (one for name, one in shown.items() if name.startswith("Protect list"))
    assert own.name == "Protect list: demo-protect.csv"
    assert (own.rows, own.data_date, own.match_rate) == (3, None, None)
    assert fetched.name == "Protect list from the SFTP folder: protected.csv"
    assert (fetched.rows, fetched.matched, fetched.sha256) == (3, 2, sha256_of(path.read_bytes()))
    protected = sum(reason == "protect_list" for reason, _ in reasons(chain).values())
    assert (own.matched or 0) + 2 == protected


def test_review_says_how_many_of_each_file_are_in_the_report(chain: Chain) -> None:
    chain.to_review()
    inputs = [one for one in chain.review().inputs if one.listed is not None]
    assert len(inputs) == 3
    for one in inputs:
        assert 0 < (one.listed or 0) <= one.rows
        assert one.match_rate is not None
        assert 0 < one.match_rate <= 100
    # The first file lists whom the others list, so only it holds people back by id; each is counted by itself.
    assert sum(one.listed or 0 for one in inputs) > sum(one.matched or 0 for one in inputs)
