"""No file of the project turns the check of a certificate or of a host key off."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("dags", "plugins", "include", "scripts", "docker")
FORBIDDEN_NAMES = {
    "CERT_NONE",
    "_create_unverified_context",
    "disable_warnings",
    "AutoAddPolicy",
    "WarningPolicy",
    "no_host_key_check",
}


def ways_around(source: str) -> Iterator[str]:
    """Yield what a source says that would accept any certificate or host key."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg in {"verify", "check_hostname", "verify_ssl"}:
            yield f"{node.arg}={ast.unparse(node.value)}"
        elif isinstance(node, ast.keyword) and node.arg == "known_hosts":
            yield from ["known_hosts=None"] if ast.unparse(node.value) == "None" else []
        elif isinstance(node, ast.Assign):
            yield from (
                f"{one.attr} = {ast.unparse(node.value)}"
                for one in node.targets
                if isinstance(one, ast.Attribute) and one.attr in {"verify", "check_hostname", "verify_mode"}
            )
        elif isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            yield from [name] if name in FORBIDDEN_NAMES else []


def test_nothing_in_the_project_does() -> None:
    sources = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(sources) > 100
    found = {
        str(path.relative_to(ROOT)): ways
        for path in sources
        if (ways := list(ways_around(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "requests.get(url, verify=False)",
        "session.verify = False",
        "context.check_hostname = False",
        "context.verify_mode = ssl.CERT_NONE",
        "ssl._create_unverified_context()",
        "urllib3.disable_warnings()",
        "client.set_missing_host_key_policy(paramiko.AutoAddPolicy())",
        "asyncssh.connect(host, known_hosts=None)",
    ],
)
def test_each_way_would_be_found(source: str) -> None:
    assert list(ways_around(source))
