import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import audit

# Stands in for pip-audit: writes what it was told to write, or fails as it was told to.
FAKE = """
import json, pathlib, sys
told = json.loads(pathlib.Path(sys.argv[1]).read_text())
output = next(one.partition("=")[2] for one in sys.argv if one.startswith("--output="))
if told["answer"] is not None:
    pathlib.Path(output).write_text(json.dumps(told["answer"]))
sys.stderr.write(told["errors"])
sys.exit(told["status"])
"""
FLAW = {"id": "PYSEC-2021-66", "fix_versions": ["2.11.3"], "aliases": [], "description": ""}
SKIPPED = {"name": "jinja2", "skip_reason": "Dependency not found on PyPI and could not be audited"}
SOUND = {"name": "zipp", "version": "3.1", "vulns": []}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for lock in audit.LOCKS:
        (tmp_path / lock).write_text("zipp==3.1 \\\n    --hash=sha256:00\njinja2==2.11.2 \\\n")
    (tmp_path / "requirements.txt").write_text("zipp==3.1 \\\n")
    return tmp_path


def run(
    site: Path, *packages: Mapping[str, object], status: int = 0, errors: str = "", silent: bool = False
) -> int:
    answer = None if silent else {"dependencies": packages, "fixes": []}
    (site / "told.json").write_text(json.dumps({"answer": answer, "status": status, "errors": errors}))
    (site / "fake.py").write_text(FAKE)
    return audit.main(site, (sys.executable, str(site / "fake.py"), str(site / "told.json")))


def test_sound_packages_pass(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, SOUND) == 0
    assert capsys.readouterr().out == "1 locked packages looked up, no known vulnerability.\n"


def test_a_vulnerability_fails_and_is_named_with_its_locks(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jinja = {"name": "jinja2", "version": "2.11.2", "vulns": [FLAW]}
    assert run(site, SOUND, jinja, status=1, errors="Found 1 known vulnerability in 1 package") == 1
    said = capsys.readouterr().out
    locks = "requirements-site.txt and requirements-dev.txt and requirements-distributed.txt"
    assert f"jinja2==2.11.2 in {locks}: PYSEC-2021-66, fixed in 2.11.3." in said
    assert "make lock" in said


def test_a_vulnerability_fails_also_when_others_can_not_be_looked_up(site: Path) -> None:
    assert run(site, SKIPPED, {"name": "zipp", "version": "3.1", "vulns": [FLAW]}, status=1) == 1


def test_nothing_is_called_sound_when_no_package_could_be_looked_up(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(site, SKIPPED, errors="No known vulnerabilities found, 1 skipped") == 0
    said = capsys.readouterr().out
    assert said.startswith("NOT AUDITED: ")
    assert "no known vulnerability" not in said


@pytest.mark.parametrize(
    "errors",
    [
        "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='pypi.org', port=443)",
        "error: Failed to fetch: `https://pypi.org/simple/pip-audit/`",
    ],
)
def test_a_service_that_can_not_be_reached_is_said(
    site: Path, capsys: pytest.CaptureFixture[str], errors: str
) -> None:
    assert run(site, silent=True, status=1, errors=errors) == 0
    assert capsys.readouterr().out.startswith("NOT AUDITED: ")


def test_what_the_service_does_not_know_is_named(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, SOUND, SKIPPED) == 0
    assert "knows nothing about: jinja2." in capsys.readouterr().out


def test_any_other_failure_fails(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, silent=True, status=2, errors="unrecognized arguments: --requirement") == 1
    assert "unrecognized arguments" in capsys.readouterr().err


def test_the_audited_locks_hold_whatever_the_others_hold() -> None:
    def pins(name: str) -> set[str]:
        lines = (audit.ROOT / name).read_text(encoding="utf-8").splitlines()
        return {line.split()[0] for line in lines if "==" in line and not line.startswith(("#", " "))}

    audited = set().union(*(pins(name) for name in audit.AUDITED))
    assert len(audited) > 100
    for name in audit.LOCKS:
        assert pins(name) <= audited, name
