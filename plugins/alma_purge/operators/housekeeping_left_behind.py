"""The housekeeping task `find_left_behind`: nobody stays in the marker group unnoticed."""

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.housekeeping_file import logged
from alma_purge.operators.base import TryAgainError
from alma_purge.operators.housekeeping import Household, HousekeepingError, HousekeepingOperator
from alma_purge.places import HOUSEKEEPING_DAG
from alma_purge.steps.left_behind import LeftBehind, find_left_behind, require_no_job
from alma_purge.steps.past_runs import PastRun
from alma_purge.steps.restore import Attempt, Restored
from alma_purge.steps.restore_log import RestoreLog, not_restored_csv
from alma_purge.steps.restore_people import reasons_sentence, restore_people
from alma_purge.steps.tenant import require_right_tenant
from patron_purge.errors import PurgeError
from patron_purge.states import Mode

RESTORE_PARAM = "restore_orphans"
INSTITUTION_PARAM = "institution"
PEOPLE_RESTORED = "people put back"


class FindLeftBehindOperator(HousekeepingOperator):
    """Lists who is left in the marker group and of which run, and puts them back when that was asked for."""

    def tidy(self, household: Household, context: Context) -> str:
        """Look, and move somebody only when the trigger form says so."""
        moved_ever = any(run.homes for run in household.runs)
        if household.institution.mode is Mode.REPORT_ONLY and not moved_ever:
            return "This institution only makes reports; nobody was ever moved."
        with household.client() as client:
            identity = require_right_tenant(client, household.institution)
            here = (identity.institution_code, identity.environment)
            runs = [run for run in household.runs if run.place == here]
            groups = {household.institution.marker_group, *(run.marker_group for run in runs if run.homes)}
            said = [self._look(household, client, runs, group, context) for group in sorted(groups)]
        return " ".join(said)

    def _look(
        self,
        household: Household,
        client: AlmaClient,
        runs: list[PastRun],
        marker_group: str,
        context: Context,
    ) -> str:
        """Say who is in one marker group, and put back whom this package has moved, when that was asked for."""
        left = find_left_behind(client, runs, marker_group, household.institution.poll_seconds)
        if left.restorable and self._is_asked(context):
            require_no_job(client, runs)
            said = self._put_back(client, runs, marker_group, left)
            left.of_runs.clear()
        else:
            said = f"{left.under_way:,} people of a run under way are in the group {marker_group}."
        if left.restorable or left.strangers:
            raise HousekeepingError(_offer(left, marker_group))
        return said

    def _is_asked(self, context: Context) -> bool:
        """Tell whether the trigger form asks to put the people of this institution back."""
        params = context["params"]
        chosen = params.get(INSTITUTION_PARAM)
        return params.get(RESTORE_PARAM) is True and chosen in {None, self.institution_code}

    def _put_back(self, client: AlmaClient, runs: list[PastRun], marker_group: str, left: LeftBehind) -> str:
        """Restore run by run, and write down in each run's folder what became of its people."""
        attempts: dict[str, Attempt] = {}
        for run in runs:
            homes = left.of_runs.get(run.run_id)
            if homes is None:
                continue
            with logged(self.institution_code, run.run_id, PEOPLE_RESTORED, {"asked": len(homes)}):
                done = restore_people(client, homes, marker_group, RestoreLog(run.folder))
                if any(attempt.why for attempt in done.values()):
                    run.folder.write(files.NOT_RESTORED, not_restored_csv(homes, done))
            attempts |= done
        outcomes = [attempt.outcome for attempt in attempts.values()]
        failed = outcomes.count(Restored.FAILED)
        if failed:
            raise _not_all(attempts, failed, marker_group)
        return (
            f"{outcomes.count(Restored.RESTORED):,} people have their user group back; "
            f"{outcomes.count(Restored.ALREADY_MOVED):,} had been moved by somebody else and were left alone."
        )


def _not_all(attempts: dict[str, Attempt], failed: int, marker_group: str) -> PurgeError:
    sentence = (
        f"{failed:,} people could not be moved out of the group {marker_group} ({reasons_sentence(attempts)}). "
        f"{files.NOT_RESTORED} in the folders of their runs lists them. Mend their records in Alma, or move them "
        "there, then clear this task."
    )
    may_pass = any(attempt.why is not None and attempt.why.may_pass for attempt in attempts.values())
    return TryAgainError(sentence) if may_pass else HousekeepingError(sentence)


def _offer(left: LeftBehind, marker_group: str) -> str:
    """Say who is left in the group and how to get them out."""
    said = [f"{left.restorable + left.strangers:,} people are left in the group {marker_group}."]
    if left.of_runs:
        listed = ", ".join(f"{run_id}: {len(homes):,}" for run_id, homes in left.of_runs.items())
        said.append(
            f"Moved by runs of this package, their user group is on file: {listed}. To give it back, trigger "
            f"{HOUSEKEEPING_DAG} with {RESTORE_PARAM}; nobody was moved now."
        )
    if left.strangers:
        said.append(
            f"{left.strangers:,} were moved by no run on file, so their user group is not known: move them in Alma."
        )
    return " ".join(said)
