"""What the doctor looks at on the SFTP server: it lists and reads, and writes nothing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from alma_purge.doctor.alma_checks import unknown_group
from alma_purge.doctor.visit import Line, NamedCheck, Visit, failed, fine, note
from alma_purge.steps import tenant
from alma_purge.steps.exclusions import find_protect_list
from alma_purge.steps.sftp_folder import ExclusionServerError, SftpFolder, open_sftp_folder
from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_dates import data_moment
from patron_purge.exclusion_file import read_exclusion_file
from patron_purge.institution import ExclusionPattern


def files(visit: Visit) -> Iterator[Line]:
    """Log in, and look for every exclusion file."""
    institution = visit.institution
    with open_sftp_folder(institution) as folder:
        yield fine(
            f"{institution.sftp_connection} logs in to the pinned server and shows the folder "
            f'"{institution.sftp_folder}".'
        )
        for pattern in institution.exclusion_files:
            yield _file(visit, folder, pattern)


def _file(visit: Visit, folder: SftpFolder, pattern: ExclusionPattern) -> Line:
    """Read one exclusion file as a run would."""
    name = folder.newest(pattern.pattern)
    if name is None:
        said = f'No file matches "{folder.glob(pattern.pattern)}"'
        if pattern.required:
            return failed(f"{said}; a run would stop. Ask the producer for the file, or correct the pattern.")
        return note(f"{said}; it is not required.")
    try:
        file = read_exclusion_file(
            folder.read(name),
            file_name=name,
            id_headings=visit.institution.exclusion_id_headings,
            now=visit.now,
            max_age=timedelta(hours=pattern.max_age_hours),
        )
    except (InputRefusedError, ExclusionServerError) as error:
        return failed(str(error))
    moment = data_moment(file.data_as_of, visit.now).astimezone(visit.now.tzinfo)
    return fine(
        f"{name}: {file.row_count:,} rows, data of {moment:%Y-%m-%d %H:%M %Z}, {_hours(visit.now, moment)} hours "
        f"old (at most {pattern.max_age_hours})."
    )


def _hours(now: datetime, moment: datetime) -> int:
    return int((now.timestamp() - moment.timestamp()) // 3600)


def protect_list(visit: Visit) -> Iterator[Line]:
    """Look for the protect list on the server."""
    found = find_protect_list(visit.institution, visit.now)
    if found is None:
        yield fine("The settings name no protect list on the server.")
    else:
        ended = f", {found.entries.expired_count:,} have ended" if found.entries.expired_count else ""
        yield fine(f"{found.file_name}: {len(found.entries.entries):,} entries protect today{ended}.")
        groups = found.entries.group_values
        known = tenant.read_groups(visit.client, visit.institution) if groups else {}
        yield from unknown_group(groups, known, found.file_name)


SFTP_CHECKS: tuple[NamedCheck, ...] = (("exclusion files", files), ("SFTP protect list", protect_list))
