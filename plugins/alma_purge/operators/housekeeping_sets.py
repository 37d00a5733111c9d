"""The housekeeping task `delete_leftover_sets`: a set holds ids of people and is not kept without need."""

from datetime import timedelta

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge.housekeeping_file import logged
from alma_purge.operators.housekeeping import Household, HousekeepingOperator
from alma_purge.steps.made_sets import made_sets
from alma_purge.steps.past_runs import PastRun
from alma_purge.steps.tenant import require_right_tenant

SETS_DELETED = "sets deleted"


class DeleteLeftoverSetsOperator(HousekeepingOperator):
    """Deletes the sets that ended runs have made and left in Alma, by their unique names."""

    def tidy(self, household: Household, context: Context) -> str:
        """Look every set up by its name, and delete those that are old enough."""
        del context
        old_enough = timedelta(days=household.institution.retention.leftover_sets)
        runs = [
            run
            for run in household.ended()
            if household.now - run.ended_at >= old_enough and not run.unsettled and made_sets(run)
        ]
        if not runs:
            return "No ended run of that age has left a set."
        with household.client() as client:
            identity = require_right_tenant(client, household.institution)
            here = (identity.institution_code, identity.environment)
            deleted = sum(self._delete(client, run) for run in runs if run.place == here)
        return f"{deleted:,} leftover sets deleted, of {len(runs):,} runs that have made sets."

    def _delete(self, client: AlmaClient, run: PastRun) -> int:
        left = [found for name in made_sets(run) if (found := client.sets.find_by_name(name)) is not None]
        if not left:
            return 0
        with logged(self.institution_code, run.run_id, SETS_DELETED, {"sets": len(left)}):
            for one in left:
                client.sets.delete(one.id)
        return len(left)
