"""What must hold after every run, whatever has happened to it."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any

from tests.support.rehearsal.airflow import FAILED, SUCCESS
from tests.support.rehearsal.run import Run
from tests.support.tenant import MARKER
from tests.support.world import Person, World, is_there

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_sandbox.state.job_run import JobRun
from alma_sandbox.state.people import Expectation
from patron_purge.decision import Person as Staff
from patron_purge.ledger import ids_in_state, read_ledger_csv, require_closed
from patron_purge.looked import Looked
from patron_purge.states import RowState

# After this long a job that Alma does not list was never started, and everything that works has ended.
PATIENCE = timedelta(hours=2)
_GROUP_CHANGES = {"field", "put", "purged"}
_ADVICE = re.compile(
    r"\bclear\b|trigger a new run|look at|look into|look for|look them up|look there|wait until|correct (the|it)"
    r"|\bmend\b|\bask\b|find out|create it|use the right|restore_kept|put (it|the|them) back|trying again",
    re.IGNORECASE,
)
_ADMITS = re.compile(
    r"restore_kept|purge group|put back|the group|be moved|was moved|were moved|still be running",
    re.IGNORECASE,
)


@dataclass
class Verdict:
    """What is wrong after a run; nothing, when every list is empty.

    Attributes:
        duplicates: Jobs that were started more than once.
        wrong_people: People who were touched or purged although they had to be left alone.
        stranded: People who are left in the marker group at the very end.
        untold: People who were left in the marker group by a run that did not say so.
        unaccounted: What is wrong with the books.
        mute: Failures without a sentence that says what to do.
    """

    duplicates: list[str] = field(default_factory=list)
    wrong_people: list[str] = field(default_factory=list)
    stranded: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)
    mute: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return one line for every finding."""
        return [f"{name}: {one}" for name, found in vars(self).items() for one in found]

    def require_clean(self) -> None:
        """Fail a test when anything is wrong."""
        assert not self.lines(), "\n".join(self.lines())


