"""Which day a task works on, when it is another day in UTC."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.support.chain import Chain
from tests.support.config import own_config
from tests.support.flow import connect
from tests.support.tenant import change

from alma_purge import files
from alma_purge.documents import ExclusionManifest
from alma_purge.operators import base
from alma_purge.operators.fetch_exclusions import FetchExclusionsOperator
from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")


def set_clock_to(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let tasks begin at another moment."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return moment.astimezone(tz)

    monkeypatch.setattr(base, "datetime", Frozen)


@pytest.mark.parametrize(
    ("zone", "utc", "day"),
    [
        ("America/Chicago", datetime(2026, 12, 1, 5, 59, tzinfo=UTC), "2026-11-30"),
        ("America/Chicago", datetime(2026, 12, 1, 6, 0, tzinfo=UTC), "2026-12-01"),
        ("America/Chicago", datetime(2026, 3, 8, 5, 59, tzinfo=UTC), "2026-03-07"),
        ("America/Chicago", datetime(2026, 3, 9, 4, 59, tzinfo=UTC), "2026-03-08"),
        ("America/Chicago", datetime(2026, 3, 9, 5, 0, tzinfo=UTC), "2026-03-09"),
        ("America/Chicago", datetime(2026, 11, 2, 5, 59, tzinfo=UTC), "2026-11-01"),
        ("America/Chicago", datetime(2026, 11, 2, 6, 0, tzinfo=UTC), "2026-11-02"),
        ("Pacific/Auckland", datetime(2026, 11, 30, 11, 0, tzinfo=UTC), "2026-12-01"),
        ("UTC", datetime(2026, 11, 30, 23, 59, tzinfo=UTC), "2026-11-30"),
    ],
)
def test_a_run_s_day_is_the_library_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, zone: str, utc: datetime, day: str
) -> None:
    own_config(monkeypatch, tmp_path / "config", timezone=zone)
    set_clock_to(monkeypatch, utc)
    run = Chain().open()
    assert run.now.date().isoformat() == day
    assert run.now == utc
    assert run.now.tzinfo == ZoneInfo(zone)


def test_the_age_of_a_file_is_told_by_the_library_s_clock(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "config")
    chain = Chain()
    FetchExclusionsOperator(task_id="fetch_exclusions").execute(chain.context("fetch_exclusions"))
    text = chain.open().folder.read(files.EXCLUSIONS).decode()
    manifest = ExclusionManifest.model_validate_json(text)
    for one in manifest.files:
        assert (
            one.data_as_of.utcoffset() == one.data_as_of.astimezone(ZoneInfo("America/Chicago")).utcoffset()
        )
        assert f"{one.data_as_of:%H:%M}" == "18:00"


def test_whoever_has_a_date_of_today_is_kept_although_utc_is_a_day_ahead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    late_evening = datetime(2026, 12, 1, 5, 30, tzinfo=UTC)  # still 30 November in Chicago
    set_clock_to(monkeypatch, late_evening)
    guards = {"max_percent_of_report": 100, "max_count_without_history": 500}
    own_config(monkeypatch, tmp_path / "config", guards=guards)
    with running_sandbox(users=200, start_at=late_evening, frozen=True) as sandbox:
        connect(monkeypatch, sandbox)
        chain = Chain()
        chain.to_review()
        listed = chain.approved()
        today, yesterday = date(2026, 11, 30), date(2026, 11, 29)
        purges_today, purged_yesterday, expires_today, expired_yesterday = listed[:4]
        change(sandbox, purges_today, purge_date=today)
        change(sandbox, purged_yesterday, purge_date=yesterday)
        change(sandbox, expires_today, expiry_date=today)
        change(sandbox, expired_yesterday, expiry_date=yesterday)
        again = Chain("manual__again")
        again.to_review()
        assert again.approved() == [key for key in listed if key not in {purges_today, expires_today}]
