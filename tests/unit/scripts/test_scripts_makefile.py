import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_make_alone_lists_every_target_with_one_line() -> None:
    declared = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared
    shown = make()
    assert shown.returncode == 0
    listed = re.findall(r"^  ([a-z-]+) +\S.*$", shown.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(declared.group(1).split())


def test_an_old_python_gets_one_clear_line(tmp_path: Path) -> None:
    for name in ("bootstrap", "install_checks", "pip_output"):
        text = (ROOT / "scripts" / f"{name}.py").read_text()
        (tmp_path / f"{name}.py").write_text(text.replace("OLDEST = (3, 11)", "OLDEST = (99, 0)"))
    done = subprocess.run(["python3", tmp_path / "bootstrap.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "is needed" in done.stderr


@pytest.mark.parametrize("target", ["install", "install-dev"])
def test_a_given_environment_is_used_as_it_is(target: str) -> None:
    done = make(target, "VENV=/opt/some-venv")
    assert done.returncode == 0
    assert "Using the environment in /opt/some-venv as it is" in done.stdout


def test_stop_without_an_environment_says_so(tmp_path: Path) -> None:
    done = make("stop", f"VENV={tmp_path}")
    assert done.returncode == 0
    assert done.stdout.startswith("Nothing is running")
