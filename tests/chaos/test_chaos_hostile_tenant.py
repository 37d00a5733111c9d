"""Whole runs against a tenant that is, where Alma is unknown, as awkward as it can be."""

from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.rehearsal.airflow import SUCCESS
from tests.support.rehearsal.judge import Judge
from tests.support.rehearsal.room import Room
from tests.support.rehearsal.run import Run
from tests.support.world import gone

from alma_sandbox.state.switches import Switches

pytestmark = pytest.mark.usefixtures("airflow_database")


@dataclass(frozen=True)
class Hostile:
    """One awkward tenant.

    Attributes:
        switches: How it differs from the usual one.
        stops: The task that must stop and a part of its sentence; none when the run must succeed.
    """

    switches: dict[str, Any]
    stops: tuple[str, str] | None = None


def _on(stops: tuple[str, str] | None = None, **switches: Any) -> Hostile:
    return Hostile(switches, stops)


TENANTS = (
    _on(token_on_every_page=True),
    _on(token_on_single_page=False),
    _on(loading_pages=3),
    _on(loading_pages=2, loading_with_token=True),
    _on(days_heading="formula"),
    _on(analytics_lag_days=4),
    _on(report_row_cap=40),
    _on(token_seconds=0),
    _on(index_lag_seconds=90),
    _on(group_query_searches_descriptions=True),
    _on(deleted_in_search=True),
    _on(external_fields="kept_if_manual"),
    _on(expanded_fees="open"),
    _on(campus_load_undoes_groups=False),
    *(
        _on(delete_user_policy=policy)
        for policy in ("keep_fully_reportable", "keep_statistics", "remove_primary_id", "fully_remove")
    ),
    _on(job_seconds=0),
    _on(job_seconds=3600),
    _on(effect_at="start"),
    _on(set_captured="end"),
    _on(job_name_echoed=False),
    _on(instance_list_lag_seconds=600),
    _on(unknown_parameters="ignore"),
    _on(max_running_jobs=1),
    _on(max_starts_per_hour=1),
    _on(("preflight", "Purge users"), purge_job_id=None),
    _on(purge_job_id="M777"),
    _on(("purge_users", "402231"), purge_job_is_chain=True),
    _on(legacy_purge_listed=False),
    _on(purge_ignores_dates=True),
    _on(purge_ignores_waive=True),
    _on(purge_ignores_loans=True),
    _on(purge_ignores_group=True),
    _on(
        purge_ignores_dates=True,
        purge_ignores_waive=True,
        purge_ignores_loans=True,
        purge_ignores_group=True,
    ),
    _on(zero_days_mean="today"),
    _on(purge_counts_fees="open"),
    _on(daily_limit=2_000),
)


def test_every_switch_of_the_tenant_is_tried() -> None:
    tried = {name for one in TENANTS for name in one.switches}
    assert set(Switches.model_fields) == tried | {"per_second_limit"}


@pytest.mark.parametrize(
    "hostile", TENANTS, ids=lambda one: " ".join(f"{k}={v}" for k, v in one.switches.items())
)
def test_nobody_is_wronged_by_an_awkward_tenant(room: Room, hostile: Hostile) -> None:
    room.fresh(**hostile.switches)
    judge = Judge(room.world)
    run = Run(room).go()
    judge.judge(run).require_clean()
    if hostile.stops is None:
        assert run.state == SUCCESS, {key: box.error for key, box in run.failures().items()}
        assert gone(judge.before, room.world.people()), "nobody was purged"
        return
    task_id, part = hostile.stops
    assert list(run.failures()) == [task_id]
    assert any(one in run.said(task_id) for one in part.split("|")), run.said(task_id)
    assert not gone(judge.before, room.world.people())
