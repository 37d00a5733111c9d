"""Write the workbooks of the corpus into a folder, to look at them or to try another program on them.

Run it in the clone's root: `python -m tests.corpus.build FOLDER`. The tests build the same bytes in memory.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.corpus.exclusion_cases import EXCLUSION_CASES


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, one for each case, named like the case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=None, help="names of cases; all when not given")
    given = parser.parse_args(arguments)
    folder: Path = given.folder
    folder.mkdir(parents=True, exist_ok=True)
    for case in EXCLUSION_CASES:
        if given.only is None or case.name in given.only:
            (folder / f"{case.name}.xlsx").write_bytes(case.build())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
