import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
import install_checks
import pip_output

ROOT = Path(bootstrap.__file__).parent.parent
NO_DNS = (
    "WARNING: Retrying (Retry(total=1, connect=None)) after connection broken by "
    "'NewConnectionError('<HTTPSConnection>: Failed to establish a new connection: "
    "[Errno -2] Name or service not known')': /simple/a2wsgi/\n"
    "ERROR: Could not find a version that satisfies the requirement a2wsgi==1.10.10 (from versions: none)\n"
)


@pytest.fixture
def clone(tmp_path: Path) -> bootstrap.Environment:
    """An empty clone with a lock of one package that no index has."""
    (tmp_path / "pyproject.toml").write_text("[project]\nname='x'\n")
    digest = "0" * 64
    (tmp_path / "requirements.txt").write_text(f"# a lock\nnowhere==1.0 \\\n    --hash=sha256:{digest}\n")
    (tmp_path / "requirements-dev.txt").write_text("# more\n")
    return bootstrap.Environment(tmp_path)


def one_line(error: pytest.ExceptionInfo[install_checks.Stop]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", ["bootstrap", "install_checks", "pip_output"])
def test_the_installer_parses_on_python_3_8(name: str) -> None:
    ast.parse((ROOT / "scripts" / f"{name}.py").read_text(), feature_version=(3, 8))


def test_an_old_python_is_refused_with_the_name_of_a_newer_one() -> None:
    with pytest.raises(install_checks.Stop) as error:
        install_checks.check_python((3, 10), find=lambda name: "/usr/bin/x" if name == "python3.12" else None)
    assert "3.11 or newer" in one_line(error)
    assert "is 3.10" in str(error.value)
    assert "PYTHON=python3.12" in str(error.value)


def test_an_old_python_is_refused_also_when_there_is_no_newer_one() -> None:
    with pytest.raises(install_checks.Stop, match="install one"):
        install_checks.check_python((2, 7), find=lambda _name: None)


def test_the_oldest_good_python_is_accepted() -> None:
    install_checks.check_python((3, 11), find=lambda _name: None)


def test_a_python_without_venv_is_refused() -> None:
    with pytest.raises(install_checks.Stop) as error:
        install_checks.check_modules(find=lambda name: None if name == "ensurepip" else name)
    assert "ensurepip missing" in one_line(error)
    assert "python3-venv" in str(error.value)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (NO_DNS, "Could not reach the package index: Name or service not known; nothing was left running."),
        ("... Connection refused ...", "package index: Connection refused"),
        ("SSLError: certificate verify failed: self-signed", "package index: certificate verify failed"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "is not the locked one"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("a\nERROR: odd thing\nhint\n", "The install failed: ERROR: odd thing"),
        ("", "The install failed: no output"),
    ],
)
def test_a_failed_install_is_told_in_one_line(output: str, said: str) -> None:
    line = pip_output.explain(output, Path("log"))
    assert said in line
    assert "\n" not in line


def test_packages_are_counted_without_hashes_and_comments() -> None:
    assert pip_output.count_packages(ROOT / "requirements.txt") > 100


def test_a_complete_install_is_left_alone(clone: bootstrap.Environment) -> None:
    clone.python.parent.mkdir(parents=True)
    clone.python.symlink_to(sys.executable)
    clone.stamp.write_text(json.dumps(clone.wanted("requirements.txt")))
    before = clone.stamp.stat().st_mtime_ns
    bootstrap.install(clone, "requirements.txt")
    assert clone.stamp.stat().st_mtime_ns == before
    assert not clone.log.exists()


def test_the_tools_lock_settles_the_run_time_lock(clone: bootstrap.Environment) -> None:
    assert set(clone.wanted("requirements-dev.txt")) > set(clone.wanted("requirements.txt"))


def test_the_distributed_test_has_an_environment_of_its_own() -> None:
    assert {lock: folder for lock, (folder, _smaller) in bootstrap.LOCKS.items()} == {
        "requirements.txt": ".venv",
        "requirements-dev.txt": ".venv",
        "requirements-site.txt": ".venv-site",
        "requirements-distributed.txt": ".venv-site",
    }
    assert bootstrap.Environment(ROOT, ".venv-site").folder == ROOT / ".venv-site"


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_a_changed_file_asks_for_a_new_install(clone: bootstrap.Environment, name: str) -> None:
    before = clone.wanted("requirements.txt")
    (clone.root / name).write_text("changed")
    assert clone.wanted("requirements.txt") != before


def test_a_stamp_without_a_python_counts_as_nothing(clone: bootstrap.Environment) -> None:
    clone.folder.mkdir()
    clone.stamp.write_text(json.dumps(clone.wanted("requirements.txt")))
    assert clone.installed() == {}


def test_a_damaged_stamp_counts_as_nothing(clone: bootstrap.Environment) -> None:
    clone.python.parent.mkdir(parents=True)
    clone.python.symlink_to(sys.executable)
    clone.stamp.write_text('{"half')
    assert clone.installed() == {}


def test_a_folder_that_is_no_environment_is_not_touched(clone: bootstrap.Environment) -> None:
    clone.folder.mkdir()
    precious = clone.folder / "thesis.txt"
    precious.write_text("years of work")
    with pytest.raises(install_checks.Stop, match="is no virtual environment"):
        clone.create()
    assert precious.read_text() == "years of work"


def test_no_network_leaves_one_line_and_a_next_run_repairs(
    clone: bootstrap.Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.upper().startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(install_checks.Stop) as error:
        bootstrap.install(clone, "requirements.txt")
    assert "Could not reach the package index: Connection refused" in one_line(error)
    assert not clone.stamp.exists()

    (clone.root / "requirements.txt").write_text("# an empty lock\n")
    (clone.root / "pyproject.toml").write_text("no toml at all [")
    with pytest.raises(install_checks.Stop, match="The install failed"):
        bootstrap.install(clone, "requirements.txt")
    assert subprocess.run([clone.python, "-m", "pip", "--version"], check=False).returncode == 0


def test_an_install_that_was_cut_off_starts_afresh(clone: bootstrap.Environment) -> None:
    clone.create()
    half = clone.folder / "half-installed"
    half.touch()
    clone.create()
    assert half.exists()
    clone.log.write_text("Installing collected packages: a, b")
    clone.create()
    assert not half.exists()
    assert clone.python.exists()


def test_two_installs_in_one_clone_don_t_mix(clone: bootstrap.Environment) -> None:
    with bootstrap.only_one(clone), pytest.raises(install_checks.Stop) as error:
        bootstrap.only_one(clone)
    assert "Another command is installing" in one_line(error)
    bootstrap.only_one(clone).close()
