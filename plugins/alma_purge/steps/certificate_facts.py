"""Gathers what the certificate says from the files that the tasks have recorded."""

from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

from airflow.sdk import Context
from pydantic import BaseModel

from alma_purge import files
from alma_purge.documents import ExclusionManifest, JobRecord, JobStage, PreflightResult, RestoreResult
from alma_purge.operators.base import PurgeRun, fetch, recorded
from alma_purge.steps.accounting import on_file
from alma_purge.steps.drops import read_drops
from alma_purge.steps.job_on_record import job_on_record
from alma_purge.steps.upstream import problems_before
from patron_purge.certificate import Certificate, JobInstance, criteria_of
from patron_purge.decision import Decision
from patron_purge.guards import stops
from patron_purge.history import HistoryEntry
from patron_purge.ledger import counts_by_reason, counts_by_state, ids_in_state, read_ledger_csv
from patron_purge.outcome import JobCounter, compare_counters
from patron_purge.purge_page import purge_title
from patron_purge.review import build_equation, reason_counts
from patron_purge.review_model import Count, Parameter, Review
from patron_purge.run_outcome import OutcomeFacts, outcome_of
from patron_purge.states import RowState

if TYPE_CHECKING:
    import pandas as pd

Model = TypeVar("Model", bound=BaseModel)
_RESTORED_LABELS = {
    "restored": "back in their user group, read back",
    "already_moved": "moved by somebody else, left alone",
    "failed": "still in the purge group",
}


def certificate_of(run: PurgeRun, context: Context) -> Certificate:
    """Put the certificate together.

    Args:
        run: The run.
        context: The context of the certifying task.
    """
    preflight = _document(run, context, PreflightResult, files.PREFLIGHT, "preflight")
    review = _document(run, context, Review, files.REVIEW, "prepare_review")
    decision = _document(run, context, Decision, files.DECISION, "approve_purge")
    restore = _document(run, context, RestoreResult, files.RESTORE, "restore_kept")
    ledger = _final_ledger(run, context)
    states = {} if ledger is None else counts_by_state(ledger)
    purged, kept = states.get(RowState.PURGED, 0), states.get(RowState.KEPT_BY_ALMA, 0)
    gaps = _unaccounted(run, context, ledger, restore)
    problems = problems_before(context)
    stranded = restore is not None and restore.failed > 0
    decided = all(one.decided for one in problems) and not gaps and not stranded
    sent = _sent(run, context)
    return Certificate(
        outcome=outcome_of(
            OutcomeFacts(
                mode=run.mode,
                failed=not decided,
                stopped=decided and bool(problems),
                decision=decision.state if decision else None,
                to_purge=review.count if review else 0,
                sent=sent,
                purged=purged,
                unknown=states.get(RowState.UNKNOWN, 0),
            )
        ),
        institution=run.institution.code,
        institution_name=run.institution.name,
        institution_code=preflight.institution_code if preflight else run.institution.institution_code,
        environment=preflight.environment if preflight else run.institution.environment,
        run_id=run.run_id,
        mode=run.mode,
        engine=run.institution.engine,
        created_at=run.now,
        problems=(*(one.sentence for one in problems), *gaps),
        approved=review.count if review and _was_approved(decision) else 0,
        sent=sent,
        purged=purged,
        criteria=criteria_of(run.institution.rules, run.institution.guards),
        jobs=review.jobs if review else (),
        inputs=review.inputs if review else (),
        equation=None if ledger is None else build_equation(len(ledger), states),
        by_reason=() if ledger is None else reason_counts(counts_by_reason(ledger)),
        kept_by_alma=() if ledger is None else _kept(ledger),
        by_group=review.by_group if review else (),
        money=review.money if review else None,
        money_waived=Decimal(0) if ledger is None else _waived(ledger),
        guards=review.guards if review else (),
        decision=decision,
        instances=_instances(run, context, sent, purged, kept),
        digest=review.digest if review else "",
        restored=_restored(restore),
        versions=tuple(
            Parameter(name=name, value=version(name)) for name in ("alma-user-purge", "apache-airflow")
        ),
    )


def history_entry_of(run: PurgeRun, context: Context, certificate: Certificate) -> HistoryEntry | None:
    """Return the run's entry for the history; None when the run never had a list.

    Args:
        run: The run.
        context: The context of the certifying task.
        certificate: The certificate.
    """
    review = _document(run, context, Review, files.REVIEW, "prepare_review")
    manifest = _document(run, context, ExclusionManifest, files.EXCLUSIONS, "fetch_exclusions")
    if review is None or manifest is None:
        return None
    return HistoryEntry(
        run_id=run.run_id,
        finished_at=run.now,
        mode=run.mode,
        to_purge=review.count,
        purged=certificate.purged,
        by_group={row.code: row.count for row in review.by_group if row.count},
        # A list that a guard has stopped is no measure for the next one.
        exclusion_rows={}
        if stops(review.guards)
        else {one.pattern: one.rows for one in manifest.files} | manifest.protect_rows,
        report_rows=review.equation.total,
    )


