"""The task `pull_report`: the Analytics report of users whose purge date has passed."""

from collections.abc import Iterator

from airflow.sdk import Context

from alma_api.analytics import ReportPage
from alma_api.client import AlmaClient
from alma_api.errors import ReportInterruptedError, ReportNotFoundError
from alma_purge import files
from alma_purge.documents import ReportFacts
from alma_purge.operators.base import PurgeOperator, PurgeRun, publish
from alma_purge.steps.guard_restart import refuse_after_regroup
from patron_purge.errors import ConfigurationError
from patron_purge.institution import ReportSettings
from patron_purge.report_table import ReportHeading, build_report, report_csv

ATTEMPTS = 3


class PullReportOperator(PurgeOperator):
    """Pulls every page of the report and stores it with columns found by their headings."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Pull and store the report; an interrupted report is started over, its rows discarded."""
        refuse_after_regroup(context, run)
        settings = run.institution.report
        try:
            with run.client() as client:
                headings, rows = _pull(client, settings)
        except ReportNotFoundError as error:
            raise ConfigurationError(
                f"Alma has no report at {settings.path} (setting report.path in {run.institution.code}.yaml), or "
                f"the API key may not see it. Copy the path from Analytics; nothing was changed. {error}"
            ) from error
        report = build_report(headings, rows, settings=settings)
        publish(context, run, files.REPORT, report_csv(report))
        facts = ReportFacts(
            path=settings.path,
            rows=len(report),
            headings=tuple(one.heading for one in headings),
            pulled_at=run.now,
        )
        publish(context, run, files.REPORT_FACTS, facts.to_bytes())
        return f"{len(report):,} rows in the Analytics report."


def _pull(
    client: AlmaClient, settings: ReportSettings
) -> tuple[tuple[ReportHeading, ...], list[dict[str, str | None]]]:
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
) -> tuple[tuple[ReportHeading, ...], list[dict[str, str | None]]]:
    headings: tuple[ReportHeading, ...] = ()
    rows: list[dict[str, str | None]] = []
    for page in _pages(client, settings):
        headings = headings or tuple(
            ReportHeading(key=column.key, heading=column.heading) for column in page.columns
        )
        rows.extend(page.rows)
    return headings, rows


def _pages(client: AlmaClient, settings: ReportSettings) -> Iterator[ReportPage]:
    return client.analytics.report(settings.path)
