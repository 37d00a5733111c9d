"""A tenant that bears fewer calls a second than the institution's settings say; in real time, because the pace is."""

from pathlib import Path

import pytest
from tests.support.chain import Chain
from tests.support.config import own_config
from tests.support.flow import connect
from tests.support.tenant import MARKER
from tests.support.world import World, gone

from alma_sandbox.testing import running_sandbox


@pytest.mark.whole_run
def test_a_tenant_that_bears_fewer_calls_a_second_than_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, airflow_database: None
) -> None:
    del airflow_database
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{tmp_path / 'store'}")
    guards = {"max_percent_of_report": 100, "max_count_without_history": 500}
    own_config(monkeypatch, tmp_path / "config", guards=guards, calls_per_second=50)
    with running_sandbox(users=60, switches={"per_second_limit": 20}) as sandbox:
        connect(monkeypatch, sandbox)
        world = World(sandbox)
        before = world.people()
        chain = Chain()
        chain.to_review()
        chain.approve()
        chain.purged()
        chain.account()
        assert any(call.status == 429 for call in world.calls())
        purged = gone(before, world.people())
        assert purged
        assert purged <= set(chain.approved())
        assert world.in_group(MARKER) == set()
        assert set(world.job_starts().values()) == {1}
