"""One run to which many things happen at random, all of them decided by one seed."""

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import partial
from typing import Any

from tests.support.rehearsal.answers import Question, Reply, approve_without, reject, rest_now
from tests.support.rehearsal.calls import CALLS, PURGE_JOB
from tests.support.rehearsal.execution import StuckError
from tests.support.rehearsal.judge import Judge, Verdict, how_it_ended, jobs_of
from tests.support.rehearsal.room import START, Room
from tests.support.rehearsal.run import Run
from tests.support.rehearsal.scenes import lend
from tests.support.rehearsal.worker import Effect, Moment
from tests.support.tenant import MARKER, arm, workbooks
from tests.support.world import is_there

from alma_purge import files
from alma_sandbox.state.faults import FaultKind
from patron_purge.ledger import ids_in_state
from patron_purge.states import RowState

_WEATHER: dict[str, tuple[Any, ...]] = {
    "job_seconds": (0, 20, 20, 200),
    "index_lag_seconds": (0, 3, 30),
    "instance_list_lag_seconds": (0, 0, 60, 400),
    "effect_at": ("start", "end"),
    "set_captured": ("start", "end"),
    "external_fields": ("kept", "kept_if_manual"),
    "delete_user_policy": ("keep_statistics", "keep_fully_reportable", "remove_primary_id", "fully_remove"),
    "deleted_in_search": (False, True),
    "group_query_searches_descriptions": (False, True),
    "job_name_echoed": (True, True, True, True, True, False),
    "campus_load_undoes_groups": (True, False),
}
_KINDS = tuple(kind for kind in FaultKind if kind is not FaultKind.REFUSAL)
_ON_RECORD = re.compile(r"(write|create|store|remove|POST|PUT|DELETE) ")
_FAULT, _CLEAR, _HAND, _MISCHIEF = 0.16, 0.03, 0.05, 0.04
_DEATH_ON_RECORD, _DEATH = 0.012, 0.0015
_MOST_DEATHS, _MOST_CLEARS = 5, 3
SAME_DAY = timedelta(hours=13)  # from the start of the clock to midnight where the library is, less one hour


@dataclass
class Tale:
    """What happened to one run, and what is wrong with its end.

    Attributes:
        seed: Tells the same tale again.
        faults: Faults that hit a call.
        deaths: Workers and triggerers that died.
        clears: How often somebody cleared tasks.
        jobs: Jobs that were started in Alma.
        ended: `complete` or `stopped`.
        verdict: What is wrong.
        events: What happened, in order.
    """

    seed: int
    faults: int = 0
    deaths: int = 0
    clears: int = 0
    jobs: int = 0
    ended: str = ""
    verdict: Verdict = field(default_factory=Verdict)
    events: list[str] = field(default_factory=list)


