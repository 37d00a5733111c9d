"""What a run leaves behind, to be compared with what an undisturbed one leaves behind."""

import re
from dataclasses import dataclass

from tests.support.rehearsal.judge import final_ledger, jobs_of
from tests.support.rehearsal.run import Run
from tests.support.world import Person

from patron_purge.ledger import read_ledger_csv

Row = tuple[str, str, str]


@dataclass(frozen=True)
class Picture:
    """The end of a run.

    Attributes:
        people: Everybody in the tenant.
        ledger: State, reason and restored group of each row of the report; empty without a ledger.
        jobs: The jobs that were started.
        sets: How many sets are left in Alma.
    """

    people: dict[str, Person]
    ledger: dict[int, Row]
    jobs: tuple[str, ...]
    sets: int

    def differences(self, other: "Picture") -> list[str]:
        """Return in words where another end differs."""
        found = [
            f"{one.scenario}: {one.user_group} {one.exists} {one.deleted} / {other.people.get(key)}"
            for key, one in self.people.items()
            if other.people.get(key) != one
        ]
        for number in sorted(self.ledger.keys() | other.ledger.keys()):
            mine, theirs = self.ledger.get(number), other.ledger.get(number)
            found += [f"row {number}: {mine} / {theirs}"] if mine != theirs else []
        found += [] if self.jobs == other.jobs else [f"jobs: {self.jobs} / {other.jobs}"]
        found += [] if self.sets == other.sets else [f"sets: {self.sets} / {other.sets}"]
        return found


def picture_of(run: Run) -> Picture:
    """Take the picture of a run that has ended."""
    content = final_ledger(run)
    rows: dict[int, Row] = {}
    if content is not None:
        ledger = read_ledger_csv(content)
        columns = ledger[["row", "state", "reason", "group_restored"]].itertuples(index=False)
        rows = {int(number): (str(state), str(reason), str(back)) for number, state, reason, back in columns}
    sandbox = run.room.sandbox
    with sandbox.tenant.lock:
        sets = len(sandbox.tenant.sets.all())
    return Picture(run.room.world.people(), rows, tuple(sorted(one.job_id for one in jobs_of(run))), sets)


def kind_of(label: str) -> str:
    """Take out of an effect's label what differs from person to person and from run to run."""
    plain = re.sub(r"/users/(?!operation)[^/?]+", "/users/X", label)
    plain = re.sub(r"\d{6,}", "N", plain)
    return re.sub(r"(token|q|offset|path)=[^&]*", r"\1=X", plain)
