"""Reads the lists that this run has fetched, from the run folder."""

from datetime import timedelta

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import ExclusionManifest
from alma_purge.operators.base import PurgeRun, fetch
from patron_purge.errors import RunFileError
from patron_purge.exclusion_file import ExclusionFile, read_exclusion_file
from patron_purge.protect_list import ProtectList, read_protect_list


def stored_exclusions(context: Context, run: PurgeRun) -> dict[str, ExclusionFile]:
    """Read the stored exclusion files again.

    Their age counts from when they were fetched: it is the last check that makes sure they are still fresh
    when something is sent.

    Args:
        context: The task's context.
        run: The run.

    Returns:
        The files by the pattern that each matches.

    Raises:
        RunFileError: A file is missing or was changed.
        InputRefusedError: A file can't be trusted.
    """
    manifest = _manifest(context, run)
    age_of = {one.pattern: one.max_age_hours for one in run.institution.exclusion_files}
    return {
        one.pattern: read_exclusion_file(
            fetch(context, run, one.stored_name, "fetch_exclusions"),
            file_name=one.remote_name,
            id_headings=run.institution.exclusion_id_headings,
            now=manifest.fetched_at.astimezone(run.institution.zone),
            max_age=timedelta(hours=age_of.get(one.pattern, 1)),
        )
        for one in manifest.files
    }


def stored_protect_list(context: Context, run: PurgeRun) -> ProtectList | None:
    """Read the protect list that was fetched from the SFTP server again.

    Args:
        context: The task's context.
        run: The run.

    Returns:
        The entries that protect today; None when the settings name no list on the server.

    Raises:
        RunFileError: The list is missing or was changed.
        InputRefusedError: It can't be read.
    """
    fetched = _manifest(context, run).protect_list
    if fetched is None:
        if run.institution.protect_list_sftp is None:
            return None
        raise RunFileError(
            f"The setting protect_list_sftp of {run.institution.code}.yaml is newer than what this run has fetched. "
            "Clear fetch_exclusions, so that the protect list is fetched; nothing was changed."
        )
    content = fetch(context, run, fetched.stored_name, "fetch_exclusions")
    return read_protect_list(content, fetched.remote_name, today=run.now.date())


def _manifest(context: Context, run: PurgeRun) -> ExclusionManifest:
    return ExclusionManifest.model_validate_json(fetch(context, run, files.EXCLUSIONS, "fetch_exclusions"))
