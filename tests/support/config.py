"""A configuration folder of a test's own, beside the project's."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

INCLUDE = Path(__file__).resolve().parents[2] / "include"
Parameters = dict[str, str]


def own_config(monkeypatch: pytest.MonkeyPatch, folder: Path, **changes: Any) -> Path:
    """Copy the demo institution and the job payloads, change settings, and make the package read the copy.

    Args:
        monkeypatch: Sets the environment variable for the length of a test.
        folder: An empty folder.
        changes: New top-level settings; None takes a setting out.
    """
    settings = yaml.safe_load((INCLUDE / "institutions" / "demo.yaml").read_text(encoding="utf-8"))
    settings |= {"poll_seconds": 0.2, **changes}
    kept = {key: value for key, value in settings.items() if value is not None}
    shutil.copytree(INCLUDE / "institutions", folder / "institutions")
    (folder / "institutions" / "demo.yaml").write_text(yaml.safe_dump(kept), encoding="utf-8")
    shutil.copytree(INCLUDE / "jobs", folder / "jobs")
    monkeypatch.setenv("ALMA_PURGE_CONFIG", str(folder))
    return folder


def edit_payload(config: Path, file_name: str, edit: Callable[[Parameters], None]) -> None:
    """Change the parameters of a job payload of a configuration folder."""
    path = config / "jobs" / file_name
    given = json.loads(path.read_text(encoding="utf-8"))["parameter"]
    values = {one["name"]["value"]: one["value"] for one in given}
    edit(values)
    body = {"parameter": [{"name": {"value": name}, "value": value} for name, value in values.items()]}
    path.write_text(json.dumps(body), encoding="utf-8")
