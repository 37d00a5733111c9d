"""The search for secrets and people finds what is hidden from it."""

import base64
import json
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from tests.support import leaks

SECRET = "l7xx/secret+key=="


@pytest.mark.parametrize(
    "hidden",
    [
        f"Authorization: apikey {SECRET}",
        f"https://alma/users?apikey={quote_plus(SECRET)}&q=1",
        json.dumps({"password": f"{SECRET}"}),
        f"Basic {base64.b64encode(SECRET.encode()).decode()}",
        SECRET.encode().hex(),
        SECRET.encode(),
    ],
)
def test_a_secret_is_found_however_it_is_written(hidden: str | bytes) -> None:
    places = {"clean": "nothing", "log": hidden}
    with pytest.raises(AssertionError, match="key in log"):
        leaks.assert_no_secret(places, {"key": SECRET})
    leaks.assert_no_secret({"clean": "nothing"}, {"key": SECRET})


@pytest.mark.parametrize(
    "text",
    ["read Zoë Sørensen", json.dumps({"name": "Zoë Sørensen"}), "x=99000012;y", "user7@example.edu, gone"],
)
def test_a_person_is_found_also_in_escaped_text(text: str) -> None:
    words = {"Zoë Sørensen", "99000012", "user7@example.edu"}
    with pytest.raises(AssertionError, match="in XCom"):
        leaks.assert_nobody({"XCom": text}, words)
    leaks.assert_nobody({"XCom": "5 people; sha 4299000012ab"}, words)


def test_only_the_files_that_are_there_to_hold_people_are_left_out(tmp_path: Path) -> None:
    run = tmp_path / "north" / "run"
    run.mkdir(parents=True)
    for name in ("ledger.csv", "review.json", "unheard-of.txt"):
        (run / name).write_text(name)
    (tmp_path / "north" / "history.jsonl").write_text("history")
    kept = leaks.without_personal_files(leaks.stored_files(tmp_path))
    assert {Path(name).name for name in kept} == {"review.json", "history.jsonl", "unheard-of.txt"}


def test_a_file_or_folder_that_others_can_read_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    file = folder / "ledger.csv"
    file.touch(mode=0o600)
    leaks.assert_for_the_owner_alone(folder)
    for path, mode in ((file, 0o640), (folder, 0o750)):
        before = path.stat().st_mode
        path.chmod(mode)
        with pytest.raises(AssertionError, match=path.name):
            leaks.assert_for_the_owner_alone(folder)
        path.chmod(before)
