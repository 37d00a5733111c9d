"""A few runs of the chaos campaign; `make test-chaos` makes many."""

import pytest
from tests.chaos.campaign import Sum, campaign

SEEDS = range(1, 7)


@pytest.mark.whole_run
@pytest.mark.usefixtures("airflow_database")
def test_a_few_runs_go_wrong_at_random_and_nobody_is_harmed() -> None:
    total = Sum(campaign(SEEDS))
    assert [(one.seed, one.verdict.lines()) for one in total.failing] == []
    assert sum(one.faults for one in total.tales) > 0
    assert sum(one.deaths for one in total.tales) > 0
    assert sum(one.jobs for one in total.tales) > 0
