"""Makes sure that an acting task does exactly what was approved."""

from dataclasses import dataclass
from datetime import UTC, datetime

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import ExclusionManifest, PreflightResult
from alma_purge.operators.base import PurgeRun, fetch
from alma_purge.run_folder import sha256_of
from alma_purge.steps.job_payloads import Payloads, frozen_payloads
from alma_purge.steps.stored_exclusions import stored_exclusions
from alma_purge.steps.taken_off import checksum_of, taken_off_so_far, without_taken_off
from alma_purge.steps.tenant import TenantIdentity, require_right_tenant
from patron_purge.decision import Decision, require_approved
from patron_purge.digest_basis import DigestBasis
from patron_purge.errors import (
    ApprovalRefusedError,
    ApprovalWantedError,
    GuardStopError,
)
from patron_purge.exclusion_file import ExclusionFile
from patron_purge.guards import stops
from patron_purge.institution import Institution
from patron_purge.ledger import ids_in_state, read_ledger_csv
from patron_purge.review_model import Review
from patron_purge.snapshot import read_snapshot_csv
from patron_purge.states import RowState
from patron_purge.taken_off import rest_of

_NOT_DECIDING = (
    "name",
    "schedule",
    "approvers",
    "four_eyes",
    "delete_user_policy",
    "ask_disposal_authority",
    "poll_seconds",
    "job_hours",
    "calls_per_second",
    "quiet_hours",
    "if_job_is_running",
    "retention",
    "notices",
)


@dataclass(frozen=True, slots=True)
class Authority:
    """What an acting task may do.

    Attributes:
        approved: Primary ids on the approved list, without whoever was taken off.
        original_groups: Primary id to the code of the group before the regroup.
        payloads: The frozen payloads; these bytes are sent.
        regroup_job_id: Id of the *Update/Notify Users* job.
        purge_job_id: Id of the *Purge users* job.
        group_names: Description of every user group by its code.
        exclusions: The exclusion files that the list was made from, by their pattern.
        digest: Digest of the whole list as it was prepared; jobs and sets of the run are named after it.
        decision: The approval.
    """

    approved: tuple[str, ...]
    original_groups: dict[str, str]
    payloads: Payloads
    regroup_job_id: str
    purge_job_id: str
    group_names: dict[str, str]
    exclusions: dict[str, ExclusionFile]
    digest: str
    decision: Decision

    @property
    def taken_off_sha256(self) -> str:
        """Return the checksum of the record of people who were off the list at the approval."""
        return self.decision.taken_off_sha256


def digest_of(
    context: Context,
    run: PurgeRun,
    *,
    identity: TenantIdentity,
    payloads: Payloads,
    approved: tuple[str, ...],
    preflight: PreflightResult,
) -> str:
    """Compute the digest of everything that an approval approves, from what is on record and set right now.

    Args:
        context: The task's context.
        run: The run, with settings read anew.
        identity: The tenant that answers.
        payloads: The frozen payloads.
        approved: Primary ids on the list.
        preflight: What preflight resolved.
    """
    basis = digest_basis(context, run, identity=identity, preflight=preflight)
    return basis.digest(payloads.regroup, payloads.purge, approved)


def digest_basis(
    context: Context, run: PurgeRun, *, identity: TenantIdentity, preflight: PreflightResult
) -> DigestBasis:
    """Gather what an approval rests on besides people and payloads, from what is on record and set right now.

    Args:
        context: The task's context.
        run: The run, with settings read anew.
        identity: The tenant that answers.
        preflight: What preflight resolved.
    """
    manifest = ExclusionManifest.model_validate_json(
        fetch(context, run, files.EXCLUSIONS, "fetch_exclusions")
    )
    inputs = {one.stored_name: one.sha256 for one in manifest.files}
    if manifest.protect_list is not None:
        inputs[manifest.protect_list.stored_name] = manifest.protect_list.sha256
    inputs[files.REPORT] = sha256_of(fetch(context, run, files.REPORT, "pull_report"))
    inputs["settings"] = settings_sha256(run.institution)
    return DigestBasis(
        institution=run.institution.code,
        institution_code=identity.institution_code,
        environment=identity.environment,
        run_id=run.run_id,
        engine=run.institution.engine,
        mode=run.mode,
        marker_group=run.institution.marker_group,
        regroup_job_id=preflight.regroup_job_id,
        purge_job_id=preflight.purge_job_id,
        rules=run.institution.rules,
        guards=run.institution.guards,
        overrides=run.guard_overrides,
        snapshot_sha256=sha256_of(fetch(context, run, files.SNAPSHOT, "check_live")),
        input_sha256=inputs,
    )


def preflight_result(run: PurgeRun, context: Context) -> PreflightResult:
    """Return what preflight has found.

    Raises:
        RunFileError: Preflight has recorded nothing, or its file was changed.
    """
    return PreflightResult.model_validate_json(fetch(context, run, files.PREFLIGHT, "preflight"))


