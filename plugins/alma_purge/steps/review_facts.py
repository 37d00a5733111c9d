"""Gathers what the guards look at and what the review shows about the inputs."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from alma_purge.documents import ExclusionManifest, FetchedFile, ReportFacts
from alma_purge.operators.base import PurgeRun
from patron_purge.exclusion_file import ExclusionFile
from patron_purge.guards import ExclusionFileFacts, GuardFacts, identifier_shapes
from patron_purge.history import RUNS_IN_MEDIAN, HistoryEntry, full_runs, median_of_last
from patron_purge.list_numbers import ListNumbers
from patron_purge.review_model import InputSummary
from patron_purge.states import Reason

if TYPE_CHECKING:
    import pandas as pd

_EXCLUDED = (Reason.IN_EXCLUSION_FILE, Reason.NAME_IN_EXCLUSION_FILE)


@dataclass(frozen=True)
class Gathered:
    """The inputs of one run, read again from the run folder.

    Attributes:
        manifest: What was fetched.
        exclusions: The exclusion files.
        report: What was pulled.
        report_sha256: Checksum of the stored report.
        history: Entries of the earlier runs.
    """

    manifest: ExclusionManifest
    exclusions: tuple[ExclusionFile, ...]
    report: ReportFacts
    report_sha256: str
    history: tuple[HistoryEntry, ...]


def guard_facts(
    run: PurgeRun,
    gathered: Gathered,
    ledger: "pd.DataFrame",
    numbers: ListNumbers,
    remaining_calls: int | None,
) -> GuardFacts:
    """Return the numbers that the guards judge.

    Args:
        run: The run.
        gathered: The inputs.
        ledger: The ledger with the list.
        numbers: The list in numbers.
        remaining_calls: API calls left today, when Alma said so.
    """
    age_limit = {one.pattern: one.max_age_hours for one in run.institution.exclusion_files}
    measured = [entry.exclusion_rows for entry in gathered.history if entry.exclusion_rows]
    return GuardFacts(
        mode=run.mode,
        to_purge=numbers.to_purge,
        report_rows=gathered.report.rows,
        median_to_purge=median_of_last(gathered.history),
        runs_in_median=min(RUNS_IN_MEDIAN, len(full_runs(gathered.history))),
        exclusion_files=tuple(
            ExclusionFileFacts(
                pattern=one.pattern,
                rows=one.rows,
                age_hours=_hours_between(one.data_as_of, run.now),
                max_age_hours=age_limit.get(one.pattern, 0),
            )
            for one in gathered.manifest.files
        ),
        protect_rows=gathered.manifest.protect_rows,
        previous_exclusion_rows=measured[-1] if measured else {},
        exclusion_shapes=identifier_shapes(key for one in gathered.exclusions for key in one.ids),
        report_shapes=identifier_shapes(ledger["primary_id"]),
        matched=int(ledger["reason"].isin(_EXCLUDED).sum()),
        waived_money=numbers.owed_total,
        remaining_calls=remaining_calls,
        days_after_purge_date=run.institution.rules.days_after_purge_date,
    )


def input_summaries(gathered: Gathered, ledger: "pd.DataFrame") -> tuple[InputSummary, ...]:
    """Describe the report and each exclusion file.

    Args:
        gathered: The inputs.
        ledger: The ledger, in which held-back rows name the file that lists them.
    """
    report = InputSummary(
        name=f"Analytics report: {gathered.report.path.rpartition('/')[2]}",
        sha256=gathered.report_sha256,
        data_date=gathered.report.pulled_at,
        age_hours=None,
        rows=gathered.report.rows,
    )
    excluded = ledger.loc[ledger["reason"].isin(_EXCLUDED), "detail"]
    return (report, *(_file_summary(one, excluded, gathered) for one in gathered.manifest.files))


def _file_summary(file: FetchedFile, excluded: "pd.Series[str]", gathered: Gathered) -> InputSummary:
    return InputSummary(
        name=file.remote_name,
        sha256=file.sha256,
        data_date=file.data_as_of,
        age_hours=_hours_between(file.data_as_of, gathered.manifest.fetched_at),
        rows=file.rows,
        without_id=file.names,
        matched=int(excluded.str.contains(file.remote_name, regex=False).sum()),
    )


def _hours_between(earlier: datetime, later: datetime) -> Decimal:
    """Return hours with one decimal."""
    return (Decimal(str((later - earlier).total_seconds())) / 3600).quantize(Decimal("0.1"))
