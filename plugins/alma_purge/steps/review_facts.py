"""Gathers what the guards look at and what the review shows about the inputs."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from alma_purge.documents import ExclusionManifest, FetchedFile, ReportFacts
from alma_purge.operators.base import PurgeRun
from alma_purge.places import config_folder
from alma_purge.run_folder import sha256_of
from alma_purge.steps.rule_context import own_protect_list
from patron_purge.exclusion_file import ExclusionFile
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.guards import ExclusionFileFacts, ExclusionIdFacts, GuardFacts, identifier_shapes
from patron_purge.history import RUNS_IN_MEDIAN, HistoryEntry, full_runs, median_of_last
from patron_purge.list_numbers import ListNumbers
from patron_purge.protect_list import ProtectList
from patron_purge.review_model import InputSummary
from patron_purge.states import Reason

if TYPE_CHECKING:
    import pandas as pd

_EXCLUDED = (Reason.IN_EXCLUSION_FILE, Reason.NAME_IN_EXCLUSION_FILE)


@dataclass(frozen=True)
class AppliedProtectList:
    """A protect list that this run applies.

    Attributes:
        name: Its name for people.
        sha256: Checksum of the file.
        content: Its entries.
    """

    name: str
    sha256: str
    content: ProtectList


@dataclass(frozen=True)
class Gathered:
    """The inputs of one run, read again from the run folder.

    Attributes:
        manifest: What was fetched.
        exclusions: The exclusion files.
        report: What was pulled.
        report_sha256: Checksum of the stored report.
        history: Entries of the earlier runs.
        protect_lists: The protect lists that were applied.
    """

    manifest: ExclusionManifest
    exclusions: tuple[ExclusionFile, ...]
    report: ReportFacts
    report_sha256: str
    history: tuple[HistoryEntry, ...]
    protect_lists: tuple[AppliedProtectList, ...] = ()


def applied_protect_lists(
    run: PurgeRun, manifest: ExclusionManifest, fetched: ProtectList | None
) -> tuple[AppliedProtectList, ...]:
    """Return the protect lists of a run: the one beside the settings, then the one from the SFTP server.

    Args:
        run: The run.
        manifest: What was fetched.
        fetched: The entries of the list from the server; None when the settings name none.

    Raises:
        ConfigurationError: The list beside the settings can't be read.
    """
    lists = []
    name = run.institution.protect_list
    if name is not None:
        entries = own_protect_list(run)
        content = (config_folder() / "institutions" / name).read_bytes()
        lists.append(AppliedProtectList(f"Protect list: {name}", sha256_of(content), entries))
    if fetched is not None and manifest.protect_list is not None:
        on_server = manifest.protect_list
        shown = f"Protect list from the SFTP folder: {on_server.remote_name}"
        lists.append(AppliedProtectList(shown, on_server.sha256, fetched))
    return tuple(lists)


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
        exclusion_ids=tuple(
            ExclusionIdFacts(
                name=one.file_name,
                ids=len(one.ids),
                shapes=identifier_shapes(one.ids),
                matched=_listed(one, ledger),
            )
            for one in gathered.exclusions
        ),
        report_shapes=identifier_shapes(ledger["primary_id"]),
        waived_money=numbers.owed_total,
        remaining_calls=remaining_calls,
        days_after_purge_date=run.institution.rules.days_after_purge_date,
    )


def input_summaries(gathered: Gathered, ledger: "pd.DataFrame") -> tuple[InputSummary, ...]:
    """Describe the report, each exclusion file and each protect list.

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
    read = {one.file_name: one for one in gathered.exclusions}
    protected = ledger.loc[ledger["reason"] == Reason.PROTECT_LIST, "detail"]
    return (
        report,
        *(
            _file_summary(one, excluded, gathered, _listed(file, ledger) if file else None)
            for one, file in ((one, read.get(one.remote_name)) for one in gathered.manifest.files)
        ),
        *(_protect_summary(one, protected) for one in gathered.protect_lists),
    )


def _listed(file: ExclusionFile, ledger: "pd.DataFrame") -> int:
    """Count the people of the report whom one file lists, whatever the other files say."""
    index = ExclusionIndex.build([file])
    by_name = index.files_of_names(ledger["first_name"], ledger["last_name"]) != ""
    return int((index.matches_column(ledger["primary_id"]) | by_name).sum())


def _protect_summary(one: AppliedProtectList, protected: "pd.Series[str]") -> InputSummary:
    """Describe a protect list, which carries no date; most entries match nobody, so it has no match rate."""
    details = {entry.finding.detail for entry in one.content.entries}
    return InputSummary(
        name=one.name,
        sha256=one.sha256,
        data_date=None,
        age_hours=None,
        rows=len(one.content.entries),
        matched=int(protected.isin(details).sum()),
    )


def _file_summary(
    file: FetchedFile, excluded: "pd.Series[str]", gathered: Gathered, listed: int | None
) -> InputSummary:
    return InputSummary(
        name=file.remote_name,
        sha256=file.sha256,
        data_date=file.data_as_of,
        age_hours=_hours_between(file.data_as_of, gathered.manifest.fetched_at),
        rows=file.rows,
        without_id=file.names,
        matched=int((excluded == file.remote_name).sum()),
        listed=listed,
    )


def _hours_between(earlier: datetime, later: datetime) -> Decimal:
    """Return hours with one decimal."""
    return (Decimal(str((later - earlier).total_seconds())) / 3600).quantize(Decimal("0.1"))
