from pathlib import Path

import pytest
from tests.unit.alma_purge_web.web_samples import SampleRun, set_up


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SampleRun:
    return set_up(tmp_path, monkeypatch.setenv)
