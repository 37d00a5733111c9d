"""Looks for mistakes in all institution files at once, without asking Alma or the SFTP server."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alma_purge.places import config_folder, job_payload
from patron_purge.errors import ConfigurationError, PurgeError
from patron_purge.institution import Institution, RuleSettings, check_settings
from patron_purge.payloads import check_purge_payload, check_regroup_payload
from patron_purge.protect_list import read_protect_list
from patron_purge.settings_lines import Mistake, Place, SettingsFile, UnreadableSettingsError, read_settings
from patron_purge.states import Mode


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """What the check has found.

    Attributes:
        folder: The folder of the institution files.
        files: Names of all institution files.
        mistakes: File name and mistake, by file and line.
    """

    folder: Path
    files: tuple[str, ...]
    mistakes: tuple[tuple[str, Mistake], ...]


def check_config() -> ConfigReport:
    """Check every institution file, what it refers to, and the files against each other.

    Returns:
        Every mistake of every file; a mistake never hides another one.
    """
    folder = config_folder() / "institutions"
    files: list[SettingsFile] = []
    mistakes: list[tuple[str, Mistake]] = []
    paths = sorted(folder.glob("*.yaml"))
    for path in paths:
        try:
            settings = read_settings(path)
        except UnreadableSettingsError as error:
            mistakes.append((path.name, Mistake(error.line, "", error.problem)))
            continue
        files.append(settings)
        mistakes += [(path.name, each) for each in _in_one_file(settings)]
    mistakes += _between_files(files)
    mistakes += [
        (path.name, Mistake(1, "", "is not read, because its name does not end in .yaml; rename it"))
        for path in sorted(folder.glob("*.yml"))
    ]
    ordered = sorted(mistakes, key=lambda found: (found[0], found[1].line, found[1].sentence))
    return ConfigReport(folder, tuple(path.name for path in paths), tuple(dict.fromkeys(ordered)))


def _in_one_file(settings: SettingsFile) -> list[Mistake]:
    """Check one file and what it refers to."""
    found = check_settings(settings)
    mistakes = [] if isinstance(found, Institution) else list(found)
    given = settings.content
    stem = settings.name.removesuffix(".yaml")
    if isinstance(given.get("code"), str) and given["code"] != stem:
        mistakes.append(settings.mistake(("code",), f"is {given['code']}, but the file is named {stem}.yaml"))
    if not given.get("approvers") and given.get("mode") in {Mode.PILOT, Mode.FULL}:
        mistakes.append(
            settings.mistake(
                ("approvers",), f"is empty, so nobody could approve a run with mode {given['mode']}"
            )
        )
    return mistakes + _payloads(settings) + _protect_list(settings)


def _payloads(settings: SettingsFile) -> list[Mistake]:
    """Check both job payloads, as far as the settings they must agree with can be read."""
    group, rules = settings.content.get("marker_group"), settings.content.get("rules", {})
    checks: dict[str, Callable[[bytes, str], object]] = {
        "regroup_job": lambda raw, name: check_regroup_payload(raw, str(group), file_name=name),
        "purge_job": lambda raw, name: check_purge_payload(
            raw, str(group), RuleSettings.model_validate(rules), file_name=name
        ),
    }
    mistakes = []
    for job, check in checks.items():
        described = settings.content.get(job)
        name = described.get("payload") if isinstance(described, Mapping) else None
        if not isinstance(name, str) or not name:
            continue
        try:
            raw = job_payload(name)
            if isinstance(group, str):
                check(raw, name)
        except ConfigurationError as error:
            mistakes.append(settings.mistake((job, "payload"), str(error)))
        except ValidationError:
            continue  # the rules themselves are a mistake of this file and are named with their lines
    return mistakes


def _protect_list(settings: SettingsFile) -> list[Mistake]:
    """Check that the protect list beside the file is there and can be read."""
    name = settings.content.get("protect_list")
    if not isinstance(name, str) or not name:
        return []
    path = config_folder() / "institutions" / name
    try:
        # Entries that have ended must be readable too.
        read_protect_list(path.read_bytes(), name, today=date.min)
    except OSError:
        return [settings.mistake(("protect_list",), f"there is no file {name} beside {settings.name}")]
    except PurgeError as error:
        return [settings.mistake(("protect_list",), str(error))]
    return []


def _between_files(files: Iterable[SettingsFile]) -> list[tuple[str, Mistake]]:
    """Find what two files must not share."""
    given = list(files)
    return [
        *_shared(given, ("code",), (), "the code {value} is also that of"),
        *_shared(
            given,
            ("marker_group",),
            ("institution_code", "environment"),
            "two files work with the group {value} in the same Alma, and would purge each other's people; the "
            "other one is",
        ),
        *_one_tenant_for_each_connection(given),
    ]


def _shared(
    files: Iterable[SettingsFile], place: Place, within: tuple[str, ...], problem: str
) -> list[tuple[str, Mistake]]:
    """Name every file whose value at a place is the same as another file's, within the same other values."""
    users: dict[tuple[str, ...], list[SettingsFile]] = defaultdict(list)
    for settings in files:
        values = [settings.content.get(str(name)) for name in (*place, *within)]
        if all(isinstance(value, str) and value for value in values):
            users[tuple(str(value).strip() for value in values)].append(settings)
    mistakes = []
    for same, sharing in users.items():
        for settings in sharing:
            others = [each for each in sharing if each is not settings]
            for other in others:
                where = f"{other.name}, line {other.line_of(place)}"
                said = f"{problem.format(value=same[0])} {where}"
                mistakes.append((settings.name, settings.mistake(place, said)))
    return mistakes


def _one_tenant_for_each_connection(files: Iterable[SettingsFile]) -> list[tuple[str, Mistake]]:
    """Name every file that uses another institution's Alma connection."""
    first: dict[str, tuple[SettingsFile, tuple[Any, Any]]] = {}
    mistakes = []
    for settings in files:
        connection = settings.content.get("alma_connection")
        tenant = (settings.content.get("institution_code"), settings.content.get("environment"))
        if not isinstance(connection, str) or not connection or None in tenant:
            continue
        other, its_tenant = first.setdefault(connection, (settings, tenant))
        if its_tenant != tenant:
            said = (
                f"the connection {connection} can't belong to {tenant[0]} ({tenant[1]}) and to {its_tenant[0]} "
                f"({its_tenant[1]}), as {other.name} says on line {other.line_of(('alma_connection',))}"
            )
            mistakes.append((settings.name, settings.mistake(("alma_connection",), said)))
    return mistakes
