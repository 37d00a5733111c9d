"""The chaos campaign: many runs, each with its own seed, and a sum at the end.

Called by `make test-chaos`; `make test-chaos SEED=17 RUNS=1` tells the tale of run 17 again, with what happened in it.
"""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import tests.conftest  # noqa: F401 - sets up a throw-away Airflow before anything imports it

if TYPE_CHECKING:
    from tests.support.rehearsal.chaos import Tale


@dataclass
class Sum:
    """What a campaign adds up to.

    Attributes:
        tales: What happened to each run.
    """

    tales: list["Tale"] = field(default_factory=list)

    @property
    def failing(self) -> list["Tale"]:
        """The runs after which something was wrong."""
        return [one for one in self.tales if one.verdict.lines()]

    def lines(self) -> list[str]:
        """Return the sum, one line for each number."""
        tales = self.tales
        verdicts = [one.verdict for one in tales]
        counts = {
            "runs": len(tales),
            "faults injected": sum(one.faults for one in tales),
            "processes killed": sum(one.deaths for one in tales),
            "clears": sum(one.clears for one in tales),
            "jobs started": sum(one.jobs for one in tales),
            "duplicates": sum(len(one.duplicates) for one in verdicts),
            "wrong people": sum(len(one.wrong_people) for one in verdicts),
            "stranded people": sum(len(one.stranded) + len(one.untold) for one in verdicts),
            "books that do not close": sum(len(one.unaccounted) for one in verdicts),
            "stops without advice": sum(len(one.mute) for one in verdicts),
            "runs ended complete": sum(one.ended == "complete" for one in tales),
            "runs ended stopped": sum(one.ended == "stopped" for one in tales),
        }
        return [f"{name + ':':26}{count:6}" for name, count in counts.items()]


def campaign(seeds: Sequence[int], *, talk: bool = False) -> list["Tale"]:
    """Run one campaign in this process.

    Args:
        seeds: One for each run.
        talk: Whether to print what happens.
    """
    from tests.support.rehearsal.chaos import tell
    from tests.support.rehearsal.room import open_room

    tales = []
    with open_room() as room:
        for seed in seeds:
            tale = tell(room, seed)
            tales.append(tale)
            for line in tale.verdict.lines():
                _say(f"seed {seed}: {line}", talk=talk)
            if len(tales) % 10 == 0:
                _say(f"{len(tales)} of {len(seeds)} runs", talk=talk)
    return tales


def _say(line: str, *, talk: bool) -> None:
    if talk:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _in_a_process(seeds: Sequence[int]) -> list["Tale"]:
    from airflow.utils import db
    from tests.support.rehearsal.worker import WorkerDiedError

    db.initdb()
    try:
        return campaign(seeds, talk=True)
    except WorkerDiedError as error:  # a pool would wait for ever for a process that ends like this
        raise RuntimeError(f"A death of {error} was not noticed by the rehearsal itself.") from error


def main() -> int:
    """Run the campaign that the command line asks for; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.runs)
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "CRITICAL"  # the sum is what is read
    processes = max(1, min(asked.processes, asked.runs // 2))
    shares = [list(seeds)[number::processes] for number in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        told = chain.from_iterable(pool.map(_in_a_process, shares, chunksize=1))
    total = Sum(sorted(told, key=lambda one: one.seed))
    if asked.runs == 1:
        sys.stdout.write("\n".join(["What happened:", *(f"  {one}" for one in total.tales[0].events)]) + "\n")
    sys.stdout.write("\n".join(total.lines()) + "\n")
    for tale in total.failing:
        sys.stdout.write(f"run with seed {tale.seed} failed: make test-chaos SEED={tale.seed} RUNS=1\n")
        sys.stdout.writelines(f"  {line}\n" for line in tale.verdict.lines())
    return 1 if total.failing else 0


if __name__ == "__main__":
    raise SystemExit(main())