class Mischief:
    """Decides at each step and at each effect what happens, from the seed.

    Reads run in several threads, so what happens at an effect is decided from its number and not from the order
    in which threads ask.
    """

    def __init__(self, seed: int, judge: Judge, tale: Tale) -> None:
        self.seed = seed
        self.rng = random.Random(f"mischief {seed}")
        self.judge = judge
        self.tale = tale
        self.calm = False
        self.executions = 0

    def before_step(self, run: Run, task_id: str) -> None:
        """Change something around the run."""
        self.executions += 1
        if self.calm:
            return
        if self.rng.random() < _FAULT:
            self._arm(run, task_id)
        if self.rng.random() < _HAND:
            self._lend(run)
        if self.rng.random() < _MISCHIEF:
            self.rng.choice((self._campus_load, self._later, self._spoil_files))(run)
        else:
            workbooks(run.room.sandbox, "rewrite")
        if self.rng.random() < _CLEAR:
            self.clear(run)

    def killer(self, run: Run, effect: Effect, moment: Moment) -> bool:
        """Decide whether the process dies here."""
        if self.calm or run.deaths >= _MOST_DEATHS:
            return False
        chance = _DEATH_ON_RECORD if _ON_RECORD.match(effect.label) else _DEATH
        dice = random.Random(f"{self.seed} {self.executions} {effect.task_id} {effect.number} {moment}")
        dies = dice.random() < chance
        if dies:
            self._tell(f"{effect.task_id} dies {moment} {effect.label}")
        return dies

    def answer(self, run: Run, question: Question) -> Reply | None:
        """Answer as people do."""
        rng = random.Random(f"{self.seed} answer {question.try_number}")
        dice = rng.random()
        right = self._right(run, question, rng)
        if dice < 0.7 or question.try_number > 4 or self.calm:
            return right
        self._tell(f"answer {dice:.2f} at try {question.try_number}")
        if dice < 0.8:
            return Reply("Approve", {**right.form, "code": "WRONGONE"})
        if dice < 0.86:
            return Reply("Approve", right.form, user="mallory")
        if dice < 0.9:
            return Reply("Approve", {})
        return reject(question) if dice < 0.97 else None

    def _right(self, run: Run, question: Question, rng: random.Random) -> Reply:
        """Approve what is on the list, sometimes after taking people off, which ends with the regroup."""
        off: list[str] = []
        if not self.calm and run.folder.read_if_there(files.REGROUP_RECORD) is None:
            rest = rest_now(run.folder, question.review["digest"])
            listed = ids_in_state(rest.ledger, RowState.TO_PURGE)
            off = rng.sample(listed, rng.choice((0, 0, 0, 1, min(3, len(listed) - 1))))
        if off:
            self._tell(f"{len(off)} are taken off at try {question.try_number}")
        return approve_without(run.folder, question, off, run.room.clock.now(UTC))

    def clear(self, run: Run) -> None:
        """Clear a task that has been run, alone or with everything after it."""
        tried = [key for key, box in run.boxes.items() if box.try_number]
        if not tried or self.tale.clears >= _MOST_CLEARS:
            return
        self.tale.clears += 1
        task_id, after = self.rng.choice(tried), self.rng.random() < 0.7
        self._tell(f"{task_id} is cleared{' with everything after it' if after else ''}")
        run.clear(task_id, after=after)

    def _tell(self, event: str) -> None:
        self.tale.events.append(event)

    def _arm(self, run: Run, task_id: str) -> None:
        mine = [call for call in CALLS if call.task_id == task_id]
        kind = self.rng.choice(_KINDS)
        where: dict[str, Any] = {"method": "*", "path": ".", "nth": self.rng.randint(1, 30)}
        if mine and self.rng.random() < 0.7:
            call = self.rng.choice(mine)
            where = {"method": call.method, "path": call.path, "nth": self.rng.choice((1, 1, 2))}
        times = self.rng.choice((1, 1, 1, 2, 8))
        seconds = 0.01 if kind is FaultKind.SLOW else 30.0
        self._tell(f"{kind} is armed at {task_id} for {where} x {times}")
        arm(run.room.sandbox, kind, **where, times=times, seconds=seconds)

    def _lend(self, run: Run) -> None:
        """Let somebody on the list borrow a book, as long as no purge job works on them."""
        if not run.approvals or PURGE_JOB in {one.job_id for one in jobs_of(run)}:
            return
        people = run.room.world.people()
        there = sorted(key for key in run.approvals[-1].people if is_there(people[key]))
        if there:
            self._tell("somebody on the list borrows a book")
            lend(run, self.judge, self.rng.choice(there))

    def _campus_load(self, run: Run) -> None:
        moved = run.room.world.in_group(MARKER)
        self.judge.edited |= moved
        self._tell(f"a campus load comes over {len(moved)} moved people")
        run.room.sandbox.control.campus_load(undo_groups=None, extend=[], recreate=[])

    def _later(self, run: Run) -> None:
        hours = self.rng.choice((0.3, 1, 5, 30))
        self._tell(f"{hours} hours pass")
        run.room.clock.advance(timedelta(hours=hours))

    def _spoil_files(self, run: Run) -> None:
        action = self.rng.choice(("drop", "truncate", "headless", "stale"))
        self._tell(f"exclusion files: {action}")
        workbooks(run.room.sandbox, action, book=self.rng.choice(("pids", "loans", "fines")))


def tell(room: Room, seed: int) -> Tale:
    """Let one run happen.

    Args:
        room: Where.
        seed: Decides everything.
    """
    rng = random.Random(f"weather {seed}")
    weather = {name: rng.choice(values) for name, values in _WEATHER.items()}
    room.fresh(seed=rng.randint(1, 5), **weather)
    tale, judge = Tale(seed, events=[str(weather)]), Judge(room.world)
    mischief = Mischief(seed, judge, tale)
    run = Run(room, before_step=mischief.before_step, killer=mischief.killer)
    run.answerer = partial(mischief.answer, run)
    try:
        run.go()
        for _ in range(rng.choice((0, 0, 1, 2))):
            mischief.clear(run)
            run.go()
    except StuckError as error:
        tale.verdict.mute.append(str(error))
    mischief.calm = True
    faults = room.sandbox.tenant.faults
    tale.faults = sum(one.fired for one in faults.armed)
    faults.clear()
    workbooks(room.sandbox, "rewrite")
    tale.deaths, tale.ended = run.deaths, how_it_ended(run)
    if room.clock.now(UTC) - START > SAME_DAY:
        judge.grow_older()  # a list that is made again may rightly hold people whom only the first day protected
    verdict = judge.judge(run)
    verdict.mute += tale.verdict.mute
    tale.verdict, tale.jobs = verdict, len(jobs_of(run))
    return tale