def approved_ids(context: Context, run: PurgeRun) -> tuple[str, ...]:
    """Return the primary ids on the reviewed list without whoever was taken off, sorted.

    Raises:
        RunFileError: The list is missing or was changed.
    """
    ledger = read_ledger_csv(fetch(context, run, files.LEDGER_REVIEWED, "prepare_review"))
    return ids_in_state(without_taken_off(context, run, ledger), RowState.TO_PURGE)


def settings_sha256(institution: Institution) -> str:
    """Return a checksum of every setting that decides what is done, and to whom."""
    return sha256_of(institution.model_dump_json(exclude=set(_NOT_DECIDING)).encode())


def require_no_stop(review: Review) -> None:
    """Make sure that no guard has stopped the list, even when its task was marked success by hand.

    Raises:
        GuardStopError: A guard has stopped it.
    """
    if stops(review.guards):
        raise GuardStopError(
            "A guard has stopped this list, so it can't be approved or acted on, whatever prepare_review was marked "
            "as. Look at the review page, then trigger a new run; nothing was changed."
        )


def clear_number(context: Context) -> int:
    """Return how often tasks of this run were cleared; an approval counts only while that stays the same.

    Airflow keeps what a cleared task has recorded until the task runs again, so a cleared approval would
    still look approved.
    """
    return int(context["dag_run"].clear_number or 0)


def require_authority(context: Context, run: PurgeRun, client: AlmaClient) -> Authority:
    """Prove that a person has approved exactly what would be done now.

    Everything is read anew: settings, tenant, files (each must be the one its task recorded) and the
    decision. Any difference gives another digest, and another digest is not approved.

    Args:
        context: The task's context.
        run: The run.
        client: The Alma client.

    Raises:
        ApprovalRefusedError: There is no valid approval of exactly this.
        RunFileError: A file is missing or was changed.
        ConfigurationError: The tenant or a payload is not the right one.
    """
    identity = require_right_tenant(client, run.institution)
    preflight = preflight_result(run, context)
    payloads = frozen_payloads(context, run)
    ledger = read_ledger_csv(fetch(context, run, files.LEDGER_REVIEWED, "prepare_review"))
    digest = digest_of(
        context,
        run,
        identity=identity,
        payloads=payloads,
        approved=ids_in_state(ledger, RowState.TO_PURGE),
        preflight=preflight,
    )
    review = Review.model_validate_json(fetch(context, run, files.REVIEW, "prepare_review"))
    require_no_stop(review)
    if digest != review.digest:
        raise ApprovalRefusedError(
            "Something has changed since the review was made: settings, payloads, inputs or the list. What was "
            "approved is not what would be done now, so nothing was sent to Alma. Trigger a new run."
        )
    taken_off = taken_off_so_far(run.folder)
    rest = rest_of(ledger, digest, taken_off)
    decision = Decision.model_validate_json(fetch(context, run, files.DECISION, "approve_purge"))
    require_approved(
        decision,
        rest.digest,
        datetime.now(UTC),
        institution_code=identity.institution_code,
        environment=identity.environment,
        run_id=run.run_id,
        clear_number=clear_number(context),
        taken_off_sha256=checksum_of(taken_off),
    )
    approved = approved_ids(context, run)
    if approved != ids_in_state(rest.ledger, RowState.TO_PURGE):
        raise ApprovalWantedError(
            "The record of people who were taken off differs from what approve_purge wrote down. Nothing was sent to "
            "Alma."
        )
    snapshot = read_snapshot_csv(fetch(context, run, files.SNAPSHOT, "check_live"))
    groups = {row.primary_id: row.original_group for row in snapshot}
    if not set(approved) <= set(groups):
        raise ApprovalRefusedError(
            "The snapshot lacks the original group of an approved person, so nobody could be put back. Nothing "
            "was sent to Alma. Trigger a new run."
        )
    return Authority(
        approved=approved,
        original_groups={primary_id: groups[primary_id] for primary_id in approved},
        payloads=payloads,
        regroup_job_id=preflight.regroup_job_id,
        purge_job_id=preflight.purge_job_id,
        group_names=preflight.group_descriptions,
        exclusions=stored_exclusions(context, run),
        digest=digest,
        decision=decision,
    )


def require_nobody_taken_off_since(run: PurgeRun, authority: Authority) -> None:
    """Make sure, right before a job is started, that nobody was taken off while the last check was made.

    The review page takes nobody off an answered list, but an entry may have been on its way when the answer came.

    Args:
        run: The run.
        authority: What was approved.

    Raises:
        ApprovalWantedError: Somebody was taken off since.
    """
    if checksum_of(taken_off_so_far(run.folder)) != authority.taken_off_sha256:
        raise ApprovalWantedError(
            "Somebody was taken off the list after it was approved. The job was not started."
        )
