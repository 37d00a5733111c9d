"""How long the pages with the list of people take, beside the least that showing the list has to do.

The floor reads the ledger of the run with pandas, which any page about it has to do once. The peer is what a
page costs that keeps nothing: it reads the ledger, filters it with a plain pandas expression and takes the first
hundred rows. Ours is the whole answer to a request, from the address to the last byte of HTML, with the same
checks of the files as in Airflow; only the door and Airflow's database are replaced. The first answer loads the
ledger; the others are what a person waits for when searching, sorting, filtering and turning pages.
"""

import argparse
import gc
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pandas as pd
from fastapi.testclient import TestClient
from tests.unit.alma_purge_web.web_samples import NOW, WHERE, SampleRun, asked, set_up

from alma_purge import files
from patron_purge.ledger import read_ledger_csv
from patron_purge.states import Reason, RowState

TARGET_SECONDS = 1.0
QUESTIONS = {
    "first page": {},
    "last page": {"page": "999999"},
    "search for a name": {"text": "last123"},
    "search for part of an id": {"text": "6001"},
    "search that finds nobody": {"text": "nobody at all"},
    "filter by user group": {"group": "FAC"},
    "filter by reason": {"view": "others", "reason": "open_fees"},
    "sort by fees": {"sort": "fees:desc"},
    "sort by name": {"sort": "name:asc"},
    "sort the others by reason": {"view": "others", "sort": "reason:asc"},
    "people who are new": {"only": "new_people"},
    "people no longer on the list": {"view": "gone"},
    "why somebody is on the list": {"primary_id": "600000000"},
}
GROUPS = ("UG", "GRAD", "FAC", "STAFF", "COURTESY", "ALUM")
REASONS = (Reason.IN_EXCLUSION_FILE, Reason.PURGE_DATE, Reason.ACTIVE_LOANS, Reason.OPEN_FEES)


def sample_ledger(rows: int, listed: float, rng: random.Random) -> pd.DataFrame:
    """Make a ledger of which a share is to be purged."""
    days = [day.strftime("%Y-%m-%d") for day in pd.date_range("2016-01-01", "2026-09-30", freq="D")]
    states = [
        RowState.TO_PURGE.value if rng.random() < listed else RowState.HELD_BACK.value for _ in range(rows)
    ]
    held = [state == RowState.HELD_BACK.value for state in states]
    columns = {
        "row": list(range(1, rows + 1)),
        "primary_id": [f"{600_000_000 + number}" for number in rng.sample(range(3 * rows), rows)],
        "first_name": [f"First{rng.randrange(5003)}" for _ in range(rows)],
        "last_name": [f"Last{rng.randrange(50021)}" for _ in range(rows)],
        "report_group": rng.choices(GROUPS, k=rows),
        "original_group": rng.choices(GROUPS, k=rows),
        "expiry_date": rng.choices(days, k=rows),
        "purge_date": rng.choices(days, k=rows),
        "last_activity": rng.choices(days, k=rows),
        "fees": [f"{rng.randrange(1000) / 100:.2f}" for _ in range(rows)],
        "loans": ["0"] * rows,
        "state": states,
        "reason": [str(rng.choice(REASONS)) if each else "" for each in held],
        "detail": ["some detail" if each else "" for each in held],
        "group_restored": [""] * rows,
    }
    return pd.DataFrame(columns)


def prepare(rows: int, listed: float, folder: Path, rng: random.Random) -> SampleRun:
    """Write a run and the run before it, each with a ledger of this size."""
    sample = set_up(folder, os.environ.__setitem__)
    ledger = sample_ledger(rows, listed, rng)
    sample.reviewed_ledger(ledger).decided(asked(), "awaiting_input")
    month_ago = NOW - timedelta(days=31)
    sample.after("before", month_ago).reviewed_ledger(sample_ledger(rows, listed, rng))
    return sample


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median of some calls."""
    times = []
    for _ in range(repeats):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peer(content: bytes) -> str:
    """Answer a search without keeping anything."""
    ledger = pd.read_csv(BytesIO(content), dtype="str", keep_default_na=False)
    hits = ledger[ledger["last_name"].str.contains("last123", case=False, regex=False)]
    return str(hits.head(100).to_html())


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the ledger")
    parser.add_argument("--listed", type=float, default=0.5, help="share of the rows that is to be purged")
    parser.add_argument("--repeats", type=int, default=5, help="timed answers to each question")
    parser.add_argument("--seed", type=int, default=20261201, help="seed of the made-up data")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-review-") as folder:
        sample = prepare(given.rows, given.listed, Path(folder), random.Random(given.seed))
        content = sample.folder.read(files.LEDGER_REVIEWED)
        floor = seconds(lambda: read_ledger_csv(content), given.repeats)
        plain = seconds(lambda: peer(content), given.repeats)
        client = sample.client()
        print(f"Python {platform.python_version()}, pandas {pd.__version__}, seed {given.seed}")
        print(f"{given.rows:,} rows of the ledger, {len(content) / 1e6:,.0f} MB; median of {given.repeats}")
        print(f"  floor (read the ledger once)          {floor:6.3f} s")
        print(f"  peer (search that keeps nothing)      {plain:6.3f} s")
        loading = seconds(lambda: ask(client, {}), 1)
        print(f"  first answer, loads both runs         {loading:6.3f} s, {loading / floor:5.2f} x the floor")
        slowest = max(report(client, name, form, plain, given.repeats) for name, form in QUESTIONS.items())
    verdict = "within" if slowest <= TARGET_SECONDS else "ABOVE"
    print(f"slowest after loading {slowest:.3f} s, {verdict} the target of {TARGET_SECONDS:g} s")
    return 0 if slowest <= TARGET_SECONDS else 1


def ask(client: TestClient, form: dict[str, str], path: str = "/review") -> None:
    """Ask as a browser does, and insist on an answer."""
    response = client.post(path, params=WHERE, data=form) if form else client.get(path, params=WHERE)
    if response.status_code != 200:
        raise SystemExit(f"The page answered {response.status_code}.")


def report(client: TestClient, name: str, form: dict[str, str], plain: float, repeats: int) -> float:
    """Measure one question; its first answer counts too, since a person waits for it."""
    path = "/person" if "primary_id" in form else "/review"
    once = seconds(lambda: ask(client, form, path), 1)
    usual = seconds(lambda: ask(client, form, path), repeats)
    print(f"  {name:<37} {once:6.3f} s, then {usual:6.3f} s, {usual / plain:5.2f} x the peer")
    return max(once, usual)


if __name__ == "__main__":
    sys.exit(main())
