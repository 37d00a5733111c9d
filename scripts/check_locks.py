"""Fail when a requirements lock does not belong to its input file.

`make lock` writes the sha256 of every input into the first line of its lock; this check compares them.
"""

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "requirements.txt": ("requirements.in",),
    "requirements-dev.txt": ("requirements.in", "requirements-dev.in"),
    "requirements-site.txt": ("requirements.in", "requirements-site.in"),
    "requirements-distributed.txt": (
        "requirements.in",
        "requirements-site.in",
        "requirements-distributed.in",
    ),
}


def stamp(inputs: tuple[str, ...]) -> str:
    """Return the line that ties a lock to the present text of its inputs."""
    digest = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in inputs)).hexdigest()
    return f"# sha256 of {' + '.join(inputs)}: {digest}\n"


def write_stamps() -> None:
    """Put the stamp of the present inputs on top of every lock."""
    for lock, inputs in LOCKS.items():
        path = ROOT / lock
        lines = [
            line for line in path.read_text().splitlines(keepends=True) if not line.startswith("# sha256 of")
        ]
        path.write_text(stamp(inputs) + "".join(lines))


def stale_locks() -> list[str]:
    """Return the names of the locks whose inputs have changed since they were compiled."""
    return [lock for lock, inputs in LOCKS.items() if not (ROOT / lock).read_text().startswith(stamp(inputs))]


def main() -> int:
    """Check, or with `--write` stamp, every lock; return the exit status."""
    if "--write" in sys.argv[1:]:
        write_stamps()
        return 0
    stale = stale_locks()
    for lock in stale:
        print(f"{lock} is older than {' and '.join(LOCKS[lock])}: run `make lock` and commit the result.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
