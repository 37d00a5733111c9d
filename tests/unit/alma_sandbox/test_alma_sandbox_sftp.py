from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paramiko
import pytest
from python_calamine import CalamineError, CalamineWorkbook

MORNING = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
PIDS = "PIDs for users with loans or fines at other i-share libraries XYZ.xlsx"
LOANS = "User loan counts at other i-share libraries XYZ.xlsx"
FINES = "Users with fines at other i-share libraries XYZ.xlsx"


@pytest.fixture
def alma(make_alma: Callable[..., Any]) -> Any:
    return make_alma(users=600, start_at=MORNING, frozen=True)


@contextmanager
def _login(alma: Any, password: str = "", user: str = "") -> Iterator[paramiko.SFTPClient]:
    sandbox = alma.sandbox
    transport = paramiko.Transport((sandbox.sftp_host, sandbox.sftp_port))
    try:
        kind, text = sandbox.sftp_host_key.split()
        assert kind == "ssh-ed25519"
        pinned = paramiko.Ed25519Key(data=base64.b64decode(text))
        transport.connect(pinned, user or sandbox.sftp_user, password or sandbox.sftp_password)
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        yield client
    finally:
        transport.close()


def _rows(alma: Any, name: str) -> list[list[Any]]:
    with _login(alma) as client, client.open(name) as handle:
        content = handle.read()
    path = alma.sandbox.sftp_folder.parent / "read.xlsx"
    path.write_bytes(content)
    rows: list[list[Any]] = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    return rows


def test_folder_holds_the_three_workbooks(alma: Any) -> None:
    with _login(alma) as client:
        assert sorted(client.listdir("/")) == [PIDS, LOANS, FINES]


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"user": "abcftp"}])
def test_wrong_login_is_refused(alma: Any, wrong: dict[str, str]) -> None:
    with pytest.raises(paramiko.AuthenticationException), _login(alma, **wrong):
        pass


def test_login_sees_nothing_above_its_folder(alma: Any) -> None:
    with _login(alma) as client:
        assert sorted(client.listdir("/..")) == [PIDS, LOANS, FINES]
        with pytest.raises(OSError, match="No such file"):
            client.stat("/etc/passwd")


def test_first_line_is_the_date_then_headings(alma: Any) -> None:
    rows = _rows(alma, PIDS)
    assert (
        rows[0][0] == "PIDs for XYZ users with loans or fines at other I-Share libraries as of 11/22/26 6pm"
    )
    assert rows[1][0] == "Primary ID"
    loans = _rows(alma, LOANS)
    assert loans[1][:5] == ["Last Name", "First Name", "Primary ID", "Institution", "Number of Loans"]
    assert "Institution Code" in _rows(alma, FINES)[1]


def test_files_are_dated_seven_in_the_morning(alma: Any) -> None:
    with _login(alma) as client:
        times = {attributes.st_mtime for attributes in client.listdir_attr("/")}
    assert times == {int(datetime(2026, 11, 23, 7, tzinfo=UTC).timestamp())}


def test_before_seven_the_files_are_not_from_the_future(make_alma: Callable[..., Any]) -> None:
    early = make_alma(start_at=datetime(2026, 11, 23, 3, tzinfo=UTC), frozen=True)
    with _login(early) as client:
        assert {a.st_mtime for a in client.listdir_attr("/")} == {
            int(datetime(2026, 11, 23, 3, tzinfo=UTC).timestamp())
        }


def test_excluded_people_are_listed_as_written(alma: Any) -> None:
    cells = [row[0] for row in _rows(alma, PIDS)[2:]]
    people = list(alma.sandbox.tenant.users)
    assert all(p.primary_id in cells for p in people if p.scenario == "excluded_by_file")
    numbers = [p for p in people if p.scenario == "excluded_without_zeros"]
    assert all(float(p.primary_id) in cells and p.primary_id not in cells for p in numbers)
    spaced = [p for p in people if p.scenario == "excluded_trailing_space"]
    assert all(f"{p.primary_id} " in cells for p in spaced)
    swapped = [p for p in people if p.scenario == "excluded_other_case"]
    assert all(p.primary_id.swapcase() in cells for p in swapped)
    written = [p for p in people if p.scenario == "excluded_as_number"]
    assert all(float(p.primary_id) in cells or f"{p.primary_id}.0" in cells for p in written)


def test_rows_without_an_id_say_so(alma: Any) -> None:
    rows = _rows(alma, LOANS)[2:] + _rows(alma, FINES)[2:]
    nameless = [row for row in rows if not row[2]]
    assert nameless
    assert {row[-1] for row in nameless} == {"Could not find user's home record"}
    assert not [row for row in _rows(alma, PIDS)[2:] if not row[0]]


def test_next_day_brings_new_files(alma: Any) -> None:
    alma.control("/clock", {"advance_days": 1})
    assert _rows(alma, LOANS)[0][0].endswith("as of 11/23/26 6pm")


def test_empty_file_holds_the_sentence_only(alma: Any) -> None:
    alma.control("/sftp", {"action": "empty"})
    assert _rows(alma, LOANS) == [["No user loan counts at other I-Share libraries as of 11/22/26 6pm"]]
    assert _rows(alma, FINES) == [["No XYZ users with fines at other I-Share libraries as of 11/22/26 6pm"]]


def test_files_can_be_dropped_and_rewritten(alma: Any) -> None:
    assert len(alma.control("/sftp", {"action": "drop", "book": "loans"})["files"]) == 2
    assert len(alma.control("/sftp", {"action": "rewrite"})["files"]) == 3


def test_stale_file_is_old_inside_and_outside(alma: Any) -> None:
    alma.control("/sftp", {"action": "stale", "book": "pids", "days": 4})
    assert _rows(alma, PIDS)[0][0].endswith("as of 11/18/26 6pm")
    with _login(alma) as client:
        assert client.stat(PIDS).st_mtime == int(MORNING.timestamp()) - 4 * 86_400


def test_shrunken_headless_and_truncated_files(alma: Any) -> None:
    full = len(_rows(alma, LOANS))
    alma.control("/sftp", {"action": "shrink", "book": "loans", "keep": 4})
    assert len(_rows(alma, LOANS)) < full / 2
    alma.control("/sftp", {"action": "headless", "book": "loans"})
    assert "Primary ID" not in str(_rows(alma, LOANS))
    alma.control("/sftp", {"action": "truncate", "book": "loans"})
    with pytest.raises(CalamineError):
        _rows(alma, LOANS)


def test_ids_can_be_added(alma: Any) -> None:
    person = alma.person("clean")
    alma.control("/sftp", {"action": "add", "ids": [person.primary_id]})
    assert person.primary_id in [row[0] for row in _rows(alma, PIDS)]


def test_host_key_and_password_survive_a_restart(make_alma: Callable[..., Any], tmp_path: Path) -> None:
    first = make_alma(folder=tmp_path).sandbox
    second = make_alma(folder=tmp_path).sandbox
    assert (first.sftp_host_key, first.sftp_password) == (second.sftp_host_key, second.sftp_password)
    assert make_alma().sandbox.sftp_host_key != first.sftp_host_key
    assert (tmp_path / "sftp_host_key").stat().st_mode & 0o077 == 0
