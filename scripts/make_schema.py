"""Write the JSON Schema and the example of institution files from the models, so that they can't differ.

Run `python scripts/make_schema.py` after a change of a setting; with `--check` it only tells whether both
files are up to date.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from patron_purge.settings_schema import schema_text
from patron_purge.settings_text import example_text

FOLDER = Path(__file__).parent.parent / "include" / "institutions"
SCHEMA, EXAMPLE = "schema.json", "example.yaml.txt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or check them.

    Args:
        arguments: Command line; that of the process when not given.

    Returns:
        0, or 1 when a file is older than the code.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files are")
    given = parser.parse_args(arguments)
    old = []
    for name, text in ((SCHEMA, schema_text()), (EXAMPLE, example_text())):
        path: Path = given.folder / name
        if not given.check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            old.append(name)
    for name in old:
        print(f"{name} is older than the code. Run: python scripts/make_schema.py", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    raise SystemExit(main())
