"""The task `check_live`: every candidate as Alma shows them right now."""

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import PreflightResult
from alma_purge.operators.base import PurgeOperator, PurgeRun, fetch, publish
from alma_purge.run_folder import sha256_of
from alma_purge.steps.authority import settings_sha256
from alma_purge.steps.check_progress import CheckProgress
from alma_purge.steps.guard_restart import refuse_after_regroup
from alma_purge.steps.live_check import LiveResult, go_on_checking
from alma_purge.steps.read_progress import basis_of
from alma_purge.steps.rule_context import protect_list_of, rule_context
from alma_purge.steps.stored_exclusions import stored_exclusions, stored_protect_list
from patron_purge.ledger import hold_back, ids_in_state, ledger_csv, read_ledger_csv, set_state
from patron_purge.ledger_notes import note_patrons
from patron_purge.protect_list import ProtectList
from patron_purge.rules import evaluate
from patron_purge.snapshot import SnapshotRow, merge_snapshot, read_snapshot_csv, snapshot_csv
from patron_purge.states import RowState


class CheckLiveOperator(PurgeOperator):
    """Reads every candidate in Alma, applies all rules, and notes the original user groups."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Write the checked ledger and the snapshot."""
        refuse_after_regroup(context, run)
        selected = fetch(context, run, files.LEDGER_SELECTED, "select_candidates")
        ledger = read_ledger_csv(selected)
        preflight = PreflightResult.model_validate_json(fetch(context, run, files.PREFLIGHT, "preflight"))
        protected = protect_list_of(run, stored_protect_list(context, run))
        exclusions = tuple(stored_exclusions(context, run).values())
        rules = rule_context(run, exclusions, protected, preflight.group_descriptions)
        candidates = ids_in_state(ledger, RowState.CANDIDATE)
        progress = CheckProgress(
            run.folder, context["task_state_store"], _basis(context, run, selected, protected, preflight)
        )
        with run.client() as client:
            results = go_on_checking(client, candidates, lambda patron: evaluate(patron, rules), progress)
        seen = [
            one.patron
            for key, one in results.items()
            if one.patron is not None and one.patron.primary_id == key
        ]
        findings = {key: one.finding for key, one in results.items() if one.finding is not None}
        passed = [key for key in candidates if key not in findings]
        ledger = note_patrons(ledger, seen)
        ledger = hold_back(ledger, findings, RowState.DROPPED_LIVE)
        ledger = set_state(ledger, passed, RowState.TO_PURGE)
        publish(context, run, files.LEDGER_CHECKED, ledger_csv(ledger))
        self._snapshot(run, context, passed, results)
        progress.clear()
        return (
            f"{len(candidates):,} candidates read in Alma: {len(passed):,} may be purged, "
            f"{len(findings):,} are held back by what Alma shows now."
        )

    def _snapshot(
        self, run: PurgeRun, context: Context, passed: list[str], results: dict[str, LiveResult]
    ) -> None:
        """Note the original group of everybody who may be moved; a group that is on file is never replaced."""
        on_file = run.folder.read_if_there(files.SNAPSHOT)
        noted = () if on_file is None else read_snapshot_csv(on_file)
        new = [
            SnapshotRow(primary_id=key, original_group=patron.user_group, noted_at=run.now)
            for key in passed
            if (patron := results[key].patron) is not None
        ]
        merged = merge_snapshot(noted, new, marker_group=run.institution.marker_group)
        publish(context, run, files.SNAPSHOT, snapshot_csv(merged))


def _basis(
    context: Context, run: PurgeRun, selected: bytes, protected: ProtectList, preflight: PreflightResult
) -> str:
    """Return a checksum of whom the check is about and of everything by which they are judged."""
    return basis_of(
        ledger=sha256_of(selected),
        exclusions=sha256_of(fetch(context, run, files.EXCLUSIONS, "fetch_exclusions")),
        protect_list=repr(protected.entries),
        group_names=preflight.group_descriptions,
        settings=settings_sha256(run.institution),
        day=run.now.date().isoformat(),
    )
