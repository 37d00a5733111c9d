"""What happens around a run: somebody borrows a book, the campus load comes, a worker dies at a certain point."""

from collections.abc import Callable

from tests.support.rehearsal.judge import Judge
from tests.support.rehearsal.run import Killer, Run
from tests.support.rehearsal.worker import Effect, Moment

from alma_sandbox.control.operator import UserOrder, change_user
from alma_sandbox.state.people import Expectation

PURGE = "purge_users"


class LateLoan:
    """Somebody on the approved list borrows a book after the regroup, so that everything a run can do happens."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.done = False

    def __call__(self, run: Run, task_id: str) -> None:
        """Lend the book before the purge begins for the first time."""
        if task_id != PURGE or self.done:
            return
        self.done = True
        lend(run, self._judge, first_purgeable(run))


def lend(run: Run, judge: Judge, primary_id: str) -> None:
    """Let somebody borrow a book."""
    change_user(run.room.sandbox.control, UserOrder(primary_id=primary_id, add_loan=True))
    judge.changed_by_hand(primary_id, must_stay=True)


def first_purgeable(run: Run) -> str:
    """Return one of the approved people whom the purge job would take."""
    approved = run.approvals[-1].people
    with run.room.sandbox.tenant.lock:
        return next(
            one.primary_id
            for one in run.room.sandbox.tenant.users
            if one.primary_id in approved and one.expectation is Expectation.PURGEABLE
        )


def die_once(where: Callable[[Effect], bool], moment: Moment, try_number: int = 1) -> Killer:
    """Return a killer that strikes once.

    Args:
        where: The effect.
        moment: Before or after it.
        try_number: The try of the effect's task.
    """
    struck: list[Effect] = []

    def kill(run: Run, effect: Effect, now: Moment) -> bool:
        box = run.boxes.get(effect.task_id)
        if struck or now is not moment or not where(effect) or (box and box.try_number != try_number):
            return False
        struck.append(effect)
        return True

    return kill
