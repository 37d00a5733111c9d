"""Works out what a certificate says from the papers of its run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage, PreflightResult, ReportFacts, RestoreResult
from alma_purge.run_folder import sha256_of
from alma_purge.steps.after_purge import job_counters, not_selected
from alma_purge.steps.drops import parse_drops
from alma_purge.steps.papers import Papers
from patron_purge.certificate import CertificateContent, EarlierCounts, JobInstance, Period, criteria_of
from patron_purge.decision import Decision
from patron_purge.digest_basis import DigestBasis
from patron_purge.ledger import counts_by_reason, counts_by_state, ids_in_state, read_ledger_csv
from patron_purge.outcome import CounterCheck, compare_counters
from patron_purge.payloads import FrozenPayload
from patron_purge.review import build_equation, reason_counts
from patron_purge.review_model import Count, Parameter, Review
from patron_purge.review_rest import review_of_rest
from patron_purge.states import Engine, Mode, RowState
from patron_purge.taken_off import Rest, read_record, rest_of

if TYPE_CHECKING:
    import pandas as pd

Model = TypeVar("Model", bound=BaseModel)
PAPERS_OF_DIGEST = frozenset(
    {files.BASIS, files.LEDGER_REVIEWED, files.TAKEN_OFF, files.REGROUP_PAYLOAD, files.PURGE_PAYLOAD}
)
_RESTORED_LABELS = {
    "restored": "back in their user group, read back",
    "already_moved": "moved by somebody else, left alone",
    "failed": "still in the purge group",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about a run from elsewhere, for a run that ended before a paper said it.

    Attributes:
        institution: Short code of the institution.
        institution_code: Alma's institution code.
        environment: Alma environment.
        run_id: Run id of Airflow.
        mode: How far the run may go.
        engine: How the purge itself is started.
        criteria: The rule and guard settings.
    """

    institution: str
    institution_code: str
    environment: str
    run_id: str
    mode: Mode
    engine: Engine
    criteria: tuple[Parameter, ...]


def content_of(papers: Papers, known: Known) -> CertificateContent:
    """Work out what the certificate says.

    Args:
        papers: The papers of the run.
        known: What is known from elsewhere.
    """
    preflight = document(papers, PreflightResult, files.PREFLIGHT, "preflight")
    basis = document(papers, DigestBasis, files.BASIS, "prepare_review")
    review = decided_review(papers)
    decision = document(papers, Decision, files.DECISION, "approve_purge")
    restore = document(papers, RestoreResult, files.RESTORE, "restore_kept")
    ledger = final_ledger(papers)
    states = {} if ledger is None else counts_by_state(ledger)
    purged, kept = states.get(RowState.PURGED, 0), states.get(RowState.KEPT_BY_ALMA, 0)
    sent = _sent(papers, states)
    return CertificateContent(
        institution=known.institution,
        institution_code=preflight.institution_code if preflight else known.institution_code,
        environment=preflight.environment if preflight else known.environment,
        run_id=known.run_id,
        mode=basis.mode if basis else known.mode,
        engine=basis.engine if basis else known.engine,
        period=_period(papers, preflight),
        approved=decision.count if decision and _was_approved(decision) else 0,
        sent=sent,
        purged=purged,
        criteria=criteria_of(basis.rules, basis.guards) if basis else known.criteria,
        jobs=review.jobs if review else (),
        inputs=review.inputs if review else (),
        equation=None if ledger is None else build_equation(len(ledger), states),
        by_reason=None if ledger is None else reason_counts(counts_by_reason(ledger)),
        kept_by_alma=_kept(ledger, sent),
        by_group=review.by_group if review else (),
        money=review.money if review else None,
        money_waived=_waived(ledger, sent),
        guards=review.guards if review else (),
        decision=decision,
        instances=_instances(papers, review, (sent, purged, kept), ledger),
        digest=review.digest if review else "",
        restored=_restored(papers, restore),
    )


def document(papers: Papers, model: type[Model], name: str, task_id: str) -> Model | None:
    """Read a document, when there is one to rest on.

    Args:
        papers: The papers of the run.
        model: What it holds.
        name: Name of the file.
        task_id: The task that wrote it.
    """
    content = papers.read(name, task_id)
    return None if content is None else model.model_validate_json(content)


def final_ledger(papers: Papers) -> "pd.DataFrame | None":
    """Return the ledger as the run left it, or None when the run ended before everybody was accounted for."""
    content = papers.read(files.LEDGER_RESTORED, "restore_kept") or papers.read(files.LEDGER, "reconcile")
    return None if content is None else read_ledger_csv(content)


def reviewed_list(papers: Papers) -> "pd.DataFrame | None":
    """Return the rows of the people on the list, without whoever was taken off until it was answered."""
    rest = _rest(papers, "")
    if rest is None:
        return None
    ledger = rest.ledger
    return ledger.loc[ledger["state"] == RowState.TO_PURGE]


def digest_again(papers: Papers) -> str | None:
    """Compute the digest of the list again from list, payloads, settings and inputs.

    Args:
        papers: The papers of the run.

    Returns:
        The digest, or None when the run ended before there was one.

    Raises:
        RunFileError: The list can't be read.
    """
    basis = document(papers, DigestBasis, files.BASIS, "prepare_review")
    ledger = papers.read(files.LEDGER_REVIEWED, "prepare_review")
    regroup = papers.read(files.REGROUP_PAYLOAD, "prepare_review")
    purge = papers.read(files.PURGE_PAYLOAD, "prepare_review")
    if basis is None or ledger is None or regroup is None or purge is None:
        return None
    listed = ids_in_state(read_ledger_csv(ledger), RowState.TO_PURGE)
    rest = _rest(papers, basis.digest(_frozen(regroup), _frozen(purge), listed))
    return None if rest is None else rest.digest


