"""The task `pull_report`: the Analytics report of users whose purge date has passed."""

from itertools import chain
from typing import TYPE_CHECKING

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_api.errors import ReportInterruptedError, ReportNotFoundError
from alma_purge import files
from alma_purge.documents import ReportFacts
from alma_purge.operators.base import PurgeOperator, PurgeRun, publish
from alma_purge.steps.guard_restart import refuse_after_regroup
from patron_purge.errors import ConfigurationError
from patron_purge.institution import ReportSettings
from patron_purge.report_table import ReportHeading, build_report, report_csv, require_ids

if TYPE_CHECKING:
    import pandas as pd

ATTEMPTS = 3


class PullReportOperator(PurgeOperator):
    """Pulls every page of the report and stores it with columns found by their headings."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Pull and store the report; an interrupted report is started over, its rows discarded."""
        refuse_after_regroup(context, run)
        settings = run.institution.report
        try:
            with run.client() as client:
                headings, report = _pull(client, settings)
        except ReportNotFoundError as error:
            raise ConfigurationError(
                f"Alma has no report at {settings.path} (setting report.path in {run.institution.code}.yaml), or "
                f"the API key may not see it. Copy the path from Analytics; nothing was changed. {error}"
            ) from error
        publish(context, run, files.REPORT, report_csv(report))
        facts = ReportFacts(
            path=settings.path,
            rows=len(report),
            headings=tuple(one.heading for one in headings),
            pulled_at=run.now,
        )
        publish(context, run, files.REPORT_FACTS, facts.to_bytes())
        return f"{len(report):,} rows in the Analytics report."


def _pull(client: AlmaClient, settings: ReportSettings) -> tuple[tuple[ReportHeading, ...], "pd.DataFrame"]:
    """Read the whole report; begin again when a page fails, because Alma's token is a moving cursor."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _read_once(client, settings)
        except ReportInterruptedError:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _read_once(
    client: AlmaClient, settings: ReportSettings
) -> tuple[tuple[ReportHeading, ...], "pd.DataFrame"]:
    """Read every page into one table; no page is held longer than it takes to put it there."""
    pages = client.analytics.report(settings.path)
    first = next(pages)
    headings = tuple(ReportHeading(key=column.key, heading=column.heading) for column in first.columns)
    rows = (row for page in chain([first], pages) for row in page.rows)
    report = build_report(headings, rows, settings=settings)
    require_ids(report, headings, settings=settings)
    return headings, report
