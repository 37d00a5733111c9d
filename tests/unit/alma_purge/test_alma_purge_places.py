import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.timetables.trigger import CronTriggerTimetable
from hypothesis import given
from hypothesis import strategies as st
from tests.support.config import own_config

from alma_purge.places import (
    dag_id_of,
    institution_entries,
    institution_of_dag,
    job_payload,
    run_folder_name,
    store_root,
)
from alma_purge.run_folder import FileRef, RunFolder, sha256_of
from alma_purge.schedule import next_run_after
from patron_purge.errors import ConfigurationError, RunFileError

CHICAGO = ZoneInfo("America/Chicago")


def local(folder: RunFolder) -> Path:
    return Path(folder.path.path)


def test_a_file_is_written_for_its_owner_only(folder: RunFolder) -> None:
    ref = folder.write("ledger.csv", b"rows")
    assert ref == FileRef("ledger.csv", sha256_of(b"rows"))
    assert folder.read_checked(ref) == b"rows"
    assert (local(folder) / "ledger.csv").stat().st_mode & 0o777 == 0o600
    assert local(folder).stat().st_mode & 0o777 == 0o700


def test_a_file_is_replaced_as_a_whole(folder: RunFolder) -> None:
    folder.write("ledger.csv", b"a long first version")
    first = (local(folder) / "ledger.csv").stat().st_ino
    with (local(folder) / "ledger.csv").open("rb") as reader:
        folder.write("ledger.csv", b"second")
        assert reader.read() == b"a long first version"
    assert folder.read("ledger.csv") == b"second"
    assert (local(folder) / "ledger.csv").stat().st_ino != first
    assert [path.name for path in local(folder).iterdir()] == ["ledger.csv"]


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("ledger.csv", b"first")

    def full(_descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        folder.write("ledger.csv", b"second")
    assert folder.read("ledger.csv") == b"first"
    assert [path.name for path in local(folder).iterdir()] == ["ledger.csv"]


def test_a_changed_file_is_noticed(folder: RunFolder) -> None:
    ref = folder.write("ledger.csv", b"rows")
    (local(folder) / "ledger.csv").write_bytes(b"rows and one more")
    with pytest.raises(
        RunFileError, match=r"ledger\.csv .*not the file that its task wrote.*nothing was sent"
    ):
        folder.read_checked(ref)


def test_a_missing_file_is_noticed(folder: RunFolder) -> None:
    assert folder.read_if_there("ledger.csv") is None
    with pytest.raises(RunFileError, match=r"no ledger\.csv.*trigger a new run"):
        folder.read("ledger.csv")
    with pytest.raises(RunFileError, match=r"no ledger\.csv"):
        folder.read_checked(FileRef("ledger.csv", sha256_of(b"")))


@given(st.text(min_size=1, max_size=120))
def test_a_run_s_folder_name_is_safe_everywhere(run_id: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{0,60}-[0-9a-f]{8}", run_folder_name(run_id))


@given(st.sets(st.text(min_size=1, max_size=80), min_size=2, max_size=10))
def test_two_runs_never_share_a_folder(run_ids: set[str]) -> None:
    assert len({run_folder_name(run_id) for run_id in run_ids}) == len(run_ids)


def test_similar_run_ids_have_folders_of_their_own() -> None:
    alike = [
        "manual__2026-03-02T06:00:00+00:00",
        "manual__2026-03-02T06_00_00_00_00",
        "../../etc",
        "..",
        "/etc",
    ]
    assert len({run_folder_name(run_id) for run_id in alike}) == len(alike)
    assert RunFolder.of_run("demo", "../../etc").path.parent == store_root() / "demo"


def test_an_institution_is_found_by_its_dag(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own_config(monkeypatch, tmp_path / "config")
    assert institution_of_dag(dag_id_of("demo")).code == "demo"
    for unknown in ("alma_user_purge_other", "demo", "alma_user_purge_../demo"):
        with pytest.raises(ConfigurationError, match="No institution file belongs to the DAG"):
            institution_of_dag(unknown)


def test_a_file_with_mistakes_hides_no_other_institution(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = own_config(monkeypatch, tmp_path / "config")
    (config / "institutions" / "broken.yaml").write_text("code: broken\n", encoding="utf-8")
    broken, demo = institution_entries()
    assert (broken.code, broken.environment, broken.timetable()) == (
        "broken",
        "settings need correction",
        None,
    )
    assert (demo.code, demo.approvers) == ("demo", ("olga",))
    assert demo.timetable() is not None


@pytest.mark.parametrize("outside", ["../institutions/demo.yaml", "/etc/hostname", "more/purge_users.json"])
def test_a_payload_lies_in_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outside: str) -> None:
    config = own_config(monkeypatch, tmp_path / "config")
    assert job_payload("purge_users.json") == (config / "jobs" / "purge_users.json").read_bytes()
    with pytest.raises(ConfigurationError, match="must lie in include/jobs"):
        job_payload(outside)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 2, 15, 12, tzinfo=CHICAGO), datetime(2026, 3, 2, 6, tzinfo=CHICAGO)),
        (datetime(2026, 3, 2, 6, tzinfo=CHICAGO), datetime(2026, 4, 2, 6, tzinfo=CHICAGO)),
        (datetime(2026, 3, 2, 5, 59, tzinfo=CHICAGO), datetime(2026, 3, 2, 6, tzinfo=CHICAGO)),
        (datetime(2026, 10, 20, tzinfo=CHICAGO), datetime(2026, 11, 2, 6, tzinfo=CHICAGO)),
        (datetime(2026, 12, 31, 23, tzinfo=CHICAGO), datetime(2027, 1, 2, 6, tzinfo=CHICAGO)),
    ],
)
def test_the_next_run_keeps_its_hour_over_a_change_of_the_clocks(
    moment: datetime, expected: datetime
) -> None:
    institution = institution_of_dag("alma_user_purge_demo")
    following = next_run_after(institution, moment)
    assert following is not None
    assert following.astimezone(UTC) == expected.astimezone(UTC)


