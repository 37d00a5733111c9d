from pathlib import Path

import pytest
from tests.unit.alma_purge_web.web_samples import SampleRun, set_up

from alma_purge.web import earlier_list, loaded_people
from alma_purge.web.list_now import forget_lists


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Forget what the pages keep between requests, since the samples of all tests are much alike."""
    for kept in (earlier_list._news, loaded_people._people):
        kept.forget()
    forget_lists()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SampleRun:
    return set_up(tmp_path, monkeypatch.setenv)
