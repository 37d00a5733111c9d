"""The task `fetch_exclusions`: the spreadsheets of people who must be kept."""

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import ExclusionManifest, FetchedFile
from alma_purge.operators.base import PurgeOperator, PurgeRun, publish
from alma_purge.steps.exclusions import Download, fetch_exclusion_files
from alma_purge.steps.guard_restart import refuse_after_regroup
from patron_purge.exclusion_file import data_moment


class FetchExclusionsOperator(PurgeOperator):
    """Fetches the newest exclusion file of each pattern by SFTP, reads it, and stores it in the run folder."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Fetch, read and store the files."""
        refuse_after_regroup(context, run)
        downloads = fetch_exclusion_files(run.institution, run.now)
        fetched = tuple(
            self._store(run, context, number, one) for number, one in enumerate(downloads, start=1)
        )
        publish(
            context, run, files.EXCLUSIONS, ExclusionManifest(fetched_at=run.now, files=fetched).to_bytes()
        )
        rows = sum(one.rows for one in fetched)
        return f"{len(fetched)} exclusion files fetched, {rows:,} rows of people to keep."

    def _store(self, run: PurgeRun, context: Context, number: int, download: Download) -> FetchedFile:
        stored_name = f"exclusions-{number}.xlsx"
        ref = publish(context, run, stored_name, download.content)
        return FetchedFile(
            pattern=download.pattern.pattern,
            remote_name=download.file.file_name,
            stored_name=stored_name,
            sha256=ref.sha256,
            size=len(download.content),
            data_as_of=data_moment(download.file.data_as_of, run.now),
            rows=download.file.row_count,
            ids=len(download.file.ids),
            names=len(download.file.names),
        )
