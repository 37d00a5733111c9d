"""Ask PyPI whether a locked package has a known vulnerability, with pip-audit.

pip-audit calls a package that its service does not know "skipped", and a run in which it could look up none of them
"no known vulnerabilities". Here that is told apart: nothing is called sound that nobody has looked at.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# These two hold every package and version of the other two locks.
AUDITED = ("requirements-dev.txt", "requirements-distributed.txt")
LOCKS = ("requirements.txt", "requirements-site.txt", *AUDITED)
# A tool of its own: it is not needed in the environment that it looks at.
PIP_AUDIT = (sys.executable, "-m", "uv", "tool", "run", "pip-audit==2.10.1")
SOUND, FOUND = 0, 1
LONGEST_SECONDS = 900
_NO_NETWORK = re.compile(
    r"(ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|NameResolutionError|Failed to fetch"
    r"|error sending request|dns error|HTTPError)"
)


class AuditError(Exception):
    """pip-audit failed for another reason than the network."""


@dataclass
class Audit:
    """What is known about the packages of some locks.

    Attributes:
        looked_up: Names and versions about which the service has answered.
        unknown: Names and versions about which it could not say anything.
        found: A sentence for each vulnerability.
        unreachable: Whether the service did not answer at all.
    """

    looked_up: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    found: dict[str, None] = field(default_factory=dict)
    unreachable: bool = False


def audit(root: Path, command: Sequence[str]) -> Audit:
    """Look up every package of the locks.

    Args:
        root: Folder of the locks.
        command: How pip-audit is called.

    Raises:
        AuditError: pip-audit could not be run, or gave no answer that can be read.
    """
    result = Audit()
    for lock in AUDITED:
        answer = _ask(root / lock, command)
        if answer is None:
            result.unreachable = True
            break
        _add(result, answer, root)
    return result


def report(result: Audit) -> int:
    """Print the result and return the exit status.

    Args:
        result: The result.
    """
    for sentence in result.found:
        print(sentence)
    if result.found:
        print(
            f"{len(result.found)} known vulnerabilities. Raise the versions in the .in files, then: make lock"
        )
        return FOUND
    if result.unreachable or not result.looked_up:
        print(
            "NOT AUDITED: the vulnerability service of pypi.org could not be reached from here, so nothing is known "
            "about the locked packages. Run `make audit` where it can be reached."
        )
        return SOUND
    if result.unknown:
        print(f"The service knows nothing about: {', '.join(sorted(result.unknown))}.")
    print(f"{len(result.looked_up)} locked packages looked up, no known vulnerability.")
    return SOUND


def _ask(lock: Path, command: Sequence[str]) -> dict[str, list[dict[str, object]]] | None:
    """Run pip-audit on one lock; None when the network does not let it."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "audit.json"
        options = ("--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json")
        done = subprocess.run(
            [*command, *options, f"--output={output}", f"--requirement={lock}"],
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        # Status 1 also means that something was found; only the file tells an answer from a failure.
        if output.exists():
            answer: dict[str, list[dict[str, object]]] = json.loads(output.read_text(encoding="utf-8"))
            return answer
    if _NO_NETWORK.search(done.stderr):
        return None
    raise AuditError(f"pip-audit failed on {lock.name}:\n{done.stdout}{done.stderr}")


def _add(result: Audit, answer: dict[str, list[dict[str, object]]], root: Path) -> None:
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            result.unknown.add(str(package["name"]))
            continue
        result.unknown.discard(str(package["name"]))
        name = f"{package['name']}=={package['version']}"
        result.looked_up.add(name)
        for flaw in _list(package["vulns"]):
            fixed = ", ".join(map(str, _list(flaw["fix_versions"]))) or "no version yet"
            where = " and ".join(lock for lock in LOCKS if _holds(root / lock, name))
            result.found[f"{name} in {where}: {flaw['id']}, fixed in {fixed}."] = None


def _list(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value


def _holds(lock: Path, name: str) -> bool:
    return re.search(rf"^{re.escape(name)}\b", lock.read_text(encoding="utf-8"), re.MULTILINE) is not None


def main(root: Path = ROOT, command: Sequence[str] = PIP_AUDIT) -> int:
    """Audit the locks and return the exit status.

    Args:
        root: Folder of the locks.
        command: How pip-audit is called.

    Returns:
        1 when a vulnerability is known or pip-audit failed; 0 when none is known, or with a line that begins with
        NOT AUDITED when the service can't be reached.
    """
    try:
        return report(audit(root, command))
    except AuditError as error:
        print(error, file=sys.stderr)
        return FOUND


if __name__ == "__main__":
    sys.exit(main())
