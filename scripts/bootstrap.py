"""Install the locked environment into `.venv`, or say in one line why that is not possible.

Runs on whatever `python3` is, to be able to say that it is too old: nothing here needs more than Python 3.8
and its standard library.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, TextIO

OLDEST = (3, 11)
NEWER_PYTHONS = ("python3.14", "python3.13", "python3.12", "python3.11")
ROOT = Path(__file__).resolve().parent.parent
RUNTIME_LOCK = "requirements.txt"
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
NETWORK_TROUBLE = re.compile(
    r"Failed to establish a new connection: (?:\[Errno -?\d+\] )?([A-Z][\w ]+)"
    r"|(Name or service not known|Temporary failure in name resolution|nodename nor servname provided"
    r"|Connection refused|Network is unreachable|Connection reset by peer|Read timed out"
    r"|Tunnel connection failed[\w :]*|certificate verify failed|NameResolutionError|ConnectTimeoutError)"
)


class Stop(Exception):  # noqa: N818 - not an error of the program: the install can't go on, and this is the line
    """The install can't go on; the text is the one line that says why and what to do."""


def check_python(version: tuple[int, ...], find: Callable[[str], str | None] = shutil.which) -> None:
    """Refuse a Python that is too old, naming a newer one when there is one on the path.

    Args:
        version: Major and minor number, as in `sys.version_info`.
        find: Looks a command up on the path; returns None when there is none.

    Raises:
        Stop: The Python is older than 3.11.
    """
    if version >= OLDEST:
        return
    newer = next((name for name in NEWER_PYTHONS if find(name)), None)
    advice = (
        f"add PYTHON={newer} to the command"
        if newer
        else "install one, then add PYTHON=/path/to/it to the command"
    )
    raise Stop(f"Python 3.11 or newer is needed and {sys.executable} is {version[0]}.{version[1]}: {advice}.")


def check_modules(find: Callable[[str], object] = importlib.util.find_spec) -> None:
    """Refuse a Python that can't create virtual environments (Debian ships that part separately).

    Args:
        find: Looks a module up; returns None when there is none.

    Raises:
        Stop: `venv` or `ensurepip` is missing.
    """
    missing = [name for name in ("venv", "ensurepip") if find(name) is None]
    if missing:
        raise Stop(
            f"{sys.executable} can't create virtual environments ({' and '.join(missing)} missing): "
            "install your system's python3-venv package, or name another Python with PYTHON=/path/to/python3."
        )


def fingerprint(*paths: Path) -> str:
    """Return the sha256 over the content of these files."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


class Environment:
    """The virtual environment of this clone and the note of what was installed into it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / "installed.json"
        self.log = self.folder / "install.log"

    def wanted(self, lock: str) -> dict[str, str]:
        """Return what the stamp holds once this lock is installed.

        The tools' lock contains the run-time one, so it settles both. The package is installed again when its
        declaration or the clone's place has changed.
        """
        locks = {name: fingerprint(self.root / name) for name in {lock, RUNTIME_LOCK}}
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
            Stop: `.venv` is something else, or can't be created.
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


def last_line(text: str) -> str:
    """Return the last line of a program's output that says something; pip's ERROR lines come first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["no output"])[-1]


def explain(output: str, log: Path) -> str:
    """Turn the output of a failed install into one line.

    Args:
        output: Everything pip wrote.
        log: The file that keeps it, named when the reason isn't one of the usual ones.
    """
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in output:
        return (
            "A downloaded package is not the locked one (its sha256 differs), so it was not installed. "
            "Try again; if it stays that way, ask whoever runs your package index."
        )
    if "No space left on device" in output:
        return "The disk is full: .venv needs about 600 MB. Free some space and run the same command again."
    trouble = NETWORK_TROUBLE.search(output)
    if trouble:
        reason = (trouble.group(1) or trouble.group(2)).strip()
        return (
            f"Could not reach the package index: {reason}; nothing was left running. "
            "Run the same command again once the network is there."
        )
    return f"The install failed: {last_line(output)} (all of it: {log}). Run the same command again to go on."


def count_packages(lock: Path) -> int:
    """Return how many packages a lock names."""
    return len(re.findall(r"^[A-Za-z0-9][\w.\[\]-]*==", lock.read_text(encoding="utf-8"), re.MULTILINE))


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


def progress(log: Path, seconds: float, total: int) -> str:
    """Return the line that shows how far pip is."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if not total or "Installing collected packages" in text:
        return f"  {seconds:3.0f} s  unpacking"
    seen = len(re.findall(r"^(?:Collecting|Requirement already satisfied:) ", text, re.MULTILINE))
    return f"  {seconds:3.0f} s  {seen} of about {total} packages fetched"


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
        say(f"Installing {total} locked packages into .venv (every file is checked against its sha256).")
        run_pip(environment, ["--require-hashes", "-r", lock], total)
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
            "Another command is installing into .venv of this clone right now: wait until it has ended."
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
    parser.add_argument("--lock", default=RUNTIME_LOCK, choices=(RUNTIME_LOCK, "requirements-dev.txt"))
    lock: str = parser.parse_args(arguments).lock
    signal.signal(signal.SIGTERM, interrupt)
    try:
        check_python(sys.version_info[:2])
        check_modules()
        environment = Environment(ROOT)
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
