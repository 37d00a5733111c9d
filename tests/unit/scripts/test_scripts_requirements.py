"""Whatever the code imports is named in requirements.in: on a line of its own, or as what such a line brings."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("dags", "plugins", "include", "scripts", "docker")


@cache
def installed() -> Mapping[str, list[str]]:
    return packages_distributions()


def imported_modules(room: Path) -> Iterator[str]:
    """Yield the full name of every module that a file of a room imports, also inside functions."""
    for path in room.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module


def own_packages() -> set[str]:
    """Return the names under which the project's own code is imported."""
    places = [ROOT / room for room in ROOMS]
    return {path.stem for place in places for path in place.iterdir() if not path.name.startswith(".")}


def distribution_of(module: str) -> str:
    """Return the name of the package that a module is installed with."""
    if module.startswith("airflow.providers."):
        provider = module.removeprefix("airflow.providers.").split(".")
        is_common = provider[0] == "common"
        return "-".join(["apache-airflow-providers", *provider[: 2 if is_common else 1]])
    top = module.partition(".")[0]
    if top == "airflow":
        return "apache-airflow"
    return installed().get(top, [top])[0].replace("_", "-").lower()


def named_packages(text: str) -> set[str]:
    """Return every word of requirements.in, folded as package names are."""
    return {word.replace("_", "-").lower() for word in re.findall(r"[A-Za-z][\w-]+", text)}


def imported_distributions() -> set[str]:
    foreign = {module for room in ROOMS for module in imported_modules(ROOT / room)}
    own = own_packages()
    return {
        distribution_of(module)
        for module in foreign
        if (top := module.partition(".")[0]) not in sys.stdlib_module_names and top not in own
    }


def test_every_imported_package_is_named_in_the_requirements() -> None:
    imported = imported_distributions()
    assert {"apache-airflow", "requests", "itsdangerous", "apache-airflow-providers-sftp"} <= imported
    assert imported - named_packages((ROOT / "requirements.in").read_text(encoding="utf-8")) == set()


def test_every_package_with_a_line_of_its_own_is_locked() -> None:
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    declared = {match.group() for line in lines if (match := re.match(r"[a-z][\w-]+", line))}
    locked = set(re.findall(r"^([a-z][\w-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert "itsdangerous" in declared
    assert declared <= locked
