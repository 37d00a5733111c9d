"""Putting together what the approver sees before deciding."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from patron_purge.amounts import number
from patron_purge.digest import approval_code
from patron_purge.errors import AccountingError
from patron_purge.guards import GuardResult
from patron_purge.institution import RuleSettings
from patron_purge.list_numbers import ListNumbers
from patron_purge.payloads import FrozenPayload
from patron_purge.review_model import (
    Count,
    Equation,
    GroupRow,
    InputSummary,
    JobSummary,
    Money,
    Parameter,
    Review,
)
from patron_purge.states import Mode, Reason, RowState


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Which run a document is about.

    Attributes:
        institution: Short code of the institution.
        institution_name: Name shown to people.
        institution_code: Alma's institution code.
        environment: Alma environment.
        run_id: Run id of Airflow.
        mode: How far the run may go.
    """

    institution: str
    institution_name: str
    institution_code: str
    environment: str
    run_id: str
    mode: Mode


def job_summary(name: str, job_id: str, payload: FrozenPayload) -> JobSummary:
    """Describe a job with the parameters of its frozen payload.

    Args:
        name: Name of the job in Alma.
        job_id: Job id in Alma.
        payload: The frozen payload.
    """
    parameters = tuple(Parameter(name=each, value=value) for each, value in payload.parameters)
    return JobSummary(name=name, id=job_id, payload_sha256=payload.sha256, parameters=parameters)


def build_equation(report_rows: int, by_state: Mapping[RowState, int]) -> Equation:
    """Write the sum over the report, and refuse one that does not close.

    Args:
        report_rows: Rows that were read from the report.
        by_state: Ledger rows by state.

    Raises:
        AccountingError: The states do not add up to the rows of the report.
    """
    parts = state_counts(by_state)
    text = " + ".join(f"{number(part.count)} {part.label}" for part in parts) or "0"
    if sum(part.count for part in parts) != report_rows:
        raise AccountingError(
            f"The rows do not add up: {number(report_rows)} in the report, but {text}. Clear "
            "select_candidates with everything after it; nothing was changed."
        )
    rows = f"{number(report_rows)} {'row' if report_rows == 1 else 'rows'} in the report"
    return Equation(text=f"{rows} = {text}", total=report_rows, parts=parts)


def state_counts(by_state: Mapping[RowState, int]) -> tuple[Count, ...]:
    """List the states that any row has, in their fixed order.

    Args:
        by_state: Ledger rows by state.
    """
    return tuple(
        Count(code=state, label=state.label, count=by_state[state])
        for state in RowState
        if by_state.get(state)
    )


def reason_counts(by_reason: Mapping[Reason, int]) -> tuple[Count, ...]:
    """List the reasons that any row has, in the order of the rules.

    Args:
        by_reason: Ledger rows by reason.
    """
    return tuple(
        Count(code=reason, label=reason.label, count=by_reason[reason])
        for reason in Reason
        if by_reason.get(reason)
    )


def build_review(
    run: RunIdentity,
    *,
    created_at: datetime,
    digest: str,
    report_rows: int,
    by_state: Mapping[RowState, int],
    by_reason: Mapping[Reason, int],
    numbers: ListNumbers,
    group_names: Mapping[str, str],
    last_by_group: Mapping[str, int] | None,
    inputs: tuple[InputSummary, ...],
    guards: tuple[GuardResult, ...],
    marker_group: str,
    jobs: tuple[JobSummary, ...],
    file_sha256: Mapping[str, str],
    rules: RuleSettings | None = None,
) -> Review:
    """Put the review together.

    Args:
        run: Which run it is.
        created_at: The current time, with time zone.
        digest: Digest of the purge.
        report_rows: Rows that were read from the report.
        by_state: Ledger rows by state.
        by_reason: Ledger rows by reason.
        numbers: The list in numbers.
        group_names: Description of every user group by its code.
        last_by_group: People by group code in the last full run; None when there was none.
        inputs: The input files.
        guards: What the guards say.
        marker_group: Code of the marker group.
        jobs: The jobs with their parameters.
        file_sha256: Checksums of the run's files by their name.
        rules: Settings of the rules with which the list was made.

    Returns:
        The review, without personal data.

    Raises:
        AccountingError: The states do not add up to the report, or the list to its count.
    """
    count = by_state.get(RowState.TO_PURGE, 0)
    if count != numbers.to_purge or count != sum(numbers.by_group.values()):
        raise AccountingError(
            "The list and its numbers differ. Clear check_live with everything after it; nothing was changed."
        )
    return Review(
        institution=run.institution,
        institution_name=run.institution_name,
        institution_code=run.institution_code,
        environment=run.environment,
        run_id=run.run_id,
        mode=run.mode,
        created_at=created_at,
        count=count,
        code=approval_code(digest),
        digest=digest,
        equation=build_equation(report_rows, by_state),
        by_reason=reason_counts(by_reason),
        by_group=group_table(numbers.by_group, group_names, last_by_group),
        by_age=bands(numbers.by_age),
        by_expiry=bands(numbers.by_expiry),
        money=Money(total=numbers.owed_total, largest=numbers.owed_largest, people=numbers.people_who_owe),
        inputs=inputs,
        guards=guards,
        marker_group=marker_group,
        jobs=jobs,
        file_sha256=dict(file_sha256),
        group_names=dict(group_names),
        rules=rules,
    )


def bands(counts: Mapping[tuple[str, str], int]) -> tuple[Count, ...]:
    """Turn counts by code and label into rows for people, in their order.

    Args:
        counts: Counts by code and label.
    """
    return tuple(Count(code=code, label=label, count=each) for (code, label), each in counts.items())


def group_table(
    by_group: Mapping[str, int], group_names: Mapping[str, str], last_by_group: Mapping[str, int] | None
) -> tuple[GroupRow, ...]:
    """Compare the list by user group with the last full run; groups of either side are listed.

    Args:
        by_group: People on the list by group code.
        group_names: Description of every user group by its code.
        last_by_group: The same of the last full run; None when there was none.

    Returns:
        The largest group first.
    """
    last = last_by_group or {}
    has_last = last_by_group is not None
    codes = sorted({*by_group, *last}, key=lambda code: (-by_group.get(code, 0), code))
    return tuple(
        GroupRow(
            code=code,
            description=group_names.get(code, ""),
            count=by_group.get(code, 0),
            last_count=last.get(code, 0) if has_last else None,
            change=by_group.get(code, 0) - last.get(code, 0) if has_last else None,
            is_new=has_last and not last.get(code, 0),
        )
        for code in codes
    )