def moments() -> list[datetime]:
    hours = [(month, day, hour) for month in range(1, 13) for day in (1, 7, 8, 15, 28) for hour in (1, 3, 23)]
    return [datetime(2026, month, day, hour, 10, tzinfo=CHICAGO) for month, day, hour in hours]


@pytest.mark.parametrize("schedule", ["0 6 2 * *", "0 0 1 * *", "15 6 * * 1", "0 6 29 2 *", "0 6 L * *"])
def test_the_next_run_is_the_one_that_airflow_will_start(schedule: str) -> None:
    institution = institution_of_dag("alma_user_purge_demo").model_copy(update={"schedule": schedule})
    airflow = CronTriggerTimetable(schedule, timezone="America/Chicago")
    for moment in moments():
        following = next_run_after(institution, moment)
        assert following is not None
        assert following.astimezone(UTC) == airflow._get_next(pendulum.instance(moment.astimezone(UTC))), (
            moment
        )


@pytest.mark.parametrize("schedule", ["30 2 8 * *", "30 1 1 * *"])
def test_in_the_hour_that_the_clocks_skip_or_repeat_an_approval_never_outlives_the_next_run(
    schedule: str,
) -> None:
    institution = institution_of_dag("alma_user_purge_demo").model_copy(update={"schedule": schedule})
    airflow = CronTriggerTimetable(schedule, timezone="America/Chicago")
    for moment in moments():
        following = next_run_after(institution, moment)
        assert following is not None
        ours, theirs = following.astimezone(UTC), airflow._get_next(pendulum.instance(moment.astimezone(UTC)))
        assert theirs - timedelta(hours=1) <= ours <= theirs, moment


def test_an_institution_without_a_schedule_has_no_next_run() -> None:
    institution = institution_of_dag("alma_user_purge_demo").model_copy(update={"schedule": None})
    assert next_run_after(institution, datetime(2026, 3, 2, tzinfo=CHICAGO)) is None
