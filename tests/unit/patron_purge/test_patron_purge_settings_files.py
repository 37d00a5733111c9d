"""The schema, the example and the commented file of institution settings, and the lines of mistakes."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import make_schema
from patron_purge.errors import ConfigurationError
from patron_purge.institution import Institution, check_settings, load_institution
from patron_purge.settings_doc import meaning_of, settings_of
from patron_purge.settings_lines import Mistake, UnreadableSettingsError, read_settings
from patron_purge.settings_schema import schema_text
from patron_purge.settings_text import SCHEMA_LINE, example_text, settings_text
from patron_purge.staggering import staggered_schedule

FOLDER = Path(__file__).parents[3] / "include" / "institutions"
SCHEMA = json.loads(schema_text())


def written(folder: Path, text: str) -> Path:
    path = folder / "xyz.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def found(folder: Path, text: str) -> tuple[tuple[int, str], ...]:
    mistakes = check_settings(read_settings(written(folder, text)))
    assert isinstance(mistakes, tuple)
    return tuple((one.line, one.sentence) for one in mistakes)


def every_setting(model: type[BaseModel], outer: str = "") -> list[str]:
    names = []
    for doc in settings_of(model):
        names.append(outer + doc.name)
        if doc.model is not None:
            names += every_setting(doc.model, f"{outer}{doc.name}.")
    return names


def every_name(content: Any, outer: str = "") -> set[str]:
    if isinstance(content, list):
        return {name for each in content for name in every_name(each, outer)}
    if not isinstance(content, dict):
        return set()
    inner = [every_name(value, f"{outer}{name}.") for name, value in content.items()]
    return {outer + name for name in content}.union(*inner)


def test_schema_and_example_are_as_new_as_the_code() -> None:
    assert make_schema.main(["--check"]) == 0, "run: python scripts/make_schema.py"


def test_the_check_tells_old_files_and_leaves_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_schema.main(["--check", "--folder", str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []
    assert make_schema.main(["--folder", str(tmp_path)]) == 0
    assert make_schema.main(["--check", "--folder", str(tmp_path)]) == 0
    (tmp_path / "schema.json").write_text("{}")
    assert make_schema.main(["--check", "--folder", str(tmp_path)]) == 1
    assert (tmp_path / "schema.json").read_text() == "{}"
    assert capsys.readouterr().err.count("schema.json is older than the code") == 2


def test_every_setting_is_described() -> None:
    names = every_setting(Institution)
    assert {"code", "report.path", "exclusion_files.max_age_hours", "rules.waive_threshold"} <= set(names)
    for doc in settings_of():
        assert SCHEMA["properties"][doc.name]["description"] == doc.meaning


def test_a_setting_without_a_description_is_not_overlooked() -> None:
    class Silent(BaseModel):
        """Says nothing."""

        loud: int = 1

    with pytest.raises(KeyError, match="Silent says nothing about loud"):
        meaning_of(Silent, "loud")


def test_the_example_has_every_setting_and_is_valid(tmp_path: Path) -> None:
    text = (FOLDER / make_schema.EXAMPLE).read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    missing = [name for name in every_setting(Institution) if f"{name.rpartition('.')[2]}" not in text]
    assert missing == []
    assert {name for name in every_setting(Institution) if "." not in name} == set(content)
    assert every_name({"rules": content["rules"], "guards": content["guards"]}) == {
        name for name in every_setting(Institution) if name.split(".")[0] in {"rules", "guards"}
    }
    assert load_institution(written(tmp_path, text)).code == "xyz"
    jsonschema.validate(content, SCHEMA)


def test_the_example_is_no_institution() -> None:
    assert not make_schema.EXAMPLE.endswith(".yaml")
    assert all(path.stem == yaml.safe_load(path.read_text())["code"] for path in FOLDER.glob("*.yaml"))


def test_what_the_example_leaves_alone_is_the_default(tmp_path: Path) -> None:
    content = yaml.safe_load(example_text())
    required = {doc.name for doc in settings_of() if doc.required} | {"purge_job"}
    short = yaml.safe_dump({name: value for name, value in content.items() if name in required})
    full = load_institution(written(tmp_path, example_text()))
    bare = load_institution(written(tmp_path, short))
    same = {"schedule": None, "approvers": ()}
    assert full.model_copy(update=same) == bare.model_copy(update=same)


def test_the_demo_institution_names_the_schema_and_fits_it() -> None:
    text = (FOLDER / "demo.yaml").read_text(encoding="utf-8")
    assert text.startswith(SCHEMA_LINE + "\n")
    jsonschema.validate(yaml.safe_load(text), SCHEMA)


@pytest.mark.parametrize(
    "changes",
    [
        {"modes": "full"},
        {"mode": "fulll"},
        {"rules": {"waive_treshold": 5}},
        {"exclusion_files": []},
        {"exclusion_files": [{"max_age_hours": 12}]},
        {"code": "XYZ"},
        {"calls_per_second": 200},
        {"regroup_job": {"name": "Update/Notify Users"}},
    ],
)
def test_an_editor_with_the_schema_sees_what_the_code_refuses(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    content = yaml.safe_load(example_text()) | changes
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, SCHEMA)
    with pytest.raises(ConfigurationError):
        load_institution(written(tmp_path, yaml.safe_dump(content)))


def test_values_are_written_so_that_they_are_read_again() -> None:
    odd = {"name": "Yes: #1 'Library' - é", "schedule": "0 6 * * 1", "approvers": ["null", "12", "a, b"]}
    content = yaml.safe_load(settings_text("A heading.", odd))
    assert {name: content[name] for name in odd} == odd


BASE = [line for line in example_text().splitlines() if line and not line.lstrip().startswith("#")]


def changed(line: str, *by: str) -> str:
    """Put other lines in the place of a line of the example."""
    place = next(number for number, each in enumerate(BASE) if each.startswith(line))
    return "\n".join([*BASE[:place], *by, *BASE[place + 1 :]])


def line_of(line: str) -> int:
    return next(number for number, each in enumerate(BASE, start=1) if each.startswith(line))


@pytest.mark.parametrize(
    ("line", "by", "at", "sentence"),
    [
        ("mode:", ["modes: full"], "mode:", "modes: there is no such setting"),
        ("  max_count:", ["  max_cuont: 3"], "  max_count:", "guards.max_cuont: there is no such setting"),
        ("  row_cap:", ["  row_cap: none"], "  row_cap:", "report.row_cap: Input should be a valid integer"),
        ("  path:", [], "report:", "report.path: is missing"),
        ("name:", ["name:"], "name:", "name: has no value yet"),
        ("timezone:", ["timezone: Chicago"], "timezone:", "timezone: unknown time zone 'Chicago'"),
        (
            "    max_age_hours:",
            ["    max_age_hours: 0"],
            "    max_age_hours:",
            "exclusion_files.0.max_age_hours: ",
        ),
        ("marker_group:", [], "code:", "marker_group: is missing"),
        ("mode:", ["mode: pilot", "mode: full"], "pilot_size:", "mode: is already given on line"),
        (
            "  max_count:",
            ["  max_count: 5", "  max_count: 500"],
            "  max_percent",
            "guards.max_count: is already given",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, line: str, by: list[str], at: str, sentence: str
) -> None:
    (mistake,) = found(tmp_path, changed(line, *by))
    assert mistake[0] == line_of(at)
    assert mistake[1].startswith(sentence)


def test_a_setting_given_twice_is_refused_and_never_decided_by_the_last_one(tmp_path: Path) -> None:
    path = written(tmp_path, changed("mode:", "mode: report_only", "mode: full"))
    with pytest.raises(ConfigurationError, match=r"xyz.yaml has 1 mistake.*mode: is already given on line"):
        load_institution(path)


@pytest.mark.parametrize(
    ("text", "line"), [("code: xyz\nname: [", 3), ("a: 1\nb: c: d\n", 2), ("", 1), ("- a\n", 1)]
)
def test_unreadable_yaml_is_named_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(UnreadableSettingsError, match=r"xyz\.yaml") as refused:
        read_settings(written(tmp_path, text))
    assert refused.value.line == line


def test_all_mistakes_of_a_file_come_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = changed("code:", "code: X Y").replace("mode: report_only", "mode: fulll")
    lines = [line for line, _ in found(tmp_path, text)]
    assert lines == sorted(lines)
    assert len(lines) == 2


def test_a_mistake_in_the_file_as_a_whole_has_no_setting() -> None:
    assert Mistake(1, "", "is empty").sentence == "is empty"


@given(st.from_regex(r"[a-z0-9][a-z0-9_]{0,30}", fullmatch=True))
def test_a_staggered_schedule_is_monthly_and_can_be_read(code: str) -> None:
    minute, hour, day, month, weekday = staggered_schedule(code).split()
    assert (month, weekday) == ("*", "*")
    assert int(minute) in range(0, 60, 10)
    assert int(hour) in range(5, 9)
    assert int(day) in range(2, 23)


def test_the_schedule_of_a_code_never_changes() -> None:
    assert staggered_schedule("xyz") == "20 8 8 * *"
    assert staggered_schedule("demo") != staggered_schedule("xyz")


def test_ninety_institutions_are_spread_out() -> None:
    schedules = [staggered_schedule(f"lib{number}") for number in range(90)]
    days = [schedule.split()[2] for schedule in schedules]
    assert len(set(schedules)) >= 80
    assert max(days.count(day) for day in set(days)) <= 10
