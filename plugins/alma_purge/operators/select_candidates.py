"""The task `select_candidates`: the report minus everybody whom a file or a rule holds back."""

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import PreflightResult
from alma_purge.operators.base import PurgeOperator, PurgeRun, fetch, publish
from alma_purge.steps.guard_restart import refuse_after_regroup
from alma_purge.steps.rule_context import protect_list_of
from alma_purge.steps.stored_exclusions import stored_exclusions, stored_protect_list
from patron_purge.candidates import select_candidates
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.ledger import counts_by_state, ledger_csv
from patron_purge.report_table import read_report_csv
from patron_purge.states import RowState


class SelectCandidatesOperator(PurgeOperator):
    """Subtracts the exclusion files from the report, and applies the rules that the report can decide."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Write the first ledger: every report row with its state."""
        refuse_after_regroup(context, run)
        preflight = PreflightResult.model_validate_json(fetch(context, run, files.PREFLIGHT, "preflight"))
        marker_group = run.institution.marker_group
        ledger = select_candidates(
            read_report_csv(fetch(context, run, files.REPORT, "pull_report")),
            index=ExclusionIndex.build(stored_exclusions(context, run).values()),
            rules=run.institution.rules,
            protect=protect_list_of(run, stored_protect_list(context, run)),
            marker_group_names=(marker_group, preflight.group_descriptions[marker_group]),
            group_names=preflight.group_descriptions,
            today=run.now.date(),
        )
        publish(context, run, files.LEDGER_SELECTED, ledger_csv(ledger))
        counts = counts_by_state(ledger)
        candidates = counts.get(RowState.CANDIDATE, 0)
        return (
            f"{candidates:,} candidates out of {len(ledger):,} report rows; "
            f"{counts.get(RowState.HELD_BACK, 0):,} held back by a rule, "
            f"{counts.get(RowState.DUPLICATE, 0):,} repeated in the report."
        )
