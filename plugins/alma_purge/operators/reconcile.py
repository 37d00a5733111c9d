"""The task `reconcile`: what became of every approved person."""

from typing import TYPE_CHECKING

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import JobStage
from alma_purge.operators.base import PurgeOperator, PurgeRun, TryAgainError, publish, recorded
from alma_purge.steps.accounting import on_file, require_ended, require_reviewed_tenant, reviewed
from alma_purge.steps.after_purge import classify_people
from alma_purge.steps.drops import read_drops
from alma_purge.steps.job_on_record import job_on_record
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
        purge = job_on_record(context, run, "purge_users", files.PURGE_RECORD)
        no_list = recorded(context, files.LEDGER_REVIEWED, "prepare_review") is None
        if no_list and purge.stage is JobStage.NONE:
            return "The run ended before there was a list; there is nobody to account for."
        ledger = read_ledger_csv(on_file(context, run, files.LEDGER_REVIEWED, "prepare_review"))
        late = read_drops(run, files.DROPS_PURGE) | read_drops(run, files.DROPS_REGROUP)
        ledger = hold_back(ledger, late, RowState.DROPPED_LATE)
        if purge.stage is JobStage.NONE:
            ledger = set_state(ledger, ids_in_state(ledger, RowState.TO_PURGE), _state_without_purge(run))
        else:
            review = reviewed(context, run)
            with run.client() as client:
                require_reviewed_tenant(client, run, review)
                require_ended(client, purge, echo_proven=_echo_proven(context, run))
                ledger = _read_everybody(run, client, ledger, review.marker_group)
            _require_everybody_read(ledger)
        publish(context, run, files.LEDGER, ledger_csv(ledger))
        return f"{require_closed(ledger).text}."

    def execute(self, context: Context) -> None:
        """Do the work, then fail when an earlier task failed."""
        super().execute(context)
        fail_after(context)


def _state_without_purge(run: PurgeRun) -> RowState:
    """Return the state of people on a list that was never purged."""
    content = run.folder.read_if_there(files.DECISION)
    if content is not None and Decision.model_validate_json(content).state is DecisionState.APPROVED:
        return RowState.NOT_SENT
    return RowState.NOT_APPROVED


def _echo_proven(context: Context, run: PurgeRun) -> bool:
    """Tell whether the regroup job of this run showed the name it was given."""
    return job_on_record(context, run, "regroup_users", files.REGROUP_RECORD).name_echoed is True


def _read_everybody(
    run: PurgeRun, client: AlmaClient, ledger: "pd.DataFrame", marker_group: str
) -> "pd.DataFrame":
    """Read each person of the set once and note whether they are gone."""
    sent = ids_in_state(ledger, RowState.TO_PURGE)
    found = classify_people(client, sent, run.institution.rules, run.now.date(), marker_group)
    for outcome, ids in found.items():
        ledger = set_state(ledger, ids, outcome.state, detail=outcome.why.label if outcome.why else "")
    return ledger


def _require_everybody_read(ledger: "pd.DataFrame") -> None:
    """Make Airflow try again while somebody could not be read."""
    unread = len(ids_in_state(ledger, RowState.UNKNOWN))
    if unread:
        raise TryAgainError(
            f"It is not known what became of {unread:,} people: Alma did not answer clearly about them. If this "
            "stays so, look them up in Alma by the purge group and by the list in the run folder."
        )
