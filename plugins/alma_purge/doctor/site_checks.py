"""What the doctor looks at on this machine: settings, versions, store, schedule."""

import platform
import re
import uuid
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk.exceptions import AirflowException

from alma_purge.config_check import check_config
from alma_purge.doctor.visit import Line, NamedCheck, Visit, failed, fine, note
from alma_purge.history_file import read_history
from alma_purge.places import institution_files, store_root
from alma_purge.run_folder import RunFolder
from alma_purge.schedule import next_run_after
from patron_purge.states import Mode

_PACKAGES = (
    "alma-user-purge",
    "apache-airflow",
    "apache-airflow-providers-sftp",
    "apache-airflow-providers-standard",
    "pandas",
)


def settings(visit: Visit) -> Iterator[Line]:
    """Look for mistakes in the settings, in what they refer to and between the files."""
    name = f"{visit.institution.code}.yaml"
    found = mistakes_of(name)
    yield from found
    if not found:
        yield fine(f"{name}, its job payloads and its protect list have no mistakes.")


def mistakes_of(file_name: str) -> list[Line]:
    """Return a failed line for every mistake in an institution file.

    Args:
        file_name: Name of the file.
    """
    return [
        failed(f"{where}, line {one.line}: {one.sentence}")
        for where, one in check_config().mistakes
        if where == file_name
    ]


def versions(visit: Visit) -> Iterator[Line]:
    """Name the versions that are installed."""
    del visit
    found = [f"Python {platform.python_version()}"]
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield failed(f"{name} is not installed. Install the locked requirements and this package.")
    yield fine(", ".join(found) + ".")


def approvers(visit: Visit) -> Iterator[Line]:
    """Count the people who may approve."""
    institution = visit.institution
    if institution.approvers:
        yield fine(f"The mode is {institution.mode}; {len(institution.approvers):,} person(s) may approve.")
    elif institution.mode is Mode.REPORT_ONLY:
        yield note(
            "The mode is report_only and nobody may approve, so no other mode can be chosen at trigger."
        )
    else:
        yield failed(
            f"The mode is {institution.mode}, but approvers is empty, so nobody could approve a run."
        )


def schedule(visit: Visit) -> Iterator[Line]:
    """Say when the next run begins."""
    following = next_run_after(visit.institution, visit.now)
    if following is None:
        yield note("There is no schedule; runs begin by hand only.")
    else:
        yield fine(f"The next scheduled run begins at {following:%Y-%m-%d %H:%M %Z}.")
    others = len(institution_files()) - 1
    if others:
        yield fine(f"{others:,} other institution file(s) lie beside this one.")


def store(visit: Visit) -> Iterator[Line]:
    """Write, read and remove a small file where the run folders are."""
    del visit
    root = store_root()
    shown = re.sub(r"//[^/@]+@", "//", str(root))
    probe = RunFolder(root / "doctor")
    name, content = f"probe-{uuid.uuid4().hex}", b"A probe of the doctor; it may be removed."
    there_before = probe.path.exists()
    try:
        probe.write(name, content)
        read = probe.read(name)
        probe.remove(name)
        if not there_before and probe.path.exists():
            probe.path.rmdir()
    except OSError as error:
        yield failed(
            f"The store {shown} can't be written ({type(error).__name__}). Correct ALMA_PURGE_STORE or the "
            "rights; all Airflow components need it."
        )
        return
    if read != content:
        yield failed(f"The store {shown} gives back something else than was written.")
        return
    yield fine(f"The store {shown} can be written and read.")


def history(visit: Visit) -> Iterator[Line]:
    """Read the history of earlier runs."""
    entries = read_history(visit.institution.code)
    if not entries:
        yield note(
            "There is no earlier run; the first full run needs a guard_override for no_history if it is large."
        )
        return
    last = entries[-1]
    ended = last.finished_at.astimezone(visit.now.tzinfo)
    yield fine(
        f"{len(entries):,} earlier run(s); the last one ended at {ended:%Y-%m-%d %H:%M %Z} ({last.mode})."
    )


def mail_server(visit: Visit) -> Iterator[Line]:
    """Log in to the mail server of the notices, and send nothing."""
    notices = visit.institution.notices
    if notices is None:
        yield fine("The settings name nobody who gets mails.")
        return
    name = notices.smtp_connection
    try:
        with SmtpHook(smtp_conn_id=name) as hook:
            sender = hook.from_email
    except (OSError, AirflowException, ValueError) as error:
        yield failed(f"The mail server of the connection {name} can't be used ({type(error).__name__}).")
        return
    if sender:
        yield fine(f"The mail server of the connection {name} lets this machine in; no mail was sent.")
    else:
        yield failed(f"The connection {name} names no sender. Put from_email into its extra field.")


SITE_CHECKS: tuple[NamedCheck, ...] = (
    ("settings", settings),
    ("versions", versions),
    ("approvers", approvers),
    ("schedule", schedule),
    ("store", store),
    ("history", history),
    ("mail server", mail_server),
)
