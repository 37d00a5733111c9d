import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from patron_purge.errors import ConfigurationError
from patron_purge.institution import Institution, load_institution
from patron_purge.purge_page import (
    JOB_TITLE,
    TypedCounts,
    frozen_criteria,
    is_valid,
    page_criteria,
    purge_title,
    read_counts,
)

DEMO = Path(__file__).resolve().parents[3] / "include" / "institutions" / "demo.yaml"
SHOWN = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)


def settings(folder: Path, **changes: object) -> Institution:
    content = yaml.safe_load(DEMO.read_text(encoding="utf-8")) | {"engine": "manual"} | changes
    path = folder / "demo.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_institution(path)


def test_the_criteria_say_what_the_rules_say(tmp_path: Path) -> None:
    rules = {"days_after_purge_date": 30, "waive_threshold": "9.99", "record_types": ["STAFF"]}
    institution = settings(tmp_path, rules=rules, purge_job=None)
    assert page_criteria(institution).fields() == (
        ("Number of days after purge date", "30"),
        ("User record type", "Staff"),
        ("User group", "OKTOPURGE"),
        ("Waive threshold", "9.99"),
    )
    assert purge_title(institution) == JOB_TITLE


def test_other_criteria_are_other_bytes(tmp_path: Path) -> None:
    one = frozen_criteria(page_criteria(settings(tmp_path, rules={"waive_threshold": 1})))
    other = frozen_criteria(page_criteria(settings(tmp_path, rules={"waive_threshold": 2})))
    assert one.sha256 != other.sha256
    assert json.loads(one.raw)["Waive threshold"] == "1.00"
    assert dict(one.parameters)["Waive threshold"] == "1.00"


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"engine": "job", "purge_job": None}, "purge_job is missing"),
        ({"rules": {"record_types": ["PUBLIC", "STAFF"]}}, "exactly PUBLIC or exactly STAFF"),
        ({"rules": {"record_types": ["CONTACT"]}}, "exactly PUBLIC or exactly STAFF"),
    ],
)
def test_settings_that_do_not_fit_the_engine_are_refused(
    tmp_path: Path, changes: dict[str, object], part: str
) -> None:
    with pytest.raises(ConfigurationError, match=part):
        settings(tmp_path, **changes)


@pytest.mark.parametrize(
    ("purged", "kept", "counts"),
    [
        (12, 3, TypedCounts(12, 3)),
        ("1,240", " 0 ", TypedCounts(1240, 0)),
        (12.0, "3", TypedCounts(12, 3)),
        (None, 3, None),
        ("", "3", None),
        (12, -1, None),
        ("12.5", 3, None),
        ("NaN", 3, None),
        (True, {}, None),
    ],
)
def test_typed_counts_are_whole_numbers_or_none(
    purged: object, kept: object, counts: TypedCounts | None
) -> None:
    assert read_counts(purged, kept) == counts


def test_the_criteria_are_valid_for_half_an_hour() -> None:
    assert is_valid(SHOWN, SHOWN + timedelta(minutes=30))
    assert not is_valid(SHOWN, SHOWN + timedelta(minutes=30, seconds=1))
    assert not is_valid(SHOWN, SHOWN - timedelta(seconds=1))
