"""Install Debian's PostgreSQL and Redis for the distributed test when they are missing.

Ends with status 0 when both are there, 3 with one line that says why the test is left out, and 1 when the
installation failed. It starts nothing: the test starts servers of its own, on free ports.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PACKAGES = ("postgresql", "redis-server")
POSTGRES_FOLDERS = "/usr/lib/postgresql"
READY, FAILED, LEFT_OUT = 0, 1, 3
INSTALL_SECONDS = 600


def find_postgres(folders: Path = Path(POSTGRES_FOLDERS)) -> Path | None:
    """Return the folder of PostgreSQL's programs, None when it is not installed.

    Args:
        folders: Where Debian keeps a folder for each version; Debian puts none of them on the path.
    """
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = [path.parent for path in folders.glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name.split(".")[0]), default=None)


def missing() -> list[str]:
    """Return the names of Debian's packages that are missing."""
    there = {"postgresql": find_postgres() is not None, "redis-server": bool(shutil.which("redis-server"))}
    return [name for name in PACKAGES if not there[name]]


def why_left_out(
    packages: list[str],
    find: Callable[[str], str | None] = shutil.which,
    user: Callable[[], int] = os.geteuid,
) -> str:
    """Return why missing packages can't be installed, empty when they can be.

    Args:
        packages: The missing packages.
        find: Looks a command up on the path; returns None when there is none.
        user: Returns the number of the user who runs this.
    """
    if find("apt-get") is None:
        return f"{' and '.join(packages)} missing, and there is no apt-get to install them with"
    if user() != 0:
        return f"{' and '.join(packages)} missing, and only root may install them"
    return ""


def install(packages: list[str]) -> bool:
    """Install packages with apt-get, showing its output only when it fails; tell whether it worked."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *packages]):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
        if done.returncode:
            print(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}", file=sys.stderr)
            return False
    return True


def main() -> int:
    """Install what is missing; return the exit status."""
    packages = missing()
    if not packages:
        return READY
    reason = why_left_out(packages)
    if reason:
        print(f"SKIPPED: the distributed test was left out: {reason}.")
        return LEFT_OUT
    print(f"Installing {' and '.join(packages)} with apt-get.", flush=True)
    return READY if install(packages) and not missing() else FAILED


if __name__ == "__main__":
    sys.exit(main())
