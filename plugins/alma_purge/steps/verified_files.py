"""Holds the files of a run against the checksums on its certificate."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alma_purge import files
from alma_purge.file_kinds import kind_of
from alma_purge.housekeeping_file import FILES_DELETED, HOUSEKEEPING, PEOPLE_RESTORED
from alma_purge.run_folder import RunFolder, sha256_of
from patron_purge.certificate import Certificate, FileChecksum
from patron_purge.retention import FileKind, entries_from_lines

_OF_RESTORING: Final = frozenset({files.RESTORE_LOG, files.NOT_RESTORED})


class Verdict(StrEnum):
    """What one check found; the value is shown to people."""

    FINE = "ok"
    LATER = "later"
    GONE = "gone"
    DIFFERS = "DIFFERS"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        verdict: Whether it agrees.
        text: What was checked, in a plain sentence without personal data.
    """

    verdict: Verdict
    text: str


def present_files(folder: RunFolder, certificate: Certificate) -> dict[str, bool | None]:
    """Tell which files are there as they were.

    Args:
        folder: The run folder.
        certificate: Its certificate.

    Returns:
        File name to whether the file is as it was; None when it is gone.
    """
    return {one.name: _present(folder, one) for one in certificate.files}


def file_findings(
    folder: RunFolder, certificate: Certificate, present: Mapping[str, bool | None]
) -> Iterator[Finding]:
    """Name every file that is not as it was.

    Args:
        folder: The run folder.
        certificate: Its certificate.
        present: What `present_files` said.

    Yields:
        What each check found.
    """
    yield from _files(certificate.files, present, _housekeeping_of(folder, certificate.run_id))
    yield _page(folder, certificate)


def _present(folder: RunFolder, one: FileChecksum) -> bool | None:
    """Tell whether a file is there as it was; None when it is gone."""
    content = folder.read_if_there(one.name)
    return None if content is None else sha256_of(content) == one.sha256


@dataclass(frozen=True, slots=True)
class _Housekeeping:
    """What the housekeeping has done about a run.

    Attributes:
        deleted: Kinds of files that were deleted and looked for in vain.
        begun: Kinds of files whose deletion was begun, and is not known to have been finished.
        put_back: Whether people of the run were put back, or it was tried.
    """

    deleted: frozenset[str]
    begun: frozenset[str]
    put_back: bool


def _housekeeping_of(folder: RunFolder, run_id: str) -> _Housekeeping:
    """Return what the housekeeping has done about a run, by the log beside the run folders."""
    log = RunFolder(folder.path.parent).read_if_there(HOUSEKEEPING) or b""
    of_run = [entry for entry in entries_from_lines(log.decode()) if entry.run_id == run_id]
    deletions = [entry for entry in of_run if entry.did == FILES_DELETED]
    deleted = {kind for entry in deletions if entry.done for kind, count in entry.counts.items() if count}
    begun = {kind for entry in deletions if not entry.done for kind, count in entry.counts.items() if count}
    return _Housekeeping(
        deleted=frozenset(deleted),
        begun=frozenset(begun - deleted),
        put_back=any(entry.did == PEOPLE_RESTORED for entry in of_run),
    )


def _files(
    listed: tuple[FileChecksum, ...], present: Mapping[str, bool | None], since: _Housekeeping
) -> Iterator[Finding]:
    for one in listed:
        if one.recorded is False:
            yield Finding(
                Verdict.DIFFERS,
                f"{one.name} was not the file that its task wrote already when the certificate was written.",
            )
        if present[one.name] is False:
            yield _changed(one.name, since)
        elif present[one.name] is None and not _may_be_gone(one.name, since):
            yield Finding(Verdict.DIFFERS, _missing(one.name, since))
    gone = [one.name for one in listed if present[one.name] is None and _may_be_gone(one.name, since)]
    if gone:
        yield Finding(
            Verdict.GONE,
            f"{', '.join(gone)}: deleted after their retention, as the housekeeping log says. What rests on them is "
            "not checked.",
        )
    same = sum(each is True for each in present.values())
    yield Finding(Verdict.FINE, f"{same:,} of {len(listed):,} files have the checksums of the certificate.")


def _changed(name: str, since: _Housekeeping) -> Finding:
    if name in _OF_RESTORING and since.put_back:
        return Finding(
            Verdict.LATER,
            f"{name} has changed since: the housekeeping has put people of this run back, which the certificate does "
            "not count.",
        )
    return Finding(Verdict.DIFFERS, f"{name} was changed after the certificate was written.")


def _may_be_gone(name: str, since: _Housekeeping) -> bool:
    return kind_of(name).value in since.deleted


def _missing(name: str, since: _Housekeeping) -> str:
    kind = kind_of(name)
    if kind is FileKind.NOT_PERSONAL:
        return f"{name} is missing. It names nobody, so no retention deletes it."
    if kind.value in since.begun:
        return (
            f"{name} is missing. The housekeeping log says that deleting such files of this run was begun, but not "
            "that it was finished, which proves nothing."
        )
    return (
        f"{name} is missing, and the housekeeping log does not say that such files of this run were deleted."
    )


def _page(folder: RunFolder, certificate: Certificate) -> Finding:
    page = folder.read_if_there(files.CERTIFICATE_PAGE)
    if page is None:
        return Finding(Verdict.DIFFERS, f"{files.CERTIFICATE_PAGE}, the page of the certificate, is missing.")
    if sha256_of(page) != certificate.page_sha256:
        return Finding(
            Verdict.DIFFERS,
            f"{files.CERTIFICATE_PAGE} is not the page that was written with the certificate.",
        )
    return Finding(Verdict.FINE, f"{files.CERTIFICATE_PAGE} is the page of this certificate.")


def recorded_elsewhere(
    folder: RunFolder, certificate: Certificate, on_record: Mapping[str, str]
) -> Iterator[Finding]:
    """Hold certificate and files against the checksums that Airflow's database has.

    Args:
        folder: The run folder.
        certificate: Its certificate.
        on_record: File name to the checksum that its task has recorded.

    Yields:
        What each check found.
    """
    now = {one.name: one.sha256 for one in certificate.files}
    for name in (files.CERTIFICATE, files.CERTIFICATE_PAGE):
        content = folder.read_if_there(name)
        if content is not None:
            now[name] = sha256_of(content)
    known = sorted(now.keys() & on_record.keys())
    for name in known:
        if now[name] != on_record[name]:
            yield Finding(Verdict.DIFFERS, f"{name} is not the file whose checksum Airflow's database has.")
    same = sum(now[name] == on_record[name] for name in known)
    yield Finding(Verdict.FINE, f"Airflow's database has the same checksum for {same:,} files.")
