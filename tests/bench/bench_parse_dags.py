"""How long Airflow takes to read the DAGs of ninety institutions, beside those of one.

Run it with `make bench`. Each reading is done in a fresh process, after Airflow itself was imported and the DAG
file was read once, as in a DAG processor that has been running for a while. The two sizes take turns, and the
best time of each counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.consortium import environment_of, write_consortium

ROOT = Path(__file__).resolve().parents[2]
TARGET_SECONDS = 1.5
MANY = 90

READ = """
import json, os, sys, time
from airflow.dag_processing.dagbag import DagBag
path = os.path.join(os.environ["AIRFLOW__CORE__DAGS_FOLDER"], "alma_user_purge.py")
DagBag(dag_folder=path)
seconds = []
for _ in range(int(sys.argv[1])):
    start = time.perf_counter()
    bag = DagBag(dag_folder=path)
    seconds.append(time.perf_counter() - start)
assert not bag.import_errors, bag.import_errors
print(json.dumps({"dags": len(bag.dags), "seconds": min(seconds)}))
"""


def read_once(folder: Path, times: int) -> tuple[int, float]:
    """Read the DAG file in a process of its own.

    Args:
        folder: The configuration folder.
        times: How often it is read; the best time counts.

    Returns:
        Number of DAGs and seconds.
    """
    done = subprocess.run(
        [sys.executable, "-c", READ, str(times)],
        env=environment_of(folder),
        check=True,
        capture_output=True,
        text=True,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    return int(result["dags"]), float(result["seconds"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="processes for each size")
    parser.add_argument("--times", type=int, default=5, help="readings in each process")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alma-purge-bench-") as name:
        place = Path(name)
        os.environ.update(
            AIRFLOW_HOME=str(place / "airflow"),
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
            AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
            PYTHONPATH=os.pathsep.join(str(ROOT / each) for each in ("include", "plugins")),
        )
        one, many = (write_consortium(place / str(count), count) for count in (1, MANY))
        best: dict[int, float] = {}
        for _ in range(given.rounds):
            for folder in (one, many):
                dags, seconds = read_once(folder, given.times)
                best[dags] = min(seconds, best.get(dags, seconds))
    more = best[MANY] - best[1]
    print(f"One institution: {best[1]:.3f} s; {MANY} institutions: {best[MANY]:.3f} s.")
    print(f"{more:.3f} s more; the target is less than {TARGET_SECONDS} s.")


if __name__ == "__main__":
    main()
