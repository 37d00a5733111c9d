"""The task `reconcile`: what became of every approved person."""

from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.base import PurgeOperator, PurgeRun, TryAgainError, publish, recorded
from alma_purge.steps.accounting import (
    never_started,
    on_file,
    require_ended,
    require_reviewed_tenant,
    reviewed,
)
from alma_purge.steps.after_purge import ReconcileProgress, classify_people, job_counters, not_selected
from alma_purge.steps.drops import read_drops
from alma_purge.steps.job_on_record import job_on_record
from alma_purge.steps.read_progress import basis_of
from alma_purge.steps.taken_off import without_taken_off
from alma_purge.steps.upstream import fail_after
from patron_purge.decision import Decision, DecisionState
from patron_purge.ledger import (
    counts_by_state,
    hold_back,
    ids_in_state,
    ledger_csv,
    read_ledger_csv,
    require_closed,
    set_state,
)
from patron_purge.outcome import classify_after_purge, compare_counters, gaps
from patron_purge.states import RowState

if TYPE_CHECKING:
    import pandas as pd


_MISTYPED = (
    " If the counts were mistyped, clear purge_users with everything after it and answer its Required Action again; "
    "nothing is started in Alma by that."
)


class ReconcileOperator(PurgeOperator):
    """Brings every row of the ledger to its final state; "purged" only by a single read of the person."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Write the final ledger and insist that it adds up, in itself and with the job's own counters."""
        purge = job_on_record(context, run, "purge_users", files.PURGE_RECORD)
        no_list = recorded(context, files.LEDGER_REVIEWED, "prepare_review") is None
        if no_list and purge.stage is JobStage.NONE:
            return "The run ended before there was a list; there is nobody to account for."
        ledger = read_ledger_csv(on_file(context, run, files.LEDGER_REVIEWED, "prepare_review"))
        ledger = without_taken_off(context, run, ledger)
        late = read_drops(run, files.DROPS_PURGE) | read_drops(run, files.DROPS_REGROUP)
        # The reviewer may have taken somebody off since whom an earlier last check had dropped.
        listed = set(ids_in_state(ledger, RowState.TO_PURGE))
        late = {key: finding for key, finding in late.items() if key in listed}
        ledger = hold_back(ledger, late, RowState.DROPPED_LATE)
        if purge.stage is JobStage.NONE:
            ledger = set_state(ledger, ids_in_state(ledger, RowState.TO_PURGE), _state_without_purge(run))
            publish(context, run, files.LEDGER, ledger_csv(ledger))
            return f"{require_closed(ledger).text}."
        return self._account(run, context, ledger, purge)

    def execute(self, context: Context) -> None:
        """Do the work, then fail when an earlier task failed."""
        super().execute(context)
        fail_after(context)

    def _account(self, run: PurgeRun, context: Context, ledger: "pd.DataFrame", purge: JobRecord) -> str:
        """Read everybody who was in the set, and compare with what the job says."""
        review = reviewed(context, run)
        sent = ids_in_state(ledger, RowState.TO_PURGE)
        progress = ReconcileProgress(
            run.folder, context["task_state_store"], _basis(run, purge, sent, review.digest)
        )
        with run.client() as client:
            require_reviewed_tenant(client, run, review)
            require_ended(client, run, purge, echo_proven=_echo_proven(context, run))
            never = never_started(client, run, purge)
            ledger = _read_everybody(run, client, ledger, review.marker_group, progress, sent=not never)
        _require_everybody_read(ledger)
        publish(context, run, files.LEDGER, ledger_csv(ledger))
        progress.clear()
        closed = require_closed(ledger)
        checks = self._counter_sentences(ledger, purge, len(sent))
        return " ".join((f"{closed.text}.", *checks))

    def _counter_sentences(self, ledger: "pd.DataFrame", purge: JobRecord, sent: int) -> tuple[str, ...]:
        """Compare the counters of the job with the single reads; a gap after a good end is not accepted."""
        states = counts_by_state(ledger)
        purged, kept = states.get(RowState.PURGED, 0), states.get(RowState.KEPT_BY_ALMA, 0)
        checks = compare_counters(sent, purged, kept, job_counters(purge), not_selected(ledger, purge))
        differing = gaps(checks)
        # A job that broke off has counted what it came to, which is not the whole set.
        if differing and purge.stage is JobStage.ENDED_WELL:
            typed = purge.by_hand and not purge.instance_id
            whose = "The counts that were typed in" if typed else "The purge job's own numbers"
            raise TryAgainError(
                f"{whose} and the single reads differ. {' '.join(differing)} Nobody is "
                "accounted for by guessing: find out in the job's report in Alma (Monitor Jobs) who is meant. "
                f"What each single read said is in {files.LEDGER} in the run folder; clearing this task reads "
                f"everybody again.{_MISTYPED if typed else ''}"
            )
        return tuple(check.sentence for check in checks[1:])


def _basis(run: PurgeRun, purge: JobRecord, sent: tuple[str, ...], digest: str) -> str:
    """Return a checksum of the job instance, the people in its set, and what they are judged by.

    Where it is not known which instance it is, and whether it has run, nothing that an earlier try has read is used.
    """
    unclear = purge.stage is JobStage.INTENDED
    return basis_of(
        job=[purge.job_id, purge.job_name, purge.instance_id, purge.set_id],
        sent=sent,
        digest=digest,
        rules=run.institution.rules.model_dump_json(),
        day=(run.now if unclear else run.now.date()).isoformat(),
    )


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
    run: PurgeRun,
    client: AlmaClient,
    ledger: "pd.DataFrame",
    marker_group: str,
    progress: ReconcileProgress,
    *,
    sent: bool,
) -> "pd.DataFrame":
    """Read each person of the set once and note whether they are gone."""
    set_of_job = ids_in_state(ledger, RowState.TO_PURGE)
    judge = partial(
        classify_after_purge,
        rules=run.institution.rules,
        today=run.now.date(),
        marker_group=marker_group,
    )
    found = classify_people(client, set_of_job, judge, progress)
    # When somebody is gone all the same, the job did run, whatever was seen of it.
    sent = sent or any(outcome.state is RowState.PURGED for outcome in found)
    for outcome, ids in found.items():
        if outcome.state is RowState.KEPT_BY_ALMA and not sent:
            ledger = set_state(ledger, ids, RowState.NOT_SENT)
        else:
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
