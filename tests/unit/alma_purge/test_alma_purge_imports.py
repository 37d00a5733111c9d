"""How the packages are found: from anywhere, and never under a bare name."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("alma_api", "patron_purge", "alma_sandbox", "alma_purge")

LOAD_PLUGINS = """
import json, sys
before = set(sys.modules)
from airflow import plugins_manager
plugins_manager.ensure_plugins_loaded()
new = {name: getattr(sys.modules[name], "__file__", None) or "" for name in set(sys.modules) - before}
print("RESULT" + json.dumps([new, plugins_manager.get_import_errors()]))
"""


def fresh_python(code: str, folder: Path, **environment: str) -> str:
    """Run code in an interpreter of its own, started in a foreign folder without a path to the project."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONSTARTUP"}}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_packages_are_found_from_a_foreign_folder(tmp_path: Path) -> None:
    code = "import json, importlib\n" + "".join(f"import {name}\n" for name in PACKAGES)
    code += f"print(json.dumps([importlib.import_module(name).__file__ for name in {PACKAGES!r}]))"
    found = [Path(file) for file in json.loads(fresh_python(code, tmp_path))]
    assert [file.parent.name for file in found] == list(PACKAGES)
    assert [file.parent.parent.name for file in found] == ["include", "include", "include", "plugins"]
    assert len({file.parents[2] for file in found}) == 1


def loaded_plugins(tmp_path: Path, plugins: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Let Airflow load a plugins folder in an interpreter of its own; return its new modules and errors."""
    printed = fresh_python(LOAD_PLUGINS, tmp_path, AIRFLOW__CORE__PLUGINS_FOLDER=str(plugins))
    result: Any = json.loads(printed.partition("RESULT")[2])
    return result[0], result[1]


def bare_modules(modules: dict[str, str], plugins: Path) -> set[str]:
    """Return the modules whose file lies in the package, under any name but its full one."""
    package = f"{plugins / 'alma_purge'}{os.sep}"
    inside = {name for name, file in modules.items() if file.startswith(package)}
    return {name for name in inside if name.partition(".")[0] != "alma_purge"}


def test_airflow_loads_the_plugin_and_no_module_of_the_package_under_a_bare_name(tmp_path: Path) -> None:
    plugins = ROOT / "plugins"
    modules, errors = loaded_plugins(tmp_path, plugins)
    assert bare_modules(modules, plugins) == set()
    assert {"hooks", "operators", "places", "files", "schedule", "documents"}.isdisjoint(modules)
    assert not [path for path in errors if "alma_purge/" in path], errors
    assert "alma_purge_plugin" in modules or [path for path in errors if "alma_purge_plugin" in path]


@pytest.mark.parametrize("ignored", [True, False])
def test_it_is_the_ignore_file_that_keeps_bare_names_away(tmp_path: Path, *, ignored: bool) -> None:
    plugins = tmp_path / "plugins"
    (plugins / "alma_purge").mkdir(parents=True)
    (plugins / "alma_purge" / "places.py").write_text("", encoding="utf-8")
    if ignored:
        (plugins / ".airflowignore").write_bytes((ROOT / "plugins" / ".airflowignore").read_bytes())
    modules, _errors = loaded_plugins(tmp_path, plugins)
    assert ("places" in modules) is not ignored
