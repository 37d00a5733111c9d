"""The task `restore_kept`: everybody who was moved and is still there gets the user group back."""

from collections import Counter

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException

from alma_api.client import AlmaClient
from alma_api.errors import AlmaError
from alma_purge import files
from alma_purge.documents import JobRecord, JobStage, RestoreResult
from alma_purge.operators.base import PurgeOperator, PurgeRun, fetch, publish, recorded
from alma_purge.steps.authority import approved_ids
from alma_purge.steps.drops import read_drops
from alma_purge.steps.job_book import read_job_record
from alma_purge.steps.job_start import JobStoppedError, is_active
from alma_purge.steps.restore import Home, Restored, restore_person
from alma_purge.steps.upstream import fail_after
from patron_purge.ledger import ids_in_state, ledger_csv, read_ledger_csv
from patron_purge.ledger_notes import note_groups_restored
from patron_purge.snapshot import read_snapshot_csv
from patron_purge.states import GroupRestored, RowState

_IN_LEDGER = {
    Restored.RESTORED: GroupRestored.RESTORED,
    Restored.NOT_NEEDED: GroupRestored.NOT_NEEDED,
    Restored.ALREADY_MOVED: GroupRestored.ALREADY_MOVED,
    Restored.FAILED: GroupRestored.FAILED,
}


class RestoreKeptOperator(PurgeOperator):
    """Puts everybody whom this run moved and Alma has kept back into the original user group."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Restore, read back, and write down what became of each person's group."""
        regroup = read_job_record(run.folder, files.REGROUP_RECORD)
        if regroup.stage is JobStage.NONE:
            publish(context, run, files.RESTORE, _result(Counter()).to_bytes())
            return "Nobody was moved to the purge group, so there is nobody to put back."
        outcomes: dict[str, Restored] = {}
        with run.client() as client:
            _require_ended(client, regroup, read_job_record(run.folder, files.PURGE_RECORD))
            for home in self._homes(run, context):
                outcomes[home.primary_id] = restore_person(client, home, run.institution.marker_group)
            result = _result(Counter(outcomes.values()))
            if result.complete:
                self._delete_set(client, regroup.set_id)
        publish(context, run, files.RESTORE, result.to_bytes())
        _note(run, context, outcomes)
        if not result.complete:
            raise JobStoppedError(
                f"{result.failed:,} people could not be moved out of the group {run.institution.marker_group}. Look "
                "at their records in Alma (an outdated code in a record can block the change), then clear this task."
            )
        return (
            f"{result.restored:,} people have their user group back; {result.already_moved:,} had been moved by "
            f"somebody else and were left alone."
        )

    def execute(self, context: Context) -> None:
        """Do the work, then fail when an earlier task failed."""
        super().execute(context)
        fail_after(context)

    def _homes(self, run: PurgeRun, context: Context) -> list[Home]:
        """Return everybody who may be in the marker group by this run, with the original group."""
        never_moved = set(read_drops(run, files.DROPS_REGROUP))
        gone: set[str] = set()
        if recorded(context, files.LEDGER, "reconcile"):
            ledger = read_ledger_csv(fetch(context, run, files.LEDGER, "reconcile"))
            gone = set(ids_in_state(ledger, RowState.PURGED))
        snapshot = read_snapshot_csv(fetch(context, run, files.SNAPSHOT, "check_live"))
        group_of = {row.primary_id: row.original_group for row in snapshot}
        moved = set(approved_ids(context, run)) - never_moved - gone
        return [Home(primary_id=key, group=group_of[key]) for key in sorted(moved)]

    def _delete_set(self, client: AlmaClient, set_id: str) -> None:
        """Delete the set, which holds ids of people; a leftover set does no harm, so trouble is only logged."""
        try:
            client.sets.delete(set_id)
        except AlmaError as error:
            self.log.warning("The set %s could not be deleted; delete it in Alma. %s", set_id, error)


def _require_ended(client: AlmaClient, *records: JobRecord) -> None:
    """Make sure that no job of this run may still be moving or purging people."""
    for record in records:
        if is_active(client, record):
            raise AirflowException(
                f"The job {record.job_name} may still be running in Alma, so nobody is moved yet. When it has ended, "
                "or Alma's Monitor Jobs page has not listed it for an hour, clear this task."
            )


def _result(counts: Counter[Restored]) -> RestoreResult:
    return RestoreResult(
        needed=counts[Restored.RESTORED] + counts[Restored.FAILED],
        restored=counts[Restored.RESTORED],
        already_moved=counts[Restored.ALREADY_MOVED],
        failed=counts[Restored.FAILED],
        gone=counts[Restored.GONE],
        complete=not counts[Restored.FAILED],
    )


def _note(run: PurgeRun, context: Context, outcomes: dict[str, Restored]) -> None:
    """Write into the final ledger what became of each person's group."""
    if recorded(context, files.LEDGER, "reconcile") is None:
        return
    ledger = read_ledger_csv(fetch(context, run, files.LEDGER, "reconcile"))
    known = {key: _IN_LEDGER[one] for key, one in outcomes.items() if one in _IN_LEDGER}
    publish(context, run, files.LEDGER_RESTORED, ledger_csv(note_groups_restored(ledger, known)))
