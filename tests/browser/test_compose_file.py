"""docker-compose.yaml as docker-compose itself reads it: `make test-browser` installs Debian's where possible."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import make_env

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = shutil.which("docker-compose")
pytestmark = pytest.mark.skipif(
    COMPOSE is None, reason="docker-compose is not installed, so docker-compose.yaml was not read by it"
)
# They do their work once and end: whoever needs them waits for their success.
ONE_SHOT = {"init", "rehearsal-connections"}
REHEARSAL = {"sandbox", "rehearsal-connections"}
FOREIGN = {"postgres", "redis"}
PINNED = re.compile(r"[\w./-]+(:\d+\.\d+(\.\d+)?[\w.-]*|@sha256:[0-9a-f]{64})")


@dataclass(frozen=True)
class Composed:
    """A folder with docker-compose.yaml and its .env.

    Attributes:
        folder: The folder.
        services: What docker-compose makes of it.
        secrets: The secrets in .env, by name.
    """

    folder: Path
    services: dict[str, dict[str, Any]]
    secrets: dict[str, str]


def compose(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Only the path: nothing that is set here may stand in for what .env must say.
    return subprocess.run(
        [str(COMPOSE), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def copy_site(folder: Path) -> None:
    for name in ("docker-compose.yaml", ".env.example"):
        shutil.copy(ROOT / name, folder / name)


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Composed:
    folder = tmp_path_factory.mktemp("compose")
    copy_site(folder)
    assert make_env.main(folder) == 0
    shown = compose(folder, "config")
    assert shown.returncode == 0, shown.stderr
    values = dict(
        line.split("=", 1) for line in (folder / ".env").read_text().splitlines() if re.match("[A-Z]", line)
    )
    secrets = {name: values[name] for name in make_env.SECRETS}
    return Composed(folder, yaml.safe_load(shown.stdout)["services"], secrets)


def test_every_part_of_airflow_is_a_service(composed: Composed) -> None:
    parts = {"init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
    assert set(composed.services) == parts | FOREIGN | REHEARSAL


def test_every_service_that_stays_up_tells_whether_it_works(composed: Composed) -> None:
    for name, service in composed.services.items():
        if name in ONE_SHOT:
            assert service["restart"] == "no", name
        else:
            assert service["healthcheck"]["test"], name
            assert not service["healthcheck"].get("disable"), name


def test_whoever_waits_for_a_service_waits_until_it_works(composed: Composed) -> None:
    for name, service in composed.services.items():
        for needed, how in (service.get("depends_on") or {}).items():
            expected = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
            assert how["condition"] == expected, f"{name} needs {needed}"


def test_every_service_has_a_memory_limit_and_an_ordinary_user(composed: Composed) -> None:
    for name, service in composed.services.items():
        assert re.fullmatch(r"\d+[mg]", str(service["mem_limit"])), name
        assert str(service.get("user", "root")).partition(":")[0] not in {"root", "0"}, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name


def test_every_image_has_a_version(composed: Composed) -> None:
    for name in FOREIGN:
        assert PINNED.fullmatch(composed.services[name]["image"]), name
    own = {name: one for name, one in composed.services.items() if name not in FOREIGN}
    assert {one["image"] for one in own.values()} == {"alma-user-purge:local"}
    assert all(Path(one["build"]["context"]) == composed.folder for one in own.values())
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(.+)$", dockerfile, re.MULTILINE)
    assert PINNED.fullmatch(base)
    assert re.findall(r"^FROM (.+)$", dockerfile, re.MULTILINE) == ["${PYTHON_IMAGE}"]


def test_own_services_start_by_the_entry_point_that_keeps_files_private(composed: Composed) -> None:
    for name, service in composed.services.items():
        assert "entrypoint" not in service, name
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert 'ENTRYPOINT ["/opt/alma-user-purge/docker/entrypoint.sh"]' in dockerfile
    for mask in ("0022", "0000"):
        script = f"umask {mask}; exec sh {ROOT}/docker/entrypoint.sh sh -c umask"
        shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        assert shown.stdout.strip() == "0077"


def test_there_may_be_several_workers(composed: Composed) -> None:
    worker = composed.services["worker"]
    assert not {"container_name", "ports", "hostname", "network_mode"} & set(worker)
    # Nothing else has a fixed name or a door to the outside either, but the pages.
    assert {name for name, one in composed.services.items() if "ports" in one} == {"api-server"}
    assert not [name for name, one in composed.services.items() if "container_name" in one]
    (port,) = composed.services["api-server"]["ports"]
    assert str(port).startswith("127.0.0.1:")


def test_the_rehearsal_tenant_is_started_only_when_asked_for(composed: Composed) -> None:
    assert {name for name, one in composed.services.items() if one.get("profiles")} == REHEARSAL
    assert all(composed.services[name]["profiles"] == ["rehearsal"] for name in REHEARSAL)
    sandbox = composed.services["sandbox"]
    # It gets neither the site's secrets nor its people.
    assert not sandbox.get("environment")
    assert [str(volume).partition(":")[0] for volume in sandbox["volumes"]] == ["rehearsal"]


def test_every_secret_comes_from_env(composed: Composed) -> None:
    written = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
    assembled = yaml.safe_dump(composed.services)
    for name, value in composed.secrets.items():
        assert value in assembled, f"{name} in .env is used nowhere"
        assert f"${{{name}:?" in written, name
    for service in composed.services.values():
        for variable, value in (service.get("environment") or {}).items():
            # Without a value it is passed on from .env when it is set there.
            if value is not None and re.search(
                r"PASSWORD|SECRET|KEY|SQL_ALCHEMY_CONN|BROKER|RESULT_BACKEND", variable
            ):
                assert [one for one in composed.secrets.values() if one in str(value)], variable


@pytest.mark.parametrize("name", sorted(make_env.SECRETS))
def test_without_a_secret_nothing_starts(tmp_path: Path, composed: Composed, name: str) -> None:
    copy_site(tmp_path)
    text = (composed.folder / ".env").read_text(encoding="utf-8")
    (tmp_path / ".env").write_text(re.sub(rf"^{name}=.*$", f"{name}=", text, flags=re.MULTILINE))
    refused = compose(tmp_path, "config")
    assert refused.returncode != 0
    assert "run make env" in refused.stderr


def test_git_holds_no_secret() -> None:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("This is no clone of git's: what git holds was not looked at.")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = listed.stdout.splitlines()
    assert ".env.example" in tracked
    assert not [name for name in tracked if Path(name).name == ".env"]
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in make_env.SECRETS:
        assert re.search(rf"^{name}=$", example, re.MULTILINE), f"{name} has a value in .env.example"
    ignored = subprocess.run(["git", "check-ignore", "-q", ".env"], cwd=ROOT, check=False)
    assert ignored.returncode == 0
    ignored_by_docker, *allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignored_by_docker == "*"
    assert not [one for one in allowed if "env" in one]
