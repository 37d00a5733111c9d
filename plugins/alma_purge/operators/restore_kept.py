"""The task `restore_kept`: everybody who was moved and is still there gets the user group back."""

from collections import Counter

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import JobStage, RestoreResult
from alma_purge.operators.base import PurgeOperator, PurgeRun, fetch, publish, recorded
from alma_purge.steps.accounting import on_file, require_ended, require_reviewed_tenant, reviewed
from alma_purge.steps.drops import read_drops
from alma_purge.steps.job_on_record import job_on_record
from alma_purge.steps.job_start import JobStoppedError
from alma_purge.steps.made_sets import delete_sets, made_sets
from alma_purge.steps.restore import Home, Restored, restore_person
from alma_purge.steps.restore_log import merge_outcomes, read_outcomes
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
_LOG_EVERY = 50


class RestoreKeptOperator(PurgeOperator):
    """Puts everybody whom this run moved and Alma has kept back into the original user group."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Restore, read back, and write down what became of each person's group."""
        regroup = job_on_record(context, run, "regroup_users", files.REGROUP_RECORD)
        purge = job_on_record(context, run, "purge_users", files.PURGE_RECORD)
        if regroup.stage is JobStage.NONE:
            if made_sets(run):
                with run.client() as client:
                    delete_sets(run, client)
            return self._nothing(run, context)
        review = reviewed(context, run)
        with run.client() as client:
            require_reviewed_tenant(client, run, review)
            # A regroup that begins after all would show at the next preflight, and nobody would be purged by it.
            require_ended(client, regroup, echo_proven=True)
            require_ended(client, purge, echo_proven=regroup.name_echoed is True)
            outcomes = self._restore(run, context, client, review.marker_group)
            result = _result(outcomes)
            if result.complete:
                delete_sets(run, client)
        publish(context, run, files.RESTORE, result.to_bytes())
        _note(run, context, outcomes)
        if not result.complete:
            raise JobStoppedError(
                f"{result.failed:,} people could not be moved out of the group {review.marker_group}. Look at their "
                "records in Alma (an outdated code in a record can block the change), then clear this task."
            )
        return (
            f"{result.restored:,} people have their user group back; {result.already_moved:,} had been moved by "
            "somebody else and were left alone."
        )

    def execute(self, context: Context) -> None:
        """Do the work, then fail when an earlier task failed."""
        super().execute(context)
        fail_after(context)

    def _nothing(self, run: PurgeRun, context: Context) -> str:
        publish(context, run, files.RESTORE, _result({}).to_bytes())
        return "Nobody was moved to the purge group, so there is nobody to put back."

    def _restore(
        self, run: PurgeRun, context: Context, client: AlmaClient, marker_group: str
    ) -> dict[str, Restored]:
        """Restore one by one, saving what was done, so that a rerun does not forget it."""
        before = read_outcomes(run)
        outcomes: dict[str, Restored] = {}
        homes = self._homes(run, context)
        try:
            for number, home in enumerate(homes, start=1):
                outcomes[home.primary_id] = restore_person(client, home, marker_group)
                if number % _LOG_EVERY == 0:
                    self.log.info("%s of %s people looked at", f"{number:,}", f"{len(homes):,}")
        finally:
            merged = merge_outcomes(run, before, outcomes)
        return merged

    def _homes(self, run: PurgeRun, context: Context) -> list[Home]:
        """Return everybody who may be in the marker group by this run, with the original group."""
        never_moved = set(read_drops(run, files.DROPS_REGROUP))
        gone: set[str] = set()
        if recorded(context, files.LEDGER, "reconcile"):
            ledger = read_ledger_csv(fetch(context, run, files.LEDGER, "reconcile"))
            gone = set(ids_in_state(ledger, RowState.PURGED))
        snapshot = read_snapshot_csv(on_file(context, run, files.SNAPSHOT, "check_live"))
        group_of = {row.primary_id: row.original_group for row in snapshot}
        reviewed_ledger = read_ledger_csv(on_file(context, run, files.LEDGER_REVIEWED, "prepare_review"))
        moved = set(ids_in_state(reviewed_ledger, RowState.TO_PURGE)) - never_moved - gone
        return [Home(primary_id=key, group=group_of[key]) for key in sorted(moved)]


def _result(outcomes: dict[str, Restored]) -> RestoreResult:
    counts = Counter(outcomes.values())
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
