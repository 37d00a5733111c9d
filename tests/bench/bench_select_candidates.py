"""How long the selection takes beside the least that any selection has to do.

Run it with `make bench`. The floor folds both id columns once with `strip().casefold()` and asks pandas which
ids of the report are listed. Ours builds the index of the exclusion files and selects the candidates, with
every rule that the report can decide. Both run in turns in one process and the best time of each counts. The
peak memory comes from one more call of each that is not timed, since measuring it slows Python down.
"""

import argparse
import gc
import platform
import random
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime

import pandas as pd

from patron_purge.candidates import select_candidates
from patron_purge.exclusion_file import ExclusionFile
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.exclusion_rows import PersonName
from patron_purge.institution import RuleSettings
from patron_purge.ledger import counts_by_state
from patron_purge.protect_list import ProtectList

TODAY = date(2026, 12, 1)
TARGET = 3
FILE_NAMES = ("fines.xlsx", "loans.xlsx")
GROUPS = ("Undergraduate", "Graduate", "Faculty", "Staff", "Courtesy", "I-Share", "OK to Purge")
GROUP_WEIGHTS = (60, 20, 5, 5, 7, 2, 1)
EXPIRY_DATES = [day.strftime("%Y-%m-%d") for day in pd.date_range("2020-01-01", "2027-06-30", freq="D")]
PURGE_DATES = [day.strftime("%Y-%m-%d") for day in pd.date_range("2022-01-01", "2027-01-31", freq="D")]


def primary_id(number: int) -> str:
    """Return one of the kinds of primary id that institutions have: numbers, net ids and mail addresses."""
    kind = number % 10
    if kind < 5:
        return str(600_000_000 + number)
    if kind < 6:
        return f"{number:09d}"
    if kind < 8:
        return f"Reader{number}"
    return f"first.last{number}@example.edu"


def sample_report(rows: int, rng: random.Random) -> pd.DataFrame:
    """Make a report of nine columns as `read_report_csv` gives it; one id in a thousand is odd."""
    ids = [primary_id(number) for number in range(rows)]
    for place in rng.sample(range(rows), rows // 1000):
        ids[place] = f"\u00a0{ids[place]} "
    rng.shuffle(ids)
    columns: dict[str, list[str]] = {
        "primary_id": ids,
        "user_group": rng.choices(GROUPS, GROUP_WEIGHTS, k=rows),
        "expiry_date": rng.choices(EXPIRY_DATES, k=rows),
        "purge_date": rng.choices(PURGE_DATES, k=rows),
        "first_name": [f"First{number % 5003}" for number in range(rows)],
        "last_name": [f"Last{number % 50021}" for number in range(rows)],
        "has_other_role": rng.choices(("N", "Y"), (98, 2), k=rows),
    }
    table = pd.DataFrame({"row": range(1, rows + 1), **columns})
    return table.astype(dict.fromkeys(columns, "str"))


def sample_files(count: int, rows: int, rng: random.Random, *, names: int) -> list[ExclusionFile]:
    """Make two accepted exclusion files; half of their people stand in the report."""
    numbers = rng.sample(range(2 * rows), count)
    ids = [changed(primary_id(number), rng) for number in numbers]
    lost = [PersonName(f"First{rng.randrange(5003)}", f"Gone{number}") for number in range(names)]
    half = count // 2
    parts = ((ids[:half], lost[: names // 2]), (ids[half:], lost[names // 2 :]))
    return [
        ExclusionFile(
            file_name=file_name,
            sha256="",
            data_as_of=datetime(2026, 11, 30, 18, tzinfo=UTC),
            sheet="Sheet1",
            heading_row=2,
            id_column="Primary ID",
            row_count=len(listed) + len(unknown),
            ids=tuple(listed),
            names=tuple(unknown),
        )
        for file_name, (listed, unknown) in zip(FILE_NAMES, parts, strict=True)
    ]


def changed(identifier: str, rng: random.Random) -> str:
    """Change one id in ten the way a spreadsheet does."""
    if rng.random() < 0.9:
        return identifier
    return rng.choice((identifier.lstrip("0"), identifier.upper(), f" {identifier}", f"{identifier}@"))


def floor(report: pd.DataFrame, files: list[ExclusionFile]) -> "pd.Series[bool]":
    """Do the least: fold both id columns once and compare them."""
    listed = [text.strip().casefold() for file in files for text in file.ids]
    keys = pd.Series([text.strip().casefold() for text in report["primary_id"].tolist()], dtype=object)
    return keys.isin(listed)


def ours(report: pd.DataFrame, files: list[ExclusionFile]) -> pd.DataFrame:
    """Build the index and select the candidates."""
    return select_candidates(
        report,
        index=ExclusionIndex.build(files),
        rules=RuleSettings(),
        protect=ProtectList.build([], today=TODAY),
        marker_group_names=("OKPURGE", "OK to Purge"),
        group_names={"UG": "Undergraduate", "FAC": "Faculty", "ISHARE": "I-Share"},
        today=TODAY,
    )


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_megabytes(work: Callable[[], object]) -> float:
    """Return the most memory that one call holds at a time, its result included, its arguments not."""
    gc.collect()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def report_case(label: str, report: pd.DataFrame, files: list[ExclusionFile], repeats: int) -> None:
    """Measure one case and print it."""
    times = [
        (seconds(lambda: floor(report, files)), seconds(lambda: ours(report, files))) for _ in range(repeats)
    ]
    least, most = min(pair[0] for pair in times), min(pair[1] for pair in times)
    memory = peak_megabytes(lambda: floor(report, files)), peak_megabytes(lambda: ours(report, files))
    states = ", ".join(f"{count:,} {state}" for state, count in counts_by_state(ours(report, files)).items())
    verdict = "within" if most <= TARGET * least else "ABOVE"
    print(f"{label}: {states}")
    print(f"  floor {least:6.2f} s, peak {memory[0]:5.0f} MB")
    print(f"  ours  {most:6.2f} s, peak {memory[1]:5.0f} MB")
    print(f"  ratio {most / least:6.2f}, {verdict} the target of {TARGET}")


def main() -> None:
    """Measure both cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the report")
    parser.add_argument("--exclusions", type=int, default=100_000, help="ids in the exclusion files")
    parser.add_argument("--repeats", type=int, default=5, help="timed calls of each side")
    parser.add_argument("--seed", type=int, default=20261201, help="seed of the made-up data")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    report = sample_report(given.rows, rng)
    held = report.memory_usage(deep=True).sum() / 1e6
    print(f"Python {platform.python_version()}, pandas {pd.__version__}, seed {given.seed}")
    print(f"{given.rows:,} report rows ({held:,.0f} MB), {given.exclusions:,} exclusions")
    for label, names in (("Every exclusion has an id", 0), ("500 more exclusions are names only", 500)):
        files = sample_files(given.exclusions, given.rows, rng, names=names)
        report_case(label, report, files, given.repeats)


if __name__ == "__main__":
    main()
