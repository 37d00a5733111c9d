"""Names that the pages use are those of the code: commands, services, variables, switches, settings, versions."""

import re
import tomllib
from pathlib import Path

import yaml

from alma_purge.operators.housekeeping_left_behind import INSTITUTION_PARAM, RESTORE_PARAM
from alma_purge.provider_info import get_provider_info
from alma_sandbox.state.switches import Switches
from patron_purge.guards import GUARD_NAMES
from patron_purge.settings_doc import settings_of

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", page("Makefile"), re.MULTILINE))


def test_every_make_command_in_the_pages_is_there() -> None:
    for one in PAGES:
        typed = set(re.findall(r"(?:`|^)make ([a-z-]+)", one.read_text(encoding="utf-8"), re.MULTILINE))
        assert typed <= targets(), one.name


def test_every_target_is_in_the_contributing_page() -> None:
    named = set(re.findall(r"`make ([a-z-]+)", page("CONTRIBUTING.md")))
    helpers = {"help", "install", "run-distributed", "install-distributed"}
    assert named | helpers == targets()


def test_every_command_in_the_pages_is_there() -> None:
    commands = {
        path.stem.replace("_", "-") for path in (ROOT / "plugins/alma_purge/commands").glob("[a-z]*.py")
    }
    for one in PAGES:
        typed = set(re.findall(r"-m alma_purge ([a-z-]+)", one.read_text(encoding="utf-8")))
        assert typed - {"--help"} <= commands, one.name


def test_every_service_and_its_memory_is_in_the_page_on_containers() -> None:
    services = yaml.safe_load(page("docker-compose.yaml"))["services"]
    table = page("docs/containers.md").partition("## The services")[2].partition("\n## ")[0]
    limits = dict(re.findall(r"^\| (`.+?) \|.*\| ([^|]+) \|$", table, re.MULTILINE))
    named = {name: limit for names, limit in limits.items() for name in re.findall(r"`([a-z-]+)`", names)}
    named.pop("--profile rehearsal", None)
    assert named.keys() == services.keys()
    for name, service in services.items():
        amount = re.sub(r"g$", " GB", re.sub(r"m$", " MB", service["mem_limit"]))
        assert amount in named[name], name


def test_every_setting_of_the_environment_file_is_in_the_page_on_containers() -> None:
    names = set(re.findall(r"^([A-Z_]+)=", page(".env.example"), re.MULTILINE))
    secrets = set(re.findall(r"^([A-Z_]+)=$", page(".env.example"), re.MULTILINE))
    text = page("docs/containers.md")
    assert not {name for name in names - secrets - {"SITE_ADMIN_EMAIL"} if f"`{name}`" not in text}


def test_the_switches_in_the_page_on_the_rehearsal_tenant_are_there() -> None:
    table = page("docs/sandbox.md").partition("## Switches")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+)`", table))
    assert len(named) > 5
    assert named <= set(Switches.model_fields)


def test_every_switch_is_in_the_list_of_fakes() -> None:
    text = page("include/alma_sandbox/FAKES.md")
    assert not [name for name in Switches.model_fields if f"`{name}`" not in text]


def test_nested_settings_that_the_pages_name_are_there() -> None:
    blocks = {doc.name: doc.model for doc in settings_of() if doc.model is not None}
    for one in PAGES:
        for outer, inner in re.findall(r"`(\w+)\.(\w+)`", one.read_text(encoding="utf-8")):
            if outer in blocks:
                assert inner in blocks[outer].model_fields, f"{one.name}: {outer}.{inner}"


def test_new_limits_that_the_pages_show_are_those_of_guards() -> None:
    for one in PAGES:
        shown = set(re.findall(r'\{"(\w+)": \d+\}', one.read_text(encoding="utf-8")))
        assert shown <= set(GUARD_NAMES), one.name


def test_the_fields_of_the_housekeeping_form_are_those_of_the_pages() -> None:
    assert f"*{RESTORE_PARAM}*" in page("docs/runbook.md")
    assert INSTITUTION_PARAM in page("docs/configuration.md")


def test_all_places_name_the_same_version() -> None:
    project = tomllib.loads(page("pyproject.toml"))["project"]
    assert project["version"] in page("CHANGELOG.md")
    assert get_provider_info()["versions"] == [project["version"]]


def test_the_licence_is_the_one_that_is_declared() -> None:
    project = tomllib.loads(page("pyproject.toml"))["project"]
    assert project["license"] == "Apache-2.0"
    for name in project["license-files"]:
        assert "Apache License\n                           Version 2.0" in page(name)
        assert f" {name} " in page("Dockerfile")
        assert f"!{name}\n" in page(".dockerignore")
