"""Kills processes of a running Airflow at chosen moments of a run."""

import random
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

import psutil
from tests.support.airflow_person import OVER, Watch
from tests.support.airflow_site import AirflowSite

from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.faults import Fault, FaultKind
from demo.processes import members
from demo.rest import TaskState

_REPAIRS = threading.Lock()
ALL_KILLS: list[str] = []


class Victim(StrEnum):
    """What is killed with signal 9, and started again by whoever looks after the machine."""

    TASK = "the task's process"
    SUPERVISOR = "the process that watches over the task"
    WORKER = "the whole worker that runs the task"
    SCHEDULER = "scheduler"
    SCHEDULER_ALONE = "the scheduler without the workers it has forked"
    TRIGGERER = "triggerer"
    API_SERVER = "api-server"
    DAG_PROCESSOR = "dag-processor"


@dataclass(frozen=True)
class InState:
    """While a task is in a state of Airflow's.

    Attributes:
        task_id: The task.
        state: Airflow's word, for example `running`, `deferred` or `awaiting_input`.
    """

    task_id: str
    state: str = "running"

    def __str__(self) -> str:
        return f"{self.task_id} is {self.state}"


@dataclass(frozen=True)
class AtCall:
    """While Alma has not yet answered a call; the kill comes before the answer.

    Attributes:
        task_id: The task that makes the call.
        method: HTTP method of the call.
        path: Regular expression searched in path and query.
        lost: Whether the call gets lost on its way: Alma then never hears of it.
        nth: Which matching call is meant, from now on.
    """

    task_id: str
    method: str
    path: str
    lost: bool = False
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.task_id} has sent {self.method} {self.path}, {'lost on its way' if self.lost else 'unanswered'}"


Moment = InState | AtCall
HANGING_SECONDS = 25.0
# Another task may make the same call, so the fault is armed only when its task has its turn.
ABOUT_TO_CALL = ("scheduled", "queued", "running")


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        victim: What is killed.
        moment: When.
    """

    victim: Victim
    moment: Moment


@dataclass
class Saboteur:
    """Makes the kills of one run, one after the other, and starts again what was killed.

    Attributes:
        site: The Airflow.
        sandbox: The tenant of the run.
        kills: The kills still to be made.
        chance: Decides how long after the beginning of a moment the kill comes.
        longest_wait: The longest such pause, in seconds.
        may_miss: Whether a kill is left out when its moment was over too quickly.
        brings_back: Whether a killed worker is started again; other components always are.
    """

    site: AirflowSite
    sandbox: RunningSandbox
    kills: list[Kill]
    chance: random.Random
    longest_wait: float = 1.0
    may_miss: bool = False
    brings_back: bool = False
    made: list[str] = field(default_factory=list)
    _fault: Fault | None = None
    _strike_at: float | None = None

    def __call__(self, watch: Watch, tasks: Sequence[TaskState]) -> bool:
        """Look whether it is time for the next kill; never stops the watching."""
        if not self.kills:
            return False
        kill = self.kills[0]
        task = next((one for one in tasks if one.task_id == kill.moment.task_id), None)
        if task is None:
            return False
        if self.may_miss and task.state in OVER:
            self.kills.pop(0)
            self._strike_at = None
            return False
        if not self._is_time(kill.moment, task):
            return False
        if self._strike(kill.victim, task):
            self.kills.pop(0)
            self.made.append(f"{kill.victim} while {kill.moment}")
            ALL_KILLS.append(f"{watch.run.dag_id}: killed {self.made[-1]} (try {task.try_number})")
        self._fault = self._strike_at = None
        return False

    def _is_time(self, moment: Moment, task: TaskState) -> bool:
        if isinstance(moment, AtCall):
            return (self._fault is not None or task.state in ABOUT_TO_CALL) and self._call_hangs(moment)
        if task.state != moment.state:
            self._strike_at = None
            return False
        now = time.monotonic()
        if self._strike_at is None:
            self._strike_at = now + self.chance.uniform(0, self.longest_wait)
        return now >= self._strike_at

    def _call_hangs(self, moment: AtCall) -> bool:
        """Arm the fault that makes the call hang, and tell whether it does."""
        with self.sandbox.tenant.lock:
            if self._fault is None:
                kind = FaultKind.TIMEOUT_BEFORE if moment.lost else FaultKind.TIMEOUT_AFTER
                self._fault = Fault(
                    kind=kind,
                    method=moment.method,
                    path=moment.path,
                    nth=moment.nth,
                    seconds=HANGING_SECONDS,
                )
                self.sandbox.tenant.faults.arm(self._fault)
            return self._fault.fired > 0

    def _strike(self, victim: Victim, task: TaskState) -> bool:
        """Kill, and start again; tell whether the victim was there to be killed."""
        if victim in {Victim.TASK, Victim.SUPERVISOR}:
            return kill_process_of(self.site, task, victim)
        if victim is Victim.WORKER:
            return self._strike_worker(task)
        name = "scheduler" if victim is Victim.SCHEDULER_ALONE else str(victim)
        with _REPAIRS:
            if victim is Victim.SCHEDULER_ALONE:
                program = self.site.programs[name]
                program.process.send_signal(signal.SIGKILL)
                program.process.wait(10)
            else:
                self.site.kill(name)
            time.sleep(self.chance.uniform(0, 2))
            self.site.start(name)
        return True

    def _strike_worker(self, task: TaskState) -> bool:
        """Kill a Celery worker with everything in it; nobody but the other workers goes on."""
        found = processes_of(self.site, task)
        if not found:
            return False
        name = found[0][0]
        with _REPAIRS:
            self.site.kill(name)
            if self.brings_back:
                time.sleep(self.chance.uniform(0, 2))
                self.site.start(name)
        return True


def kill_process_of(site: AirflowSite, task: TaskState, victim: Victim) -> bool:
    """Kill the process that runs a try of a task, or the one that watches over it.

    Args:
        site: The Airflow.
        task: The try.
        victim: Which of the two.

    Returns:
        Whether there was one.
    """
    for _runner, process, is_task in processes_of(site, task):
        if is_task is (victim is Victim.TASK):
            process.send_signal(signal.SIGKILL)
            return True
    return False


def processes_of(site: AirflowSite, task: TaskState) -> list[tuple[str, psutil.Process, bool]]:
    """Return the processes that work for a try of a task.

    Args:
        site: The Airflow.
        task: The try.

    Returns:
        For each the component that has started it, and whether it runs the task itself.
    """
    found = []
    runners = [name for name in site.programs if name.startswith(("scheduler", "worker"))]
    for name in runners:
        for process in members(site.programs[name].note):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                title = " ".join(process.cmdline()).strip()
                if task.id in title:
                    found.append((name, process, title == f"airflow worker -- {task.id}"))
    return found
