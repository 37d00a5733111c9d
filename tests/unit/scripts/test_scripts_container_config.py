"""What docker-compose.yaml gives to Airflow: an empty folder for a site, the demo institution for a rehearsal only."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from alma_purge.places import institution_files, job_payload
from patron_purge.institution import load_institution
from patron_purge.payloads import check_purge_payload, check_regroup_payload

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
REHEARSAL = ROOT / "docker" / "rehearsal"


def environment() -> dict[str, Any]:
    """Return what every service of Airflow gets."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE)["x-airflow"]["environment"]
    return found


def test_without_a_choice_a_site_shows_no_institution(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(re.findall(r"\$\{SITE_CONFIG:-([^}]*)\}", COMPOSE)) == {"./site"}
    assert re.findall(r"^SITE_CONFIG=(.*)$", ENV_EXAMPLE, re.MULTILINE) == ["./site"]
    monkeypatch.setenv("ALMA_PURGE_CONFIG", str(ROOT / "site"))
    assert institution_files() == []
    assert (ROOT / "site" / "institutions").is_dir()
    assert (ROOT / "site" / "jobs").is_dir()


def test_the_rehearsal_is_the_demo_institution_with_an_approver_whom_fab_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALMA_PURGE_CONFIG", str(REHEARSAL))
    (path,) = institution_files()
    here = load_institution(path)
    # FAB numbers its users; init.sh makes the administrator in an empty database.
    assert here.approvers == ("1",)
    demo = load_institution(ROOT / "include" / "institutions" / "demo.yaml")
    assert here == demo.model_copy(update={"approvers": here.approvers})
    assert here.protect_list is not None
    for name in (f"institutions/{here.protect_list}", *(f"jobs/{one.name}" for one in jobs())):
        assert (REHEARSAL / name).read_bytes() == (ROOT / "include" / name).read_bytes(), name
    assert here.purge_job is not None
    check_regroup_payload(job_payload(here.regroup_job.payload), here.marker_group)
    check_purge_payload(job_payload(here.purge_job.payload), here.marker_group, here.rules)


def jobs() -> list[Path]:
    return sorted((ROOT / "include" / "jobs").glob("*.json"))


def test_the_documented_rehearsal_uses_that_folder() -> None:
    command = "SITE_CONFIG=./docker/rehearsal docker compose --profile rehearsal up --build -d"
    assert command in COMPOSE
    assert command in (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")


def test_credentials_of_an_object_store_are_passed_on_only_when_they_are_set() -> None:
    # Without a value, compose passes a variable on from .env or not at all; an empty one breaks the S3 client.
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        assert environment()[name] is None
        assert re.search(rf"^# {name}=", ENV_EXAMPLE, re.MULTILINE)
        assert not re.search(rf"^{name}=", ENV_EXAMPLE, re.MULTILINE)


def test_a_connection_can_be_tested() -> None:
    assert environment()["AIRFLOW__CORE__TEST_CONNECTION"] == "Enabled"
