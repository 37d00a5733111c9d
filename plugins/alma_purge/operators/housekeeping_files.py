"""The housekeeping task `delete_expired_files`: no list of people is kept longer than it is needed."""

from collections import Counter

from airflow.sdk import Context

from alma_purge.file_kinds import kind_of
from alma_purge.housekeeping_file import logged
from alma_purge.operators.housekeeping import Household, HousekeepingError, HousekeepingOperator
from alma_purge.steps.past_runs import PastRun
from patron_purge.retention import FileKind, RunAge, StoredFile, due_files

FILES_DELETED = "files deleted"


class DeleteExpiredFilesOperator(HousekeepingOperator):
    """Deletes the files with personal data of ended runs after their retention, and proves it in the log."""

    def tidy(self, household: Household, context: Context) -> str:
        """Delete what is due, run by run, and look whether it is gone."""
        del context
        deleted: Counter[FileKind] = Counter()
        runs = 0
        for run in household.ended():
            due = due_files(
                _stored(run),
                RunAge(run.ended_at, len(run.unsettled)),
                household.institution.retention,
                household.now,
            )
            if due:
                runs += 1
                deleted.update(_delete(self.institution_code, run, due))
        return " ".join(_sentences(household, deleted, runs))


def _stored(run: PastRun) -> list[StoredFile]:
    return [StoredFile(name, kind_of(name)) for name in run.folder.names()]


def _delete(institution_code: str, run: PastRun, due: tuple[StoredFile, ...]) -> Counter[FileKind]:
    """Delete files between two entries in the log; the second is only written when they are gone."""
    counts = Counter(file.kind for file in due)
    shown = {kind.value: count for kind, count in sorted(counts.items())}
    with logged(institution_code, run.run_id, FILES_DELETED, shown):
        for file in due:
            run.folder.remove(file.name)
        left = {file.name for file in due} & set(run.folder.names())
        if left:
            raise HousekeepingError(
                f"{len(left):,} files of the run {run.run_id} are still there after they were deleted: "
                f"{', '.join(sorted(left))}. Find out who may not delete in {run.folder.path}, then clear this task."
            )
    return counts


def _sentences(household: Household, deleted: Counter[FileKind], runs: int) -> list[str]:
    what = ", ".join(f"{count:,} {kind.value}" for kind, count in sorted(deleted.items()))
    said = [
        f"{deleted.total():,} files of {runs:,} runs deleted ({what})." if deleted else "No file was due."
    ]
    held = [run for run in household.ended() if run.unsettled]
    if held:
        people = sum(len(run.unsettled) for run in held)
        said.append(
            f"The lists of {len(held):,} runs are kept until {people:,} people are verified as purged or back in "
            "their group."
        )
    unknown = sum(file.kind is FileKind.UNKNOWN for run in household.ended() for file in _stored(run))
    if unknown:
        said.append(f"{unknown:,} files are none that this package writes; they were left, look at them.")
    if household.nameless:
        said.append(f"{household.nameless:,} folders name no run and were left, look at them.")
    return said