def people_left(papers: Papers) -> int:
    """Count the people on the list whom no last check took off."""
    on_list = reviewed_list(papers)
    if on_list is None:
        return 0
    dropped = {
        key
        for name in (files.DROPS_REGROUP, files.DROPS_PURGE)
        for key in parse_drops(papers.read(name, ""), name)
    }
    return len(set(on_list["primary_id"]) - dropped)


def decided_review(papers: Papers) -> Review | None:
    """Return the review in the numbers of the list that was decided about, without whoever was taken off it."""
    review = document(papers, Review, files.REVIEW, "prepare_review")
    rest = None if review is None else _rest(papers, review.digest)
    return review if review is None or rest is None else review_of_rest(review, rest)


def _rest(papers: Papers, digest: str) -> Rest | None:
    """Return what was left of the list when it was asked about or answered; None without a list."""
    content = papers.read(files.LEDGER_REVIEWED, "prepare_review")
    if content is None:
        return None
    return rest_of(
        read_ledger_csv(content), digest, read_record(papers.read(files.TAKEN_OFF, "approve_purge"))
    )


def _frozen(raw: bytes) -> FrozenPayload:
    """Take a payload as it is: the digest itself shows whether it is the one that was approved."""
    return FrozenPayload(raw=raw, sha256=sha256_of(raw), parameters=())


def _period(papers: Papers, preflight: PreflightResult | None) -> Period:
    """Say what time the run is about."""
    report = document(papers, ReportFacts, files.REPORT_FACTS, "pull_report")
    on_list = reviewed_list(papers)
    dates = sorted(text for text in on_list["purge_date"] if text) if on_list is not None else []
    return Period(
        began_at=preflight.checked_at if preflight else None,
        report_of=report.pulled_at if report else None,
        purge_dates_from=date.fromisoformat(dates[0]) if dates else None,
        purge_dates_to=date.fromisoformat(dates[-1]) if dates else None,
    )


def _sent(papers: Papers, states: Mapping[RowState, int]) -> int:
    """Return how many people were in the set when the purge job was started."""
    purge = papers.job(files.PURGE_RECORD, "purge_users")
    # The start was unclear, and reconcile has found that the job never came to be.
    never_started = purge.stage is JobStage.INTENDED and states.get(RowState.NOT_SENT, 0) > 0
    return 0 if purge.stage is JobStage.NONE or never_started else people_left(papers)


def _was_approved(decision: Decision) -> bool:
    return decision.valid_until is not None


def _kept(ledger: "pd.DataFrame | None", sent: int) -> tuple[Count, ...] | None:
    """Count the people whom Alma kept by the likely reason; None while nobody of those sent is accounted for."""
    if ledger is None:
        return None if sent else ()
    why = ledger.loc[ledger["state"] == RowState.KEPT_BY_ALMA, "detail"].value_counts()
    counts = sorted(
        ((int(count), str(label)) for label, count in why.items()), key=lambda one: (-one[0], one[1])
    )
    return tuple(Count(code=label, label=label, count=count) for count, label in counts)


def _waived(ledger: "pd.DataFrame | None", sent: int) -> Decimal | None:
    """Add up what the purged people owed at the live check; None while nobody of those sent is accounted for."""
    if ledger is None:
        return None if sent else Decimal(0)
    purged = set(ids_in_state(ledger, RowState.PURGED))
    owed = ledger.loc[ledger["primary_id"].isin(purged), "fees"]
    return sum((Decimal(text) for text in owed if text), Decimal(0))


def _instances(
    papers: Papers, review: Review | None, reads: tuple[int, int, int], ledger: "pd.DataFrame | None"
) -> tuple[JobInstance, ...]:
    """Describe the job instances of this run."""
    names = [job.name for job in review.jobs] if review else ["Regroup job", "Purge job"]
    regroup = papers.job(files.REGROUP_RECORD, "regroup_users")
    purge = papers.job(files.PURGE_RECORD, "purge_users")
    counters = job_counters(purge)
    # Without single reads there is nothing to hold the counters against.
    checks = () if ledger is None else compare_counters(*reads, counters, not_selected(ledger, purge))
    return tuple(
        _instance(name, record, compared)
        for name, record, compared in zip(names, (regroup, purge), ((), checks), strict=True)
        if record.stage is not JobStage.NONE
    )


def _instance(name: str, record: JobRecord, checks: tuple[CounterCheck, ...]) -> JobInstance:
    return JobInstance(
        job=name,
        job_id=record.job_id,
        job_name=record.job_name,
        instance_id=record.instance_id,
        status=record.status or record.stage.value,
        submitted_at=record.started_at,
        ended_at=record.ended_at,
        counters=job_counters(record),
        checks=checks,
        by_hand=record.by_hand,
        answered_by=record.answered_by,
        earlier_counts=tuple(
            EarlierCounts(typed_by=one.person, typed_at=one.at, purged=one.purged, kept=one.kept)
            for one in record.earlier_words
        ),
    )


def _restored(papers: Papers, restore: RestoreResult | None) -> tuple[Count, ...] | None:
    """Count what became of the groups of those who were moved; None while nobody has said it."""
    if restore is None:
        moved = papers.job(files.REGROUP_RECORD, "regroup_users").stage is not JobStage.NONE
        return None if moved else ()
    counts = restore.model_dump()
    return tuple(
        Count(code=code, label=label, count=counts[code])
        for code, label in _RESTORED_LABELS.items()
        if counts[code]
    )
