"""Every mistake of every institution file at once, and the file of a new institution."""

import stat
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml
from tests.support.config import INCLUDE, edit_payload, own_config

from alma_purge.__main__ import main
from alma_purge.config_check import check_config
from alma_purge.places import institution_entries, institution_files
from patron_purge.institution import load_institution
from patron_purge.staggering import staggered_schedule

Spoil = Callable[[Path], None]
TEXT = (INCLUDE / "institutions" / "demo.yaml").read_text(encoding="utf-8")


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = own_config(monkeypatch, tmp_path / "config")
    (folder / "institutions" / "demo.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return folder


def put(config: Path, code: str, text: str = TEXT, **changes: str) -> Path:
    """Write an institution file: the demo's with lines changed; names of settings to whole new lines."""
    for name, line in ({"code": f"code: {code}"} | changes).items():
        old = next(each for each in text.splitlines() if each.startswith(f"{name}:"))
        text = text.replace(f"{old}\n", f"{line}\n" if line else "", 1)
    path = config / "institutions" / f"{code}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def line_of(path: Path, start: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(start))


def found() -> list[tuple[str, int, str]]:
    return [(name, one.line, one.sentence) for name, one in check_config().mistakes]


OTHER = {
    "institution_code": "institution_code: 01OTHER_ABC",
    "alma_connection": "alma_connection: alma_other",
}


def test_files_without_mistakes_are_fine(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(config, "other", **OTHER)
    assert found() == []
    assert main(["check-config"]) == 0
    assert capsys.readouterr().out == "No mistakes; 2 institution file(s) in config/institutions checked.\n"


def test_every_mistake_of_every_file_is_printed_with_file_and_line(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(config, "abc", timezone="timezone: Chicago", mode="mode: fulll", **OTHER)
    (config / "institutions" / "bcd.yaml").write_text("code: [", encoding="utf-8")
    put(config, "cde", protect_list="protect_list: gone.csv", **OTHER)
    assert main(["check-config"]) == 1
    lines = capsys.readouterr().out.splitlines()
    here = "config/institutions"
    assert lines[0].startswith(f"{here}/abc.yaml:8: timezone: unknown time zone 'Chicago'")
    assert lines[1].startswith(f"{here}/abc.yaml:10: mode: Input should be")
    assert lines[2].startswith(f"{here}/abc.yaml:11: marker_group: two files work with the group OKTOPURGE")
    assert lines[3].startswith(f"{here}/bcd.yaml:")
    assert "can't be read as YAML" in lines[3]
    assert lines[4].startswith(f"{here}/cde.yaml:11: marker_group: two files work with the group OKTOPURGE")
    assert "the other one is abc.yaml, line 11" in lines[4]
    assert lines[5].endswith("protect_list: there is no file gone.csv beside cde.yaml")
    assert lines[6:] == ["6 mistake(s); 4 institution file(s) in config/institutions checked."]


def test_one_mistake_in_the_file_does_not_hide_those_in_what_it_refers_to(config: Path) -> None:
    path = put(config, "demo", timezone="timezone:", protect_list="protect_list: gone.csv")
    (config / "jobs" / "purge_users.json").unlink()
    edit_payload(
        config,
        "update_notify_users.json",
        lambda values: values.update(SEND_Notification_To_User_Active="true"),
    )
    sentences = {line: sentence for _, line, sentence in found()}
    payloads = [number for number, line in enumerate(path.read_text().splitlines(), 1) if "payload:" in line]
    assert sentences[line_of(path, "timezone")] == "timezone: has no value yet"
    assert sentences[line_of(path, "protect_list")].startswith("protect_list: there is no file gone.csv")
    assert sentences[payloads[0]].startswith("regroup_job.payload: update_notify_users.json is refused")
    assert sentences[payloads[1]].startswith(
        "purge_job.payload: The job payload include/jobs/purge_users.json"
    )
    assert len(sentences) == 4


def wrong_rules(config: Path) -> None:
    text = TEXT.replace("rules:\n", "rules:\n  waive_threshold: 5\n")
    put(config, "demo", text)


def odd_protect_list(config: Path) -> None:
    path = config / "institutions" / "demo-protect.csv"
    path.write_text("kind,value,owner,reason,end_date\nplanet,Mars,Olga,far,2020-01-01\n", encoding="utf-8")


def payload_elsewhere(config: Path) -> None:
    put(config, "demo", TEXT.replace("purge_users.json", "../institutions/demo.yaml"))


def other_file_name(config: Path) -> None:
    (config / "institutions" / "demo.yaml").rename(config / "institutions" / "xyz.yaml")


def other_ending(config: Path) -> None:
    (config / "institutions" / "xyz.yml").write_text(TEXT, encoding="utf-8")


def no_approver(config: Path) -> None:
    put(config, "demo", approvers="approvers: []")


CASES: dict[str, tuple[Spoil, str, str]] = {
    "payload against rules": (wrong_rules, "demo.yaml", "purge_job.payload: purge_users.json is refused"),
    "odd protect list": (
        odd_protect_list,
        "demo.yaml",
        "protect_list: The protect list demo-protect.csv has 1 row",
    ),
    "payload elsewhere": (
        payload_elsewhere,
        "demo.yaml",
        "purge_job.payload: The payload ../institutions/demo.yaml",
    ),
    "other file name": (other_file_name, "xyz.yaml", "code: is demo, but the file is named xyz.yaml"),
    "other ending": (other_ending, "xyz.yml", "is not read, because its name does not end in .yaml"),
    "no approver": (
        no_approver,
        "demo.yaml",
        "approvers: is empty, so nobody could approve a run with mode full",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_that_no_single_setting_shows_is_found(config: Path, case: str) -> None:
    spoil, name, sentence = CASES[case]
    spoil(config)
    ((where, line, said),) = found()
    assert (where, said[: len(sentence)]) == (name, sentence)
    if ":" in sentence.partition(" ")[0]:
        text = (config / "institutions" / name).read_text().splitlines()[line - 1]
        assert text.strip().startswith(sentence.partition(":")[0].rpartition(".")[2])


def test_a_report_only_institution_needs_no_approver(config: Path) -> None:
    put(config, "demo", approvers="approvers: []", mode="mode: report_only")
    assert found() == []


def test_two_files_with_the_same_code_name_each_other(config: Path) -> None:
    put(config, "other", **OTHER).rename(config / "institutions" / "second.yaml")
    put(config, "other", **OTHER, marker_group="marker_group: OTHERS")
    said = [(name, sentence) for name, _, sentence in found() if sentence.startswith("code: the code")]
    assert said == [
        ("other.yaml", "code: the code other is also that of second.yaml, line 3"),
        ("second.yaml", "code: the code other is also that of other.yaml, line 3"),
    ]


@pytest.mark.parametrize(
    ("changes", "shared"),
    [
        ({}, True),
        ({"environment": "environment: production", "alma_connection": "alma_connection: p"}, False),
        ({"marker_group": "marker_group: OTHERS"}, False),
        (OTHER, False),
    ],
)
def test_a_marker_group_belongs_to_one_file_of_the_same_alma(
    config: Path, changes: dict[str, str], shared: bool
) -> None:
    put(config, "second", **changes)
    said = [sentence for _, _, sentence in found() if sentence.startswith("marker_group: two files")]
    assert len(said) == (2 if shared else 0)


def test_a_connection_belongs_to_one_alma(config: Path) -> None:
    path = put(config, "second", institution_code=OTHER["institution_code"])
    ((name, line, said),) = found()
    assert (name, line) == ("second.yaml", line_of(path, "alma_connection"))
    assert "alma_demo can't belong to 01OTHER_ABC (sandbox) and to 01DEMO_XYZ (sandbox)" in said
    assert "as demo.yaml says on line" in said


def test_a_new_institution_reports_only_until_somebody_decides(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new-institution", "--code", "XYZ"]) == 0
    path = config / "institutions" / "xyz.yaml"
    said = capsys.readouterr().out
    assert f"{path} is written" in said
    assert "alma_user_purge_xyz; it comes paused" in said
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert (content["code"], content["library_code"], content["mode"]) == ("xyz", "XYZ", "report_only")
    assert content["schedule"] == staggered_schedule("xyz")
    assert (content["alma_connection"], content["sftp_connection"]) == ("alma_xyz", "sftp_xyz")
    problems = {sentence for name, _, sentence in found() if name == "xyz.yaml"}
    to_fill_in = ("name", "institution_code", "environment", "timezone", "report.path")
    assert problems == {f"{name}: has no value yet" for name in to_fill_in}


def test_a_new_file_is_valid_once_it_is_filled_in(config: Path) -> None:
    main(["new-institution", "--code", "xyz"])
    path = config / "institutions" / "xyz.yaml"
    values = {
        "name": "X",
        "institution_code": "01X",
        "environment": "sandbox",
        "timezone": "UTC",
        "path": "/shared/X",
    }
    lines = [
        f"{line} {values[name]}" if (name := line.strip().removesuffix(":")) in values else line
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert load_institution(path).mode == "report_only"
    assert found() == []
    schema = yaml.safe_load((config / "institutions" / "schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)


def test_a_file_that_is_there_is_never_overwritten(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (config / "institutions" / "demo.yaml").read_bytes()
    assert main(["new-institution", "--code", "DEMO"]) == 2
    assert (config / "institutions" / "demo.yaml").read_bytes() == before
    assert "demo.yaml is there already" in capsys.readouterr().err


@pytest.mark.parametrize("code", ["", "../evil", "a b", "_x", "x" * 32, "é"])
def test_a_code_that_can_name_no_file_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    before = sorted(config.rglob("*"))
    assert main(["new-institution", "--code", code]) == 2
    assert "is no code" in capsys.readouterr().err
    assert sorted(config.rglob("*")) == before


def test_the_schema_is_put_beside_the_first_file(config: Path) -> None:
    (config / "institutions" / "schema.json").unlink()
    main(["new-institution", "--code", "xyz"])
    assert (config / "institutions" / "schema.json").read_text(encoding="utf-8").startswith("{")


def test_a_folder_that_can_not_be_written_is_named(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted((config / "institutions").iterdir()):
        path.unlink()
    (config / "institutions").rmdir()
    assert main(["new-institution", "--code", "xyz"]) == 2
    assert "can't be written" in capsys.readouterr().err


def test_the_example_makes_no_dag(config: Path) -> None:
    assert (config / "institutions" / "example.yaml.txt").stat().st_mode & stat.S_IRUSR
    assert [path.name for path in institution_files()] == ["demo.yaml"]
    assert [entry.code for entry in institution_entries()] == ["demo"]
