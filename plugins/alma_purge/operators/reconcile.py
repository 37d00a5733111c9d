"""The task `reconcile`: what became of every approved person."""

from typing import TYPE_CHECKING

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import JobStage
from alma_purge.operators.base import PurgeOperator, PurgeRun, fetch, publish, recorded
from alma_purge.steps.after_purge import classify_people
from alma_purge.steps.drops import read_drops
from alma_purge.steps.job_book import read_job_record
from alma_purge.steps.job_start import is_active
from alma_purge.steps.upstream import fail_after
from patron_purge.decision import Decision, DecisionState
from patron_purge.ledger import (
    hold_back,
    ids_in_state,
    ledger_csv,
    read_ledger_csv,
    require_closed,
    set_state,
)
from patron_purge.states import RowState

if TYPE_CHECKING:
    import pandas as pd


class ReconcileOperator(PurgeOperator):
    """Brings every row of the ledger to its final state; "purged" only by a single read of the person."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Write the final ledger and insist that it adds up."""
        if recorded(context, files.LEDGER_REVIEWED, "prepare_review") is None:
            return "The run ended before there was a list; there is nobody to account for."
        ledger = read_ledger_csv(fetch(context, run, files.LEDGER_REVIEWED, "prepare_review"))
        late = read_drops(run, files.DROPS_PURGE) | read_drops(run, files.DROPS_REGROUP)
        ledger = hold_back(ledger, late, RowState.DROPPED_LATE)
        purge = read_job_record(run.folder, files.PURGE_RECORD)
        if purge.stage is JobStage.NONE:
            ledger = set_state(ledger, ids_in_state(ledger, RowState.TO_PURGE), _state_without_purge(run))
        else:
            with run.client() as client:
                if is_active(client, purge):
                    raise AirflowException(
                        f"The purge job {purge.job_name} may still be running in Alma. When it has ended, clear "
                        "this task."
                    )
                ledger = _read_everybody(run, client, ledger)
        publish(context, run, files.LEDGER, ledger_csv(ledger))
        return f"{require_closed(ledger).text}."

    def execute(self, context: Context) -> None:
        """Do the work, then fail when an earlier task failed."""
        super().execute(context)
        fail_after(context)


def _state_without_purge(run: PurgeRun) -> RowState:
    """Return the state of people on a list that was never purged."""
    if run.folder.exists(files.DECISION):
        decision = Decision.model_validate_json(run.folder.read(files.DECISION))
        if decision.state is DecisionState.APPROVED:
            return RowState.NOT_SENT
    return RowState.NOT_APPROVED


def _read_everybody(run: PurgeRun, client: AlmaClient, ledger: "pd.DataFrame") -> "pd.DataFrame":
    """Read each person of the set once and note whether they are gone."""
    sent = ids_in_state(ledger, RowState.TO_PURGE)
    found = classify_people(client, sent, run.institution.rules, run.now.date())
    for outcome, ids in found.items():
        ledger = set_state(ledger, ids, outcome.state, detail=outcome.why.label if outcome.why else "")
    return ledger