def _document(run: PurgeRun, context: Context, model: type[Model], name: str, task_id: str) -> Model | None:
    """Read a document, when its task has recorded one."""
    if recorded(context, name, task_id) is None:
        return None
    return model.model_validate_json(fetch(context, run, name, task_id))


def _final_ledger(run: PurgeRun, context: Context) -> "pd.DataFrame | None":
    """Read the latest ledger that is on record."""
    for name, task_id in ((files.LEDGER_RESTORED, "restore_kept"), (files.LEDGER, "reconcile")):
        if recorded(context, name, task_id) is not None:
            return read_ledger_csv(fetch(context, run, name, task_id))
    return None


def _sent(run: PurgeRun, context: Context) -> int:
    """Return how many people were in the set when the purge job was started."""
    if job_on_record(context, run, "purge_users", files.PURGE_RECORD).stage is JobStage.NONE:
        return 0
    dropped = read_drops(run, files.DROPS_REGROUP).keys() | read_drops(run, files.DROPS_PURGE).keys()
    ledger = read_ledger_csv(on_file(context, run, files.LEDGER_REVIEWED, "prepare_review"))
    return len(set(ids_in_state(ledger, RowState.TO_PURGE)) - dropped)


def _unaccounted(
    run: PurgeRun, context: Context, ledger: "pd.DataFrame | None", restore: RestoreResult | None
) -> tuple[str, ...]:
    """Name what is missing although jobs were sent, as when a task was marked success by hand."""
    missing = []
    purge = job_on_record(context, run, "purge_users", files.PURGE_RECORD)
    if purge.stage is not JobStage.NONE and ledger is None:
        missing.append("reconcile: the purge job was started, but nobody was accounted for. Clear reconcile.")
    regroup = job_on_record(context, run, "regroup_users", files.REGROUP_RECORD)
    if regroup.stage is not JobStage.NONE and restore is None:
        missing.append("restore_kept: people were moved, but nobody was put back. Clear restore_kept.")
    return tuple(missing)


def _was_approved(decision: Decision | None) -> bool:
    return decision is not None and decision.valid_until is not None


def _kept(ledger: "pd.DataFrame") -> tuple[Count, ...]:
    """Count the people whom Alma kept by the likely reason."""
    why = ledger.loc[ledger["state"] == RowState.KEPT_BY_ALMA, "detail"].value_counts()
    return tuple(Count(code=label, label=label, count=int(count)) for label, count in why.items())


def _waived(ledger: "pd.DataFrame") -> Decimal:
    """Add up what the purged people owed at the live check."""
    purged = set(ids_in_state(ledger, RowState.PURGED))
    owed = ledger.loc[ledger["primary_id"].isin(purged), "fees"]
    return sum((Decimal(text) for text in owed if text), Decimal(0))


def _instances(run: PurgeRun, context: Context, sent: int, purged: int, kept: int) -> tuple[JobInstance, ...]:
    """Describe the job instances of this run."""
    jobs = (
        (
            run.institution.regroup_job.name,
            job_on_record(context, run, "regroup_users", files.REGROUP_RECORD),
            False,
        ),
        (
            purge_title(run.institution),
            job_on_record(context, run, "purge_users", files.PURGE_RECORD),
            True,
        ),
    )
    return tuple(
        _instance(name, record, (sent, purged, kept) if is_purge else None)
        for name, record, is_purge in jobs
        if record.stage is not JobStage.NONE
    )


def _instance(name: str, record: JobRecord, reads: tuple[int, int, int] | None) -> JobInstance:
    counters = tuple(
        JobCounter(label=one.description or one.code, value=one.value) for one in record.counters
    )
    return JobInstance(
        job=name,
        job_id=record.job_id,
        job_name=record.job_name,
        instance_id=record.instance_id,
        status=record.status or record.stage.value,
        submitted_at=record.started_at,
        ended_at=record.ended_at,
        counters=counters,
        checks=compare_counters(*reads, counters) if reads else (),
    )


def _restored(restore: RestoreResult | None) -> tuple[Count, ...]:
    if restore is None:
        return ()
    counts = restore.model_dump()
    return tuple(
        Count(code=code, label=label, count=counts[code])
        for code, label in _RESTORED_LABELS.items()
        if counts[code]
    )
