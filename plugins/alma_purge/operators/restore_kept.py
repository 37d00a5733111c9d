"""The task `restore_kept`: everybody who was moved and is still there gets the user group back."""

from collections import Counter
from collections.abc import Mapping

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import JobStage, RestoreResult
from alma_purge.operators.base import PurgeOperator, PurgeRun, TryAgainError, fetch, publish, recorded
from alma_purge.places import HOUSEKEEPING_DAG
from alma_purge.steps.accounting import on_file, require_ended, require_reviewed_tenant, reviewed
from alma_purge.steps.drops import read_drops
from alma_purge.steps.job_on_record import job_on_record
from alma_purge.steps.job_start import JobStoppedError
from alma_purge.steps.made_sets import delete_sets, made_sets
from alma_purge.steps.restore import Attempt, Home, Restored
from alma_purge.steps.restore_log import RestoreLog, not_restored_csv
from alma_purge.steps.restore_people import reasons_sentence, restore_people
from alma_purge.steps.stored_runs import later_mover
from alma_purge.steps.taken_off import without_taken_off
from alma_purge.steps.upstream import fail_after
from patron_purge.amounts import people
from patron_purge.errors import PurgeError
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
            require_ended(client, run, regroup, echo_proven=True)
            require_ended(client, run, purge, echo_proven=regroup.name_echoed is True)
            homes = self._homes(run, context)
            attempts = self._put_back(run, client, homes, review.marker_group)
            result = _result(attempts)
            if result.complete:
                delete_sets(run, client)
        publish(context, run, files.RESTORE, result.to_bytes())
        _note(run, context, attempts)
        if not result.complete:
            publish(context, run, files.NOT_RESTORED, not_restored_csv(homes, attempts))
            raise _not_complete(attempts, result.failed, review.marker_group)
        run.folder.remove(files.NOT_RESTORED)
        return (
            f"{people(result.restored)} {'has the' if result.restored == 1 else 'have their'} user group back; "
            f"{result.already_moved:,} had been moved by "
            "somebody else and were left alone."
        )

    def _put_back(
        self, run: PurgeRun, client: AlmaClient, homes: list[Home], marker_group: str
    ) -> Mapping[str, Attempt]:
        """Put people back, unless a later run has moved people: whoever is in the group now may be one of its people.

        Raises:
            JobStoppedError: There is a later run, and this run has not settled everybody.
        """
        restore_log = RestoreLog(run.folder)
        later = later_mover(run.institution.code, run.run_id)
        if later is None:
            return restore_people(client, homes, marker_group, restore_log)
        if {home.primary_id for home in homes} <= restore_log.settled:
            self.log.info("The later run %s has moved people since; nobody is moved by this one", later.name)
            return {home.primary_id: restore_log.attempts[home.primary_id] for home in homes}
        raise JobStoppedError(
            f"The run {later.name} has moved people to the group {marker_group} after this one, so whoever is in it "
            "may be one of its people, and their user group may have changed since this run. Nobody was moved. Clear "
            f"restore_kept of {later.name}, or trigger the DAG {HOUSEKEEPING_DAG} with restore_orphans, which gives "
            "everybody the group that the latest run has on file."
        )

    def execute(self, context: Context) -> None:
        """Do the work, then fail when an earlier task failed."""
        super().execute(context)
        fail_after(context)

    def _nothing(self, run: PurgeRun, context: Context) -> str:
        publish(context, run, files.RESTORE, _result({}).to_bytes())
        return "Nobody was moved to the purge group, so there is nobody to put back."

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
        reviewed_ledger = without_taken_off(context, run, reviewed_ledger)
        moved = set(ids_in_state(reviewed_ledger, RowState.TO_PURGE)) - never_moved - gone
        return [Home(primary_id=key, group=group_of.get(key)) for key in sorted(moved)]


def _result(attempts: Mapping[str, Attempt]) -> RestoreResult:
    counts = Counter(attempt.outcome for attempt in attempts.values())
    return RestoreResult(
        needed=counts[Restored.RESTORED] + counts[Restored.FAILED],
        restored=counts[Restored.RESTORED],
        already_moved=counts[Restored.ALREADY_MOVED],
        failed=counts[Restored.FAILED],
        gone=counts[Restored.GONE],
        complete=not counts[Restored.FAILED],
    )


def _not_complete(attempts: Mapping[str, Attempt], failed: int, marker_group: str) -> PurgeError:
    """Say why people are left in the marker group; another try is made while it may succeed by itself."""
    sentence = (
        f"{failed:,} people could not be moved out of the group {marker_group} ({reasons_sentence(attempts)}). "
        f"{files.NOT_RESTORED} in the run folder lists them with the reason. Mend their records in Alma, or move "
        "them there, then clear this task; everybody else is done."
    )
    may_pass = any(attempt.why is not None and attempt.why.may_pass for attempt in attempts.values())
    return TryAgainError(sentence) if may_pass else JobStoppedError(sentence)


def _note(run: PurgeRun, context: Context, attempts: Mapping[str, Attempt]) -> None:
    """Write into the final ledger what became of each person's group."""
    if recorded(context, files.LEDGER, "reconcile") is None:
        return
    ledger = read_ledger_csv(fetch(context, run, files.LEDGER, "reconcile"))
    known = {key: _IN_LEDGER[one.outcome] for key, one in attempts.items() if one.outcome in _IN_LEDGER}
    publish(context, run, files.LEDGER_RESTORED, ledger_csv(note_groups_restored(ledger, known)))
