import re
from pathlib import Path

import pytest
from tests.support.stop_messages import ROOT

import configuration_page
import configuration_words
from alma_purge.provider_info import get_provider_info
from alma_purge.steps.authority import _NOT_DECIDING
from patron_purge.protect_list import ProtectKind
from patron_purge.settings_doc import settings_of

PAGE = configuration_page.configuration_page()


def read_by_the_code(pattern: str) -> set[str]:
    found: set[str] = set()
    for room in ("plugins", "include/patron_purge", "include/alma_api", "dags"):
        for path in (ROOT / room).rglob("*.py"):
            found |= set(re.findall(pattern, path.read_text(encoding="utf-8")))
    return found


def test_every_setting_has_a_line_with_a_form_and_an_example() -> None:
    models = {doc.model for doc in settings_of() if doc.model is not None}
    for model in (None, *models):
        for doc in settings_of() if model is None else settings_of(model):
            (line,) = {
                line
                for line in PAGE.splitlines()
                if line.startswith(f"| `{doc.name}` |") and line.endswith(f"| {doc.meaning} |")
            }
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            assert len(cells) == 5, line
            assert all(cells), line


def test_every_environment_variable_is_named() -> None:
    constants = dict(
        re.findall(r'^([A-Z_]+VARIABLE) = "([A-Z_]+)"$', _text("plugins/alma_purge/places.py"), re.M)
    )
    read = read_by_the_code(r'environ(?:\.get\(|\[)"?([A-Za-z_]+)"?')
    own = {constants.get(name, name) for name in read} - {
        "_CONTEXT"
    }  # a mark of Airflow's own, put back at once
    assert own == set(configuration_words.VARIABLES)
    for name in own:
        assert f"\n| `{name}` |" in PAGE


def test_every_setting_of_airflow_that_is_read_is_named() -> None:
    read = read_by_the_code(r'conf\.get\w*\(\s*"(\w+", "\w+)"') | read_by_the_code(
        r'get_signing_key\(\s*"(\w+", "\w+)"'
    )
    named = {key.replace("[", "").replace("] ", '", "') for key in configuration_words.AIRFLOW_SETTINGS}
    assert read == named


def test_no_airflow_variable_is_read() -> None:
    assert "reads no Airflow Variables" in PAGE
    assert not read_by_the_code(r"(\bVariable\b\.\w+|\{\{ *var\.)")


def test_every_field_of_the_alma_connection_is_named() -> None:
    for kind in get_provider_info()["connection-types"]:
        for name in kind["conn-fields"]:
            assert PAGE.count(f"(`{name}`) |") == 1


def test_the_settings_that_do_not_decide_are_those_of_the_code() -> None:
    (sentence,) = re.findall(r"does not decide who is purged or how: (.+?)\.\n", PAGE, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", sentence)) == set(_NOT_DECIDING)


def test_every_kind_of_a_protect_list_is_named() -> None:
    section = PAGE.partition("## The protect list")[2].partition("\n## ")[0]
    for kind in ProtectKind:
        assert section.count(f"\n| `{kind}` |") == 1


def test_the_fields_of_the_trigger_forms_are_those_of_the_dags() -> None:
    purge = set(re.findall(r'^    "(\w+)": Param\(', _text("dags/alma_user_purge.py"), re.M))
    module = _text("plugins/alma_purge/operators/housekeeping_left_behind.py")
    housekeeping = set(re.findall(r'^\w+_PARAM = "(\w+)"$', module, re.M))
    rows = re.findall(r"^\| (a library's purge|housekeeping) \| `(\w+)` \|", PAGE, re.MULTILINE)
    named = {field: dag for dag, field in rows}
    assert {field for field, dag in named.items() if dag == "housekeeping"} == housekeeping
    assert {field for field, dag in named.items() if dag != "housekeeping"} == purge


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "whole number, 1 or more"),
        ({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}, "number, above 0"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or empty"),
        ({"type": "array", "minItems": 1, "items": {"const": "A"}}, "list: `A`, at least one"),
        ({"$ref": "#/$defs/Mode"}, "one of `a`, `b`"),
        ({"type": "boolean"}, "`true` or `false`"),
    ],
)
def test_forms_are_said_in_words(schema: dict[str, object], words: str) -> None:
    assert configuration_page.form_of(schema, {"Mode": {"enum": ["a", "b"]}}) == words


def _text(name: str) -> str:
    return (ROOT / Path(name)).read_text(encoding="utf-8")
