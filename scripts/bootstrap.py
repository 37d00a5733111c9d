"""Install a locked environment into `.venv` or `.venv-site`, or say in one line why that is not possible.

Runs on whatever `python3` is, to be able to say that it is too old: nothing here needs more than Python 3.8
and its standard library.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

from install_checks import OLDEST, Stop, check_modules, check_python
from pip_output import count_packages, explain, last_line, progress

ROOT = Path(__file__).resolve().parent.parent
RUNTIME_LOCK = "requirements.txt"
SITE_LOCK = "requirements-site.txt"
# Each lock with its environment and the smaller lock of that environment which it contains.
LOCKS = {
    RUNTIME_LOCK: (".venv", RUNTIME_LOCK),
    "requirements-dev.txt": (".venv", RUNTIME_LOCK),
    SITE_LOCK: (".venv-site", SITE_LOCK),
    "requirements-distributed.txt": (".venv-site", SITE_LOCK),
}
PROGRESS_SECONDS = 10
PIP = (
    "-m",
    "pip",
    "--disable-pip-version-check",
    "--no-input",
    "install",
    "--retries",
    "2",
    "--timeout",
    "20",
)


def fingerprint(*paths: Path) -> str:
    """Return the sha256 over the content of these files."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


class Environment:
    """A virtual environment of this clone and the note of what was installed into it."""

    def __init__(self, root: Path, folder: str = ".venv") -> None:
        self.root = root
        self.folder = root / folder
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / "installed.json"
        self.log = self.folder / "install.log"

    def wanted(self, lock: str) -> dict[str, str]:
        """Return what the stamp holds once this lock is installed.

        A lock with tools contains the one without, so it settles both. The package is installed again when its
        declaration or the clone's place has changed.
        """
        locks = {name: fingerprint(self.root / name) for name in {lock, LOCKS[lock][1]}}
        return {"package": f"{self.root} {fingerprint(self.root / 'pyproject.toml')}", **locks}

    def installed(self) -> dict[str, str]:
        """Return what the last completed install noted, nothing when there was none."""
        try:
            noted = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) and self.python.exists() else {}

    def create(self) -> None:
        """Create the environment, or create it again when it is damaged or a Python older than 3.11 made it.

        An install that was cut off may leave a package that looks installed and is not whole, so such an
        environment counts as damaged.

        Raises:
            Stop: The folder is something else, or can't be created.
        """
        if self._works():
            return
        if self.folder.exists() and any(self.folder.iterdir()) and not (self.folder / "pyvenv.cfg").exists():
            raise Stop(
                f"{self.folder} exists and is no virtual environment: move it away. It was left as it is."
            )
        command = [sys.executable, "-m", "venv", "--clear", str(self.folder)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise Stop(
                f"{self.folder} could not be created: {last_line(done.stdout.decode(errors='replace'))}"
            )

    def _works(self) -> bool:
        cut_off = self.log.exists() and not self.stamp.exists()
        if cut_off or not self.python.exists():
            return False
        test = f"import pip, sys; sys.exit(sys.version_info < {OLDEST})"
        command = [str(self.python), "-c", test]
        return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def run_pip(environment: Environment, arguments: list[str], total: int) -> None:
    """Run pip and show every ten seconds how far it is.

    Args:
        environment: Where to install.
        arguments: What to install, as pip's `install` takes it.
        total: About how many packages pip will go through; 0 shows no count.

    Raises:
        Stop: pip failed.
    """
    started = time.monotonic()
    next_note = PROGRESS_SECONDS
    command = [str(environment.python), *PIP, *arguments]
    with environment.log.open("w", encoding="utf-8") as log:
        pip = subprocess.Popen(
            command, cwd=str(environment.root), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            while pip.poll() is None:
                time.sleep(0.1)
                seconds = time.monotonic() - started
                if seconds >= next_note:
                    next_note += PROGRESS_SECONDS
                    say(progress(environment.log, seconds, total))
        finally:
            end(pip)
    if pip.returncode:
        raise Stop(explain(environment.log.read_text(encoding="utf-8", errors="replace"), environment.log))


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs and wait until it is gone."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def install(environment: Environment, lock: str) -> None:
    """Bring the environment to the state of the lock; quick when it is there already.

    Args:
        environment: The clone's environment.
        lock: File name of the lock.

    Raises:
        Stop: It can't be done; what is there is repaired by the next run.
    """
    wanted = environment.wanted(lock)
    have = environment.installed()
    if all(have.get(name) == value for name, value in wanted.items()):
        return
    environment.create()
    if environment.stamp.exists():
        environment.stamp.unlink()
    if any(have.get(name) != wanted[name] for name in wanted if name != "package"):
        total = count_packages(environment.root / lock)
        say(
            f"Installing {total} locked packages into {environment.folder.name} "
            "(every file is checked against its sha256)."
        )
        # As constraints the same lines also count for what another package asks for with an extra.
        run_pip(environment, ["--require-hashes", "-r", lock, "-c", lock], total)
    run_pip(environment, ["--no-deps", "--no-build-isolation", "-e", "."], 0)
    environment.stamp.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
    say("Installed.")


def only_one(environment: Environment) -> TextIO:
    """Take the clone's install lock; it is held until the returned file is closed.

    Raises:
        Stop: Another install runs in this clone.
    """
    folder = environment.root / ".demo"
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = (folder / "install.lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise Stop(
            "Another command is installing into this clone right now: wait until it has ended."
        ) from None
    return handle


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def interrupt(_signal: int, _frame: object) -> None:
    """End as if Ctrl-C had been pressed."""
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """Install the lock named on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lock", default=RUNTIME_LOCK, choices=tuple(LOCKS))
    lock: str = parser.parse_args(arguments).lock
    signal.signal(signal.SIGTERM, interrupt)
    try:
        check_python(sys.version_info[:2])
        check_modules()
        environment = Environment(ROOT, LOCKS[lock][0])
        with only_one(environment):
            install(environment, lock)
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "Stopped; nothing was left running. The next run repairs what is half installed.", file=sys.stderr
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
