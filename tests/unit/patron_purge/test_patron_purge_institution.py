from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from patron_purge.errors import ConfigurationError
from patron_purge.institution import load_institution
from patron_purge.states import Mode

DEMO = Path(__file__).parents[3] / "include" / "institutions" / "demo.yaml"


def written(folder: Path, **changes: Any) -> Path:
    settings = yaml.safe_load(DEMO.read_text(encoding="utf-8")) | changes
    path = folder / "xyz.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in settings.items() if value != "LEFT OUT"}))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_institution(path)
    return str(refused.value)


def test_what_is_left_out_is_the_careful_choice(tmp_path: Path) -> None:
    left_out = dict.fromkeys(("mode", "rules", "guards", "protect_list", "schedule"), "LEFT OUT")
    institution = load_institution(written(tmp_path, **left_out))
    assert institution.mode is Mode.REPORT_ONLY
    assert institution.schedule is None
    assert institution.rules.waive_threshold == Decimal(0)
    assert institution.rules.days_after_purge_date == 1
    assert institution.guards.max_waived_money == Decimal(0)
    assert institution.guards.max_count_without_history == 25
    assert institution.approval_hours == 72


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"modes": "full"}, "modes: there is no such setting"),
        ({"marker_group": "LEFT OUT"}, "marker_group: is missing"),
        ({"mode": "fulll"}, "mode: "),
        ({"environment": "prod"}, "environment: "),
        ({"timezone": "Chicago"}, "timezone: unknown time zone 'Chicago'"),
        ({"schedule": "monthly please"}, "schedule: 'monthly please' is no cron expression"),
        ({"exclusion_files": []}, "exclusion_files: "),
        ({"calls_per_second": 200}, "calls_per_second: "),
        ({"rules": {"days_after_purge_date": 0}}, "rules.days_after_purge_date: "),
        ({"rules": {"waive_treshold": 5}}, "rules.waive_treshold: there is no such setting"),
        ({"code": "../evil"}, "code: "),
    ],
)
def test_a_mistake_is_named_with_its_setting(tmp_path: Path, changes: dict[str, Any], part: str) -> None:
    said = refusal(written(tmp_path, **changes))
    assert "xyz.yaml has 1 mistake(s)" in said
    assert part in said
    assert "nothing was changed" in said


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    said = refusal(written(tmp_path, marker_group="LEFT OUT", colour="red"))
    assert "xyz.yaml has 2 mistake(s)" in said
    assert "marker_group" in said
    assert "colour" in said


@pytest.mark.parametrize("content", [b"code: [", b"\xff\xfe\x00", b"- a list", b""])
def test_a_file_without_settings_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "xyz.yaml"
    path.write_bytes(content)
    assert "xyz.yaml" in refusal(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "xyz.yaml can't be read" in refusal(tmp_path / "xyz.yaml")
