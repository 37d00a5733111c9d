"""Airflow's options, and the files of this project that set some of them by environment variables."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Whatever sets options for a site or for the demo.
SETTING_FILES = ("docker-compose.yaml", "Dockerfile", ".env.example", "Makefile")
SETTING_FOLDERS = ("docker", "scripts", "docs", "tests/support", "tests/distributed")
# Sections of providers that only a site needs; where one is missing, Airflow knows no more than some defaults.
PROVIDER_OF_SECTION = {"CELERY": "apache-airflow-providers-celery", "FAB": "apache-airflow-providers-fab"}
# How a text names any option at all.
PLACEHOLDER = ("SECTION", "NAME")
VARIABLE = re.compile(r"\bAIRFLOW__([A-Z][A-Z_]*?)__([A-Z][A-Z0-9_]*)")


def files_that_set_options() -> Iterator[Path]:
    """Yield every file that may set an option of Airflow."""
    yield from (ROOT / name for name in SETTING_FILES)
    for folder in SETTING_FOLDERS:
        files = (ROOT / folder).rglob("*")
        yield from (one for one in files if one.is_file() and one.suffix != ".pyc" and one != Path(__file__))


def options_set() -> dict[tuple[str, str], set[str]]:
    """Return each option that is set somewhere, by section and key as in the variable, and the files' names."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in files_that_set_options():
        for section, key in VARIABLE.findall(path.read_text(encoding="utf-8", errors="replace")):
            if (section, key) != PLACEHOLDER:
                found.setdefault((section, key), set()).add(str(path.relative_to(ROOT)))
    return found


def is_missing(provider: str) -> bool:
    """Tell whether a provider is not installed in this environment."""
    try:
        version(provider)
    except PackageNotFoundError:
        return True
    return False


def variables_known() -> set[tuple[str, str]]:
    """Return every option that this Airflow and its installed providers describe, as section and key of a variable.

    Options that Airflow still understands by an old name are not among them: they belong to nothing.
    """
    from airflow.configuration import conf

    described = conf.configuration_description
    return {
        (section.upper().replace(".", "_"), key.upper())
        for section, about in described.items()
        for key in about["options"]
    }


def unknown(options: dict[tuple[str, str], set[str]]) -> list[str]:
    """Return a line for each option that is set and that this Airflow does not know.

    Args:
        options: Names of the files that set it, by section and key.
    """
    known = variables_known()
    return [
        f"AIRFLOW__{section}__{key} in {', '.join(sorted(files))}"
        for (section, key), files in sorted(options.items())
        if (section, key) not in known
        # The same option, read from a command or a secrets backend.
        and (section, re.sub(r"_(CMD|SECRET)$", "", key)) not in known
    ]
