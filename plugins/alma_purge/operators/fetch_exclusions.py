"""The task `fetch_exclusions`: the spreadsheets of people who must be kept."""

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import ExclusionManifest, FetchedFile, FetchedProtectList
from alma_purge.operators.base import PurgeOperator, PurgeRun, publish
from alma_purge.steps.exclusions import Download, ProtectDownload, fetch_lists
from alma_purge.steps.guard_restart import refuse_after_regroup
from alma_purge.steps.rule_context import protect_rows
from patron_purge.exclusion_dates import data_moment


class FetchExclusionsOperator(PurgeOperator):
    """Fetches the newest exclusion file of each pattern and the protect list by SFTP, and stores them."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Fetch, read and store the files."""
        refuse_after_regroup(context, run)
        lists = fetch_lists(run.institution, run.now)
        fetched = tuple(
            self._store(run, context, number, one) for number, one in enumerate(lists.exclusions, start=1)
        )
        protect_list = lists.protect_list and self._store_protect_list(run, context, lists.protect_list)
        manifest = ExclusionManifest(
            fetched_at=run.now,
            files=fetched,
            protect_list=protect_list,
            protect_rows=protect_rows(run, lists.protect_list.entries if lists.protect_list else None),
        )
        publish(context, run, files.EXCLUSIONS, manifest.to_bytes())
        rows = sum(one.rows for one in fetched)
        also = f" and a protect list (entries: {protect_list.entries:,})" if protect_list else ""
        return f"{len(fetched)} exclusion files{also} fetched, {rows:,} rows of people to keep."

    def _store(self, run: PurgeRun, context: Context, number: int, download: Download) -> FetchedFile:
        stored_name = f"exclusions-{number}.xlsx"
        ref = publish(context, run, stored_name, download.content)
        return FetchedFile(
            pattern=download.pattern.pattern,
            remote_name=download.file.file_name,
            stored_name=stored_name,
            sha256=ref.sha256,
            size=len(download.content),
            data_as_of=data_moment(download.file.data_as_of, run.now).astimezone(run.institution.zone),
            rows=download.file.row_count,
            ids=len(download.file.ids),
            names=len(download.file.names),
        )

    def _store_protect_list(
        self, run: PurgeRun, context: Context, download: ProtectDownload
    ) -> FetchedProtectList:
        ref = publish(context, run, files.PROTECT_LIST, download.content)
        return FetchedProtectList(
            remote_name=download.file_name,
            stored_name=files.PROTECT_LIST,
            sha256=ref.sha256,
            size=len(download.content),
            entries=len(download.entries.entries),
        )
