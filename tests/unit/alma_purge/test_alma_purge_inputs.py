import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tests.support.config import own_config
from tests.support.flow import connect
from tests.support.task_context import TaskStandIn, task_context
from tests.support.tenant import arm, changing_calls, whole_state, workbooks

from alma_purge import files
from alma_purge.documents import ExclusionManifest, JobRecord, JobStage, ReportFacts
from alma_purge.operators.base import PurgeOperator
from alma_purge.operators.fetch_exclusions import FetchExclusionsOperator
from alma_purge.operators.preflight import PreflightOperator
from alma_purge.operators.pull_report import PullReportOperator
from alma_purge.run_folder import RunFolder, sha256_of
from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")


def run(operator: type[PurgeOperator]) -> TaskStandIn:
    task_id = "fetch_exclusions" if operator is FetchExclusionsOperator else "pull_report"
    ti = TaskStandIn(task_id)
    operator(task_id=task_id).execute(task_context(ti))
    return ti


def stop_of(operator: type[PurgeOperator]) -> str:
    """Run an operator and expect it to stop for good."""
    with pytest.raises(AirflowFailException) as stopped:
        run(operator)
    return str(stopped.value)


def require_untouched(sandbox: RunningSandbox, said: str) -> None:
    assert changing_calls(sandbox) == []
    for person in sandbox.tenant.users:
        assert person.primary_id not in said


def test_the_files_are_stored_as_fetched_and_described(sandbox: RunningSandbox, folder: RunFolder) -> None:
    ti = run(FetchExclusionsOperator)
    manifest = ExclusionManifest.model_validate_json(folder.read(files.EXCLUSIONS))
    assert len(manifest.files) == 3
    for one in manifest.files:
        content = (sandbox.sftp_folder / one.remote_name).read_bytes()
        assert folder.read(one.stored_name) == content
        assert ti.said(f"file:{one.stored_name}") == one.sha256 == sha256_of(content)
        assert one.rows >= one.ids + one.names > 0
    assert str(ti.said("summary")).startswith("3 exclusion files fetched, ")
    assert all(
        person.primary_id not in json.dumps(list(ti.xcoms.values())) for person in sandbox.tenant.users
    )


@pytest.mark.parametrize(
    ("action", "book", "parts"),
    [
        ("drop", "loans", ('"User loan counts at other i-share libraries XYZ*.xlsx"', "Ask the producer")),
        ("stale", "pids", ("PIDs for users with loans", "too old", "at most 36 hours")),
        ("truncate", "fines", ("Users with fines", "incomplete or damaged")),
        ("headless", "pids", ("PIDs for users with loans", "no column headed", "exclusion_id_headings")),
    ],
)
def test_a_bad_exclusion_file_stops_with_a_sentence(
    sandbox: RunningSandbox, action: str, book: str, parts: tuple[str, ...]
) -> None:
    workbooks(sandbox, action, book=book)
    before = whole_state(sandbox)
    said = stop_of(FetchExclusionsOperator)
    assert all(part in said for part in (*parts, "othing was changed")), said
    assert whole_state(sandbox) == before
    require_untouched(sandbox, said)


def test_a_server_that_is_down_is_tried_again_and_recorded_as_no_stop(sandbox: RunningSandbox) -> None:
    sandbox.stop()
    ti = TaskStandIn("fetch_exclusions")
    with pytest.raises(AirflowException) as failed:
        FetchExclusionsOperator(task_id="fetch_exclusions").execute(task_context(ti))
    assert not isinstance(failed.value, AirflowFailException)
    assert ti.said() is None


def test_the_report_is_stored_whole(sandbox: RunningSandbox, folder: RunFolder) -> None:
    ti = run(PullReportOperator)
    facts = ReportFacts.model_validate_json(folder.read(files.REPORT_FACTS))
    rows = list(csv.DictReader(io.StringIO(folder.read(files.REPORT).decode())))
    assert facts.rows == len(rows) > 50
    due = {one.primary_id for one in sandbox.tenant.users if one.scenario in {"clean", "active_loan"}}
    assert due <= {row["primary_id"] for row in rows}
    assert ti.said("summary") == f"{len(rows):,} rows in the Analytics report."


def test_an_unknown_report_names_path_setting_and_file(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "config", report={"path": "/shared/Nowhere/Report"})
    said = stop_of(PullReportOperator)
    parts = ("no report at /shared/Nowhere/Report", "report.path in demo.yaml", "nothing was changed")
    assert all(part in said for part in parts), said
    require_untouched(sandbox, said)


def test_a_report_without_the_id_column_names_what_it_looked_for(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = sandbox.report_path
    own_config(monkeypatch, tmp_path / "config", report={"path": path, "id_headings": ["Barcode"]})
    said = stop_of(PullReportOperator)
    assert "Barcode" in said
    assert "othing was changed" in said
    require_untouched(sandbox, said)


def test_a_report_with_a_mostly_empty_id_column_names_the_column(
    sandbox: RunningSandbox, folder: RunFolder
) -> None:
    with sandbox.tenant.lock:
        reports = sandbox.tenant.reports
        reports.copies = [replace(one, primary_id=None) for one in reports.copies]
    said = stop_of(PullReportOperator)
    parts = ('its column "Primary Identifier" is empty', "report.id_headings", "Nothing was changed")
    assert all(part in said for part in parts), said
    assert folder.read_if_there(files.REPORT) is None
    require_untouched(sandbox, said)


@pytest.fixture
def long_report(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSandbox]:
    """A tenant whose report takes two pages."""
    with running_sandbox(users=1100, switches={"analytics_lag_days": 0}) as running:
        connect(monkeypatch, running)
        with running.tenant.lock:
            for person in running.tenant.users:
                person.purge_date = date(2020, 1, 1)
        yield running


@pytest.mark.parametrize(("times", "read"), [(2, True), (3, False)])
def test_a_report_that_breaks_off_is_begun_anew_and_given_up_in_the_end(
    long_report: RunningSandbox, folder: RunFolder, times: int, *, read: bool
) -> None:
    run(PullReportOperator)
    whole = folder.read(files.REPORT)
    assert whole.count(b"\n") > 1000
    arm(long_report, "500", method="GET", path="token=", times=times)
    if read:
        run(PullReportOperator)
        assert folder.read(files.REPORT) == whole
    else:
        ti = TaskStandIn("pull_report")
        with pytest.raises(AirflowException, match="broke off after its first page"):
            PullReportOperator(task_id="pull_report").execute(task_context(ti))
        assert ti.said() is None, "another try may help"
    assert [fault.fired for fault in long_report.tenant.faults.armed] == [times]


@pytest.mark.parametrize("operator", [PreflightOperator, FetchExclusionsOperator, PullReportOperator])
def test_an_early_task_does_not_run_again_after_a_regroup(
    sandbox: RunningSandbox, folder: RunFolder, operator: type[PurgeOperator]
) -> None:
    sent = JobRecord(stage=JobStage.INTENDED, job_id="M148", job_name="regroup-x", attempt=1)
    folder.write(files.REGROUP_RECORD, sent.to_bytes())
    said = stop_of(operator)
    assert "already moved people to the group OKTOPURGE" in said
    assert "Clear restore_kept first" in said
    folder.write(
        files.RESTORE,
        b'{"needed": 1, "restored": 1, "already_moved": 0, "failed": 0, "gone": 0, "complete": true}',
    )
    assert "Everybody has their group back; trigger a new run" in stop_of(operator)
    require_untouched(sandbox, said)
