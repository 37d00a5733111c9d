"""The task `prepare_review`: freezes the list, judges it as a whole, and makes what the approver sees."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import ExclusionManifest, PreflightResult, ReportFacts
from alma_purge.history_file import read_history
from alma_purge.operators.base import (
    ASK_FOR_CALLS_AFTER,
    MustWaitError,
    PurgeOperator,
    PurgeRun,
    fetch,
    publish,
)
from alma_purge.run_folder import sha256_of
from alma_purge.steps.authority import digest_basis
from alma_purge.steps.drops import forget_drops
from alma_purge.steps.guard_restart import refuse_after_regroup
from alma_purge.steps.job_payloads import Payloads, checked_payloads
from alma_purge.steps.review_facts import Gathered, applied_protect_lists, guard_facts, input_summaries
from alma_purge.steps.review_list import workbook_of
from alma_purge.steps.stored_exclusions import stored_exclusions, stored_protect_list
from alma_purge.steps.tenant import TenantIdentity, require_right_tenant
from patron_purge.amounts import people
from patron_purge.errors import GuardStopError
from patron_purge.guards import GuardResult, evaluate_guards, stops
from patron_purge.guards.checks import API_CALLS
from patron_purge.history import before, full_runs
from patron_purge.ledger import counts_by_reason, counts_by_state, ids_in_state, ledger_csv, read_ledger_csv
from patron_purge.list_numbers import list_numbers
from patron_purge.pilot import limit_to_pilot
from patron_purge.purge_page import purge_title
from patron_purge.review import RunIdentity, build_review, job_summary
from patron_purge.review_model import Review
from patron_purge.states import Mode, RowState

if TYPE_CHECKING:
    import pandas as pd


NEW_DAY_WITHIN = timedelta(hours=26)


class PrepareReviewOperator(PurgeOperator):
    """Freezes list and payloads, applies the guards, and writes the review and its workbook."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Write the review; stop when a guard stops."""
        refuse_after_regroup(context, run)
        preflight = PreflightResult.model_validate_json(fetch(context, run, files.PREFLIGHT, "preflight"))
        with run.client() as client:
            identity = require_right_tenant(client, run.institution)
            remaining_calls = client.remaining_calls
        ledger = read_ledger_csv(fetch(context, run, files.LEDGER_CHECKED, "check_live"))
        if run.mode is Mode.PILOT:
            ledger = limit_to_pilot(ledger, run.institution.pilot_size)
        forget_drops(run)
        publish(context, run, files.LEDGER_REVIEWED, ledger_csv(ledger))
        payloads = _freeze(run, context)
        gathered = _gather(run, context)
        numbers = list_numbers(ledger, run.now.date())
        guards = evaluate_guards(
            guard_facts(run, gathered, ledger, numbers, remaining_calls),
            run.institution.guards,
            run.guard_overrides,
        )
        _wait_for_calls(run, guards, preflight)
        basis = digest_basis(context, run, identity=identity, preflight=preflight)
        publish(context, run, files.BASIS, basis.model_dump_json(indent=1).encode())
        last_runs = full_runs(gathered.history)
        review = build_review(
            _identity(run, identity),
            created_at=run.now,
            digest=basis.digest(payloads.regroup, payloads.purge, ids_in_state(ledger, RowState.TO_PURGE)),
            report_rows=gathered.report.rows,
            by_state=counts_by_state(ledger),
            by_reason=counts_by_reason(ledger),
            numbers=numbers,
            group_names=preflight.group_descriptions,
            last_by_group=last_runs[-1].by_group if last_runs else None,
            inputs=input_summaries(gathered, ledger),
            guards=guards,
            marker_group=run.institution.marker_group,
            jobs=(
                job_summary(run.institution.regroup_job.name, preflight.regroup_job_id, payloads.regroup),
                job_summary(purge_title(run.institution), preflight.purge_job_id, payloads.purge),
            ),
            file_sha256={files.LEDGER_REVIEWED: sha256_of(ledger_csv(ledger))},
            rules=run.institution.rules,
        )
        _publish_review(run, context, review, ledger)
        _stop_at_guard(guards)
        return f"{people(review.count) if review.count else 'Nobody'} to purge. {review.equation.text}."


def _freeze(run: PurgeRun, context: Context) -> Payloads:
    """Check the payloads and keep exactly these bytes for the acting tasks."""
    payloads = checked_payloads(run.institution)
    publish(context, run, files.REGROUP_PAYLOAD, payloads.regroup.raw)
    publish(context, run, files.PURGE_PAYLOAD, payloads.purge.raw)
    return payloads


def _gather(run: PurgeRun, context: Context) -> Gathered:
    manifest = ExclusionManifest.model_validate_json(
        fetch(context, run, files.EXCLUSIONS, "fetch_exclusions")
    )
    return Gathered(
        manifest=manifest,
        exclusions=tuple(stored_exclusions(context, run).values()),
        report=ReportFacts.model_validate_json(fetch(context, run, files.REPORT_FACTS, "pull_report")),
        report_sha256=sha256_of(fetch(context, run, files.REPORT, "pull_report")),
        history=before(read_history(run.institution.code), run.run_id),
        protect_lists=applied_protect_lists(run, manifest, stored_protect_list(context, run)),
    )


def _identity(run: PurgeRun, identity: TenantIdentity) -> RunIdentity:
    return RunIdentity(
        institution=run.institution.code,
        institution_name=run.institution.name,
        institution_code=identity.institution_code,
        environment=identity.environment,
        run_id=run.run_id,
        mode=run.mode,
    )


def _publish_review(run: PurgeRun, context: Context, review: Review, ledger: "pd.DataFrame") -> None:
    publish(context, run, files.REVIEW, review.model_dump_json(indent=1).encode())
    publish(context, run, files.WORKBOOK, workbook_of(context, run, review, ledger))
    context["ti"].xcom_push(key="review", value={"run_folder": str(run.folder.path), "count": review.count})


def _wait_for_calls(run: PurgeRun, guards: tuple[GuardResult, ...], preflight: PreflightResult) -> None:
    """Wait for a new day when nothing but the calls left today stands in the way.

    A list that a whole day's calls don't suffice for is stopped by the guard.

    Raises:
        MustWaitError: The calls left today are too few, and a new day has not come since preflight.
    """
    stopped = stops(guards)
    waited_enough = run.now - preflight.checked_at > NEW_DAY_WITHIN
    if [guard.name for guard in stopped] == [API_CALLS] and not waited_enough:
        raise MustWaitError(
            f"{stopped[0].sentence} The list waits for a new day's calls.",
            datetime.now(UTC) + ASK_FOR_CALLS_AFTER,
        )


def _stop_at_guard(guards: tuple[GuardResult, ...]) -> None:
    stopped = stops(guards)
    if stopped:
        said = " ".join(f"{guard.name}: {guard.sentence}" for guard in stopped)
        raise GuardStopError(
            f"The list is outside the limits, so nobody is asked to approve it. {said} Look at the review page. If "
            "the list is right, trigger a new run with new limits in guard_overrides; nothing was changed."
        )
