"""Which institutions have had their scheduled run, and which were left out without anybody noticing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import croniter
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from alma_purge import files
from alma_purge.history_file import read_history
from alma_purge.places import institution_files, run_folder_name, store_root
from alma_purge.run_folder import RunFolder, run_folders
from patron_purge.errors import ConfigurationError, RunFileError
from patron_purge.institution import Institution, load_institution
from patron_purge.run_outcome import Outcome

# Besides the approval and the two jobs: the checks, and a day to put something right.
_GRACE = timedelta(hours=24)
_NO_RUN = (Outcome.FAILED, Outcome.STOPPED)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of the institutions' scheduled runs.

    Attributes:
        ran: Codes of the institutions whose latest due run has a certificate.
        left_out: Code and reason of those without one.
        by_hand: Codes of institutions without a schedule; nothing is expected of them.
    """

    ran: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    by_hand: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Return the result in words: "Expected 90, ran 89: abc did not (why)."."""
        expected = f"Expected {len(self.ran) + len(self.left_out):,}, ran {len(self.ran):,}"
        if not self.left_out:
            return f"{expected}."
        return f"{expected}: {', '.join(f'{code} did not ({why})' for code, why in self.left_out)}."


def coverage(now: datetime) -> Coverage:
    """Compare the schedules of all institutions with the certificates in their run folders.

    A run is due when its approval, its jobs and one more day could have passed since its scheduled start. It
    counts when its certificate says anything but "failed" or "stopped"; a rejected list counts.

    Args:
        now: The present time, with a zone.

    Returns:
        The comparison. An institution whose file has mistakes is among those left out.
    """
    ran: list[str] = []
    left_out: list[tuple[str, str]] = []
    by_hand: list[str] = []
    for path in institution_files():
        try:
            institution = load_institution(path)
        except ConfigurationError:
            left_out.append((path.stem, "its settings need correction"))
            continue
        due = last_due_start(institution, now)
        if due is None:
            by_hand.append(path.stem)
            continue
        why = _why_not(path.stem, due)
        if why is None:
            ran.append(path.stem)
        else:
            left_out.append((path.stem, why))
    return Coverage(tuple(ran), tuple(left_out), tuple(by_hand))


def last_due_start(institution: Institution, now: datetime) -> datetime | None:
    """Return the latest scheduled start whose run should have ended by now; None without a schedule.

    Args:
        institution: The settings.
        now: The present time, with a zone.
    """
    if institution.schedule is None:
        return None
    patience = timedelta(hours=institution.approval_hours + 2 * institution.job_hours) + _GRACE
    until = (now.astimezone(UTC) - patience).astimezone(institution.zone)
    due: datetime = croniter(institution.schedule, until).get_prev(datetime)
    return due


class _Ending(BaseModel):
    """What counts of a certificate here."""

    model_config = ConfigDict(extra="ignore")

    outcome: Outcome
    created_at: AwareDatetime


def _why_not(code: str, due: datetime) -> str | None:
    """Tell why the run that was due is missing; None when it is there."""
    bad: list[_Ending] = []
    try:
        for ending in _endings(code):
            if ending.created_at < due:
                continue
            if ending.outcome not in _NO_RUN:
                return None
            bad.append(ending)
    except RunFileError:
        return "its history can't be read"
    since = f"since {due:%Y-%m-%d %H:%M %Z}"
    if not bad:
        return f"no run {since}"
    return f"{max(bad, key=lambda each: each.created_at).outcome.label.lower()} {since}"


def _endings(code: str) -> Iterator[_Ending]:
    """Read how the runs of an institution ended: the latest one on the history first, then every folder."""
    history = read_history(code)
    latest = [run_folder_name(max(history, key=lambda entry: entry.finished_at).run_id)] if history else []
    if latest:
        yield from _ending(RunFolder(store_root() / code / latest[0]))
    for folder in run_folders(code):
        if folder.path.name not in latest:
            yield from _ending(folder)


def _ending(folder: RunFolder) -> Iterator[_Ending]:
    content = folder.read_if_there(files.CERTIFICATE)
    if content is None:
        return
    try:
        yield _Ending.model_validate_json(content)
    except ValidationError as error:
        raise RunFileError(f"A {files.CERTIFICATE} can't be read.") from error