class Judge:
    """Judges one run by the tenant's own log and state, never by what the run says about itself.

    Make it before the run begins.

    Args:
        world: The tenant.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.before = world.people()
        self.since = len(world.calls())
        self.edited: set[str] = set()
        self.must_stay: set[str] = set()

    def changed_by_hand(self, primary_id: str, *, must_stay: bool) -> None:
        """Note that the test itself has changed somebody.

        Args:
            primary_id: The person.
            must_stay: Whether a purge from now on would be wrong.
        """
        self.edited.add(primary_id)
        if must_stay:
            self.must_stay.add(primary_id)

    def grow_older(self) -> None:
        """Note that days have passed since the seeding: whom only a date protected then, nothing may protect now."""
        aged = {"purge_date_today", "expiry_today", "stale_renamed"}
        self.edited |= {key for key, one in self.before.items() if one.scenario in aged}

    def stranded(self) -> set[str]:
        """Return who is in the marker group and was not there at the beginning."""
        then = {key for key, one in self.before.items() if one.user_group == MARKER}
        return self.world.in_group(MARKER) - then

    def judge(self, run: Run) -> Verdict:
        """Judge a run that has ended, follow its own advice if it left people behind, and judge the end."""
        verdict = Verdict()
        self._judge_words(run, verdict)
        left = self.stranded()
        if left:
            self._judge_admission(run, left, verdict)
            follow_advice(run)
        elif "reconcile" in run.failures() and run.failures()["reconcile"].died:
            follow_advice(run)  # killed at every try, it waits for somebody who clears it
        verdict.stranded += sorted(self.stranded())
        self._judge_jobs(run, verdict)
        self._judge_people(run, verdict)
        self._judge_books(run, verdict)
        return verdict

    def _judge_words(self, run: Run, verdict: Verdict) -> None:
        for key, box in run.failures().items():
            if not box.died and not _ADVICE.search(box.error):
                verdict.mute.append(f"{key}: {box.error!r}")

    def _judge_admission(self, run: Run, left: set[str], verdict: Verdict) -> None:
        """Whoever is left behind must be named by a red run, with its way out."""
        said = " ".join([*(box.error for box in run.failures().values() if not box.died), *_certified(run)])
        killed = any(box.died for box in run.failures().values())
        if run.state == SUCCESS or not (killed or _ADMITS.search(said)):
            verdict.untold.append(f"{len(left)} people by a run that ended {run.state}: {said!r}")

    def _judge_jobs(self, run: Run, verdict: Verdict) -> None:
        started = Counter(one.job_id for one in jobs_of(run))
        verdict.duplicates += [
            f"{job} was started {count} times" for job, count in started.items() if count > 1
        ]

    def _judge_people(self, run: Run, verdict: Verdict) -> None:
        after = self.world.people()
        approved = _approved_by_entry(run)
        for number, path, change in _changes(run, self.since):
            who = str(change.get("user", ""))
            if change["what"] not in _GROUP_CHANGES:
                continue
            if who not in approved(number):
                verdict.wrong_people.append(f"{change['what']} on somebody who was not approved ({path})")
            elif change["what"] == "put" and (change["field"], change.get("before")) != (
                "user_group",
                MARKER,
            ):
                verdict.wrong_people.append(f"{change['field']} of somebody was overwritten ({path})")
        for key, one in self.before.items():
            self._judge_person(one, after.get(key), approved(None), verdict)

    def _judge_person(self, then: Person, now: Person | None, approved: set[str], verdict: Verdict) -> None:
        vanished = is_there(then) and (now is None or not is_there(now))
        protected = then.expectation == Expectation.PROTECTED and then.primary_id not in self.edited
        if vanished and (protected or then.primary_id in self.must_stay):
            verdict.wrong_people.append(f"purged: {then.scenario}")
        hands_off = then.primary_id not in approved and then.primary_id not in self.edited
        if hands_off and now != then:
            verdict.wrong_people.append(f"changed: {then.scenario}")
        elsewhere = now is not None and now.user_group not in {then.user_group, MARKER}
        if elsewhere and not vanished and then.primary_id not in self.edited:
            verdict.wrong_people.append(f"in a group of nobody's choice: {then.scenario}")

    def _judge_books(self, run: Run, verdict: Verdict) -> None:
        content = final_ledger(run)
        after = self.world.people()
        gone = {key for key, one in self.before.items() if is_there(one) and not is_there(after[key])}
        if content is None:
            if gone:
                verdict.unaccounted.append(f"{len(gone)} people are gone, and there is no ledger")
            return
        ledger = read_ledger_csv(content)
        try:
            require_closed(ledger)
        except Exception as error:  # noqa: BLE001 - whatever keeps it from closing is the finding
            verdict.unaccounted.append(f"the equation does not close: {error}")
        purged = set(ids_in_state(ledger, RowState.PURGED))
        if purged != gone:
            verdict.unaccounted.append(
                f"{len(purged - gone)} are called purged and are not, {len(gone - purged)} are not"
            )


def final_ledger(run: Run) -> bytes | None:
    """Return the last ledger that a task has recorded; None when there is none."""
    for name, task_id in ((files.LEDGER_RESTORED, "restore_kept"), (files.LEDGER, "reconcile")):
        if (task_id, f"file:{name}") in run.xcoms:
            return run.folder.read(name)
    return None


def _certified(run: Run) -> list[str]:
    """Return the problems that the certificate names."""
    content = run.folder.read_if_there(files.CERTIFICATE)
    return [] if content is None else list(json.loads(content)["problems"])


def follow_advice(run: Run) -> None:
    """Do what a run that left people behind tells a person: wait for the end of its jobs, and clear its end."""
    run.room.sandbox.tenant.faults.clear()
    run.killer = lambda _run, _effect, _moment: False
    run.room.clock.advance(PATIENCE)
    say_which_jobs_never_ran(run)
    run.clear("reconcile", after=True).go()


def say_which_jobs_never_ran(run: Run) -> None:
    """Look in Alma for each job whose start was unclear, and write down the truth, as the review page does."""
    there = {one.parameters.get("job_name") for one in jobs_of(run)}
    for name in (files.REGROUP_RECORD, files.PURGE_RECORD):
        content = run.folder.read_if_there(name)
        record = JobRecord() if content is None else JobRecord.model_validate_json(content)
        if record.stage is not JobStage.INTENDED or record.by_hand or record.job_name in there:
            continue
        entry = Looked(
            job_name=record.job_name,
            attempt=record.attempt,
            by=Staff(id="olga", name="Olga"),
            at=run.room.clock.now(UTC),
        )
        run.folder.append(files.LOOKED_ENTRY, entry.to_bytes())


def jobs_of(run: Run) -> list[JobRun]:
    """Return the jobs in Alma that a run has started."""
    tenant = run.room.sandbox.tenant
    mark = f"-{re.sub(r'[^A-Za-z0-9_.]+', '-', run.dag_run.run_id[:40]).strip('-')}-"
    with tenant.lock:
        return [one for one in tenant.jobs.runs if mark in one.parameters.get("job_name", "")]


def _changes(run: Run, since: int) -> Iterable[tuple[int, str, dict[str, Any]]]:
    """Yield what calls and jobs have changed, with the number of the entry; not what the stage hand did."""
    tenant = run.room.sandbox.tenant
    with tenant.lock:
        tenant.settle()
        entries = list(tenant.journal.entries)[since:]
    for entry in entries:
        if entry.method or entry.path.startswith("job "):
            for change in entry.changes:
                yield entry.number, entry.path, change


def _approved_by_entry(run: Run) -> Any:
    """Return a function that tells who was approved when an entry was written; ever, for None."""

    def approved(number: int | None) -> set[str]:
        lists = [one.people for one in run.approvals if number is None or one.entries < number]
        return set().union(*lists)

    return approved


def how_it_ended(run: Run) -> str:
    """Return `complete` for a run that ended green, `stopped` for any other."""
    return "stopped" if run.state == FAILED else "complete"
