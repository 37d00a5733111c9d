"""Fetches the lists of people who must be kept by SFTP, and reads them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alma_purge.steps.sftp_folder import SftpFolder, open_sftp_folder
from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_file import ExclusionFile, read_exclusion_file
from patron_purge.institution import ExclusionPattern, Institution
from patron_purge.protect_list import ProtectList, read_protect_list


@dataclass(frozen=True, slots=True)
class Download:
    """One exclusion file as fetched and read.

    Attributes:
        pattern: The institution's pattern that it matches.
        content: Its bytes.
        file: What was read from it.
    """

    pattern: ExclusionPattern
    content: bytes
    file: ExclusionFile


@dataclass(frozen=True, slots=True)
class ProtectDownload:
    """The protect list as fetched and read.

    Attributes:
        file_name: Its name on the server.
        content: Its bytes.
        entries: The entries that protect today.
    """

    file_name: str
    content: bytes
    entries: ProtectList


@dataclass(frozen=True, slots=True)
class FetchedLists:
    """Everything that was fetched from the institution's SFTP folder.

    Attributes:
        exclusions: The exclusion files, in the order of the institution's patterns.
        protect_list: The protect list; None when the settings name none on the server.
    """

    exclusions: tuple[Download, ...]
    protect_list: ProtectDownload | None


def fetch_lists(institution: Institution, now: datetime) -> FetchedLists:
    """Fetch the newest file of each pattern, and the protect list if one lies there, and read them.

    Args:
        institution: The settings.
        now: The present time in the institution's zone; decides which data is too old and which entry of the
            protect list has ended.

    Raises:
        ConfigurationError: The connection is missing, can't be used or does not pin a host key, or the folder
            does not exist.
        InputRefusedError: The server shows another host key or refuses the login; a required file or the
            protect list is missing; or a file can't be trusted.
        ExclusionServerError: The server can't be reached right now.
    """
    with open_sftp_folder(institution) as folder:
        found = [
            (pattern, name, folder.read(name))
            for pattern in institution.exclusion_files
            if (name := _exclusion_file(folder, pattern, institution)) is not None
        ]
        listed = _protect_list(folder, institution)
    return FetchedLists(
        exclusions=tuple(_read(pattern, name, content, institution, now) for pattern, name, content in found),
        protect_list=None if listed is None else _read_protect_list(*listed, now),
    )


def find_protect_list(institution: Institution, now: datetime) -> ProtectDownload | None:
    """Fetch and read the protect list alone; without the setting the server is not asked at all.

    Args:
        institution: The settings.
        now: The present time in the institution's zone.

    Returns:
        The list, or None when the settings name none on the server.

    Raises:
        ConfigurationError: The connection or the folder can't be used.
        InputRefusedError: The server is another one or refuses the login, or the list is missing or can't be
            read.
        ExclusionServerError: The server can't be reached right now.
    """
    if institution.protect_list_sftp is None:
        return None
    with open_sftp_folder(institution) as folder:
        listed = _protect_list(folder, institution)
    return None if listed is None else _read_protect_list(*listed, now)


def _exclusion_file(folder: SftpFolder, pattern: ExclusionPattern, institution: Institution) -> str | None:
    """Return the name of the newest file that matches, or None when the file is optional."""
    newest = folder.newest(pattern.pattern)
    if newest is None and pattern.required:
        raise InputRefusedError(
            f'No exclusion file matches "{folder.glob(pattern.pattern)}" in the SFTP folder '
            f"{institution.sftp_folder}. Without it, people who must be kept would be purged. Ask the producer "
            "for the file; nothing was changed."
        )
    return newest


def _protect_list(folder: SftpFolder, institution: Institution) -> tuple[str, bytes] | None:
    """Read the protect list, if the settings say that one lies in the folder."""
    pattern = institution.protect_list_sftp
    if pattern is None:
        return None
    newest = folder.newest(pattern)
    if newest is None:
        raise InputRefusedError(
            f'No protect list matches "{folder.glob(pattern)}" in the SFTP folder {institution.sftp_folder} '
            f"(setting protect_list_sftp in {institution.code}.yaml). Without it, protected people could be "
            "purged. Put the list there, or correct the setting; nothing was changed."
        )
    return newest, folder.read(newest)


def _read_protect_list(name: str, content: bytes, now: datetime) -> ProtectDownload:
    return ProtectDownload(name, content, read_protect_list(content, name, today=now.date()))


def _read(
    pattern: ExclusionPattern, name: str, content: bytes, institution: Institution, now: datetime
) -> Download:
    """Read one fetched file."""
    file = read_exclusion_file(
        content,
        file_name=name,
        id_headings=institution.exclusion_id_headings,
        now=now,
        max_age=timedelta(hours=pattern.max_age_hours),
    )
    return Download(pattern=pattern, content=content, file=file)
