"""Gathers what the certificate says from the files that the tasks have recorded."""

from importlib.metadata import version

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import ExclusionManifest, JobStage, RestoreResult
from alma_purge.notices.records import unsent
from alma_purge.operators.base import PurgeRun, recorded
from alma_purge.steps.certificate_content import (
    Known,
    content_of,
    decided_review,
    digest_again,
    document,
    final_ledger,
    people_left,
)
from alma_purge.steps.looked import looked_sentences
from alma_purge.steps.papers import Papers, RecordedPapers
from alma_purge.steps.run_files import run_files, writer_of
from alma_purge.steps.upstream import problems_before
from patron_purge.certificate import Certificate, CertificateContent, FileChecksum, criteria_of
from patron_purge.guards import is_measure
from patron_purge.history import HistoryEntry
from patron_purge.ledger import counts_by_state
from patron_purge.review_model import Parameter
from patron_purge.run_outcome import OutcomeFacts, outcome_of, why_failed
from patron_purge.states import RowState


def certificate_of(run: PurgeRun, context: Context) -> Certificate:
    """Put the certificate together.

    Args:
        run: The run.
        context: The context of the certifying task.
    """
    papers = RecordedPapers(context, run)
    content = content_of(papers, _known(run))
    restore = document(papers, RestoreResult, files.RESTORE, "restore_kept")
    problems = problems_before(context)
    gaps = _unaccounted(papers, restore)
    stranded = restore is not None and restore.failed > 0
    decided = all(one.decided for one in problems) and not gaps and not stranded
    other_digest = _other_digest(papers, content)
    facts = outcome_facts(content, papers, failed=not decided, stopped=decided and bool(problems))
    found = run_files(run.folder, papers.used, lambda name, task_id: _on_record(context, name, task_id))
    return Certificate.model_validate(
        {
            **dict(content),
            "outcome": outcome_of(facts),
            "institution_name": run.institution.name,
            "created_at": run.now,
            "problems": (
                *(one.sentence for one in problems),
                *gaps,
                *(one for one in (why_failed(facts),) if one),
                *other_digest,
                *_changed(found),
            ),
            "remarks": (*_remarks(papers), *looked_sentences(run, context)),
            "unsent_notices": unsent(run.folder),
            "files": found,
            "versions": tuple(
                Parameter(name=name, value=version(name)) for name in ("alma-user-purge", "apache-airflow")
            ),
        }
    )


def history_entry_of(run: PurgeRun, context: Context, certificate: Certificate) -> HistoryEntry | None:
    """Return the run's entry for the history; None when the run never had a list.

    Args:
        run: The run.
        context: The context of the certifying task.
        certificate: The certificate.
    """
    papers = RecordedPapers(context, run)
    review = decided_review(papers)
    manifest = document(papers, ExclusionManifest, files.EXCLUSIONS, "fetch_exclusions")
    if review is None or manifest is None:
        return None
    return HistoryEntry(
        run_id=run.run_id,
        finished_at=run.now,
        mode=certificate.mode,
        to_purge=review.count,
        purged=certificate.purged,
        by_group={row.code: row.count for row in review.by_group if row.count},
        exclusion_rows={one.pattern: one.rows for one in manifest.files} | manifest.protect_rows
        if is_measure(review.guards, certificate.mode)
        else {},
        report_rows=review.equation.total,
    )


def outcome_facts(
    content: CertificateContent, papers: Papers, *, failed: bool, stopped: bool
) -> OutcomeFacts:
    """Gather what decides how a run ended.

    Args:
        content: What the certificate says.
        papers: The papers of the run.
        failed: Whether a task failed for a technical reason, or somebody is not accounted for.
        stopped: Whether a guard, a refused input or another check stopped the run.
    """
    ledger = final_ledger(papers)
    review = decided_review(papers)
    return OutcomeFacts(
        mode=content.mode,
        failed=failed,
        stopped=stopped,
        decision=content.decision.state if content.decision else None,
        to_purge=review.count if review else None,
        left=people_left(papers),
        sent=content.sent,
        purged=content.purged,
        unknown=0 if ledger is None else counts_by_state(ledger).get(RowState.UNKNOWN, 0),
    )


def _known(run: PurgeRun) -> Known:
    return Known(
        institution=run.institution.code,
        institution_code=run.institution.institution_code,
        environment=run.institution.environment,
        run_id=run.run_id,
        mode=run.mode,
        engine=run.institution.engine,
        criteria=criteria_of(run.institution.rules, run.institution.guards),
    )


def _unaccounted(papers: RecordedPapers, restore: RestoreResult | None) -> tuple[str, ...]:
    """Name what is missing although jobs were sent, as when a task was marked success by hand."""
    missing = []
    purge = papers.job(files.PURGE_RECORD, "purge_users")
    if purge.stage is not JobStage.NONE and final_ledger(papers) is None:
        started = "may have been started" if purge.stage is JobStage.INTENDED else "was started"
        missing.append(f"reconcile: the purge job {started}, but nobody was accounted for. Clear reconcile.")
    regroup = papers.job(files.REGROUP_RECORD, "regroup_users")
    if regroup.stage is not JobStage.NONE and restore is None:
        missing.append(
            "restore_kept: people were moved, but it is not on record who was put back. Clear restore_kept."
        )
    return tuple(missing)


def _other_digest(papers: RecordedPapers, content: CertificateContent) -> tuple[str, ...]:
    """Say it when list, payloads, settings and inputs are not the ones behind the digest that was approved."""
    digest = digest_again(papers)
    if digest is None or digest == content.digest:
        return ()
    return (
        "The digest, computed again from list, payloads, settings and inputs, is not the one of the review.",
    )


def _changed(found: tuple[FileChecksum, ...]) -> tuple[str, ...]:
    """Name the files that are not the ones which their tasks wrote."""
    return tuple(
        f"{one.name} in the run folder is not the file that {writer_of(one.name)} wrote. Find out who changed it."
        for one in found
        if one.recorded is False
    )


def _remarks(papers: RecordedPapers) -> tuple[str, ...]:
    """Say which tasks were cleared after people had been moved, and that their files count as they are."""
    return tuple(
        f"{task_id} was cleared after people had been moved, so Airflow has no record any more of what it wrote. These "
        f"files count as the run folder holds them: {', '.join(sorted(_of_task(papers, task_id)))}."
        for task_id in sorted(set(papers.unrecorded.values()))
    )


def _of_task(papers: RecordedPapers, task_id: str) -> list[str]:
    return [name for name, writer in papers.unrecorded.items() if writer == task_id]


def _on_record(context: Context, name: str, task_id: str) -> str | None:
    ref = recorded(context, name, task_id)
    return None if ref is None else ref.sha256
