import json
import os
from pathlib import Path
from typing import Any

import pytest
from paramiko import SFTPClient
from tests.support.flow import connect
from tests.support.task_context import purge_run
from tests.support.tenant import people, workbooks

from alma_purge.steps import exclusions, sftp_folder
from alma_purge.steps.exclusions import fetch_lists
from alma_purge.steps.sftp_folder import ExclusionServerError, require_pinned_host_key
from alma_sandbox.server import RunningSandbox
from alma_sandbox.sftp import CLIENT_KEY_FILE, OneLoginServer, client_key, host_key, public_line
from patron_purge.errors import ConfigurationError, InputRefusedError, PurgeError
from patron_purge.institution import Institution

pytestmark = pytest.mark.usefixtures("airflow_database")

CONNECTION = "AIRFLOW_CONN_SFTP_DEMO"


@pytest.fixture
def institution(sandbox: RunningSandbox) -> Institution:
    return purge_run().institution


def fetch(institution: Institution) -> tuple[exclusions.Download, ...]:
    return fetch_lists(institution, purge_run().now).exclusions


def reconnect(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Change fields of the SFTP connection."""
    connect(monkeypatch, sandbox)
    connection = json.loads(os.environ[CONNECTION]) | fields
    monkeypatch.setenv(CONNECTION, json.dumps(connection))


def file_named(sandbox: RunningSandbox, start: str) -> Path:
    (found,) = sandbox.sftp_folder.glob(f"{start}*.xlsx")
    return found


def says_nothing_was_changed(error: PurgeError) -> bool:
    return "Nothing was changed" in str(error) or "nothing was changed" in str(error)


def test_the_newest_file_of_each_pattern_is_fetched_and_read(
    sandbox: RunningSandbox, institution: Institution
) -> None:
    fetched = fetch(institution)
    assert [one.pattern for one in fetched] == list(institution.exclusion_files)
    for one in fetched:
        on_server = sandbox.sftp_folder / one.file.file_name
        assert one.content == on_server.read_bytes()
        assert one.file.ids
    excluded = {person.primary_id for person in people(sandbox, "excluded_by_file")}
    assert excluded <= set(fetched[0].file.ids)


def test_an_older_file_of_the_same_pattern_is_left_alone(
    sandbox: RunningSandbox, institution: Institution, caplog: pytest.LogCaptureFixture
) -> None:
    newest = file_named(sandbox, "PIDs")
    old = newest.with_name("PIDs for users with loans or fines at other i-share libraries XYZ z.xlsx")
    old.write_bytes(b"the file of last month")
    os.utime(old, (1, 1))
    folder = newest.with_name("PIDs for users with loans or fines at other i-share libraries XYZ.d.xlsx")
    folder.mkdir()
    other = newest.with_name("PIDs for users with loans or fines at other i-share libraries ABC.xlsx")
    other.write_bytes(b"another library's file")
    with caplog.at_level("INFO", logger="alma_purge.steps.sftp_folder"):
        assert fetch(institution)[0].file.file_name == newest.name
    assert (
        f"2 files match {newest.name.replace('XYZ', 'XYZ*')}; the newest is used: {newest.name}"
        in caplog.text
    )
    os.utime(old, None)
    os.utime(newest, (1, 1))
    with pytest.raises(InputRefusedError, match=r"XYZ z.xlsx"):
        fetch(institution)


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({}, "host_key"),
        ({"host_key": ""}, "host_key"),
        ({"no_host_key_check": True}, "remove no_host_key_check"),
        ({"host_key": "the key", "no_host_key_check": "true"}, "remove no_host_key_check"),
        ({"host_key": "the key", "allow_host_key_change": "True"}, "remove allow_host_key_change"),
        ({"host_key": "the key", "ignore_hostkey_verification": True}, "remove ignore_hostkey_verification"),
        ("no json", "host_key"),
        ("[]", "host_key"),
    ],
)
def test_a_connection_that_would_trust_any_server_is_refused(
    sandbox: RunningSandbox,
    institution: Institution,
    monkeypatch: pytest.MonkeyPatch,
    *,
    extra: Any,
    named: str,
) -> None:
    reconnect(sandbox, monkeypatch, extra=extra)
    with pytest.raises(ConfigurationError, match="sftp_demo must pin the SFTP server's host key") as stopped:
        fetch(institution)
    assert named in str(stopped.value)
    assert says_nothing_was_changed(stopped.value)


def test_lax_fields_that_are_switched_off_do_no_harm(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"host_key": sandbox.sftp_host_key, "no_host_key_check": False, "allow_host_key_change": "false"}
    reconnect(sandbox, monkeypatch, extra=extra)
    require_pinned_host_key("sftp_demo")


def test_a_server_with_another_host_key_is_refused(
    sandbox: RunningSandbox, institution: Institution, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    another = public_line(host_key(tmp_path))
    reconnect(sandbox, monkeypatch, extra={"host_key": another})
    with pytest.raises(
        InputRefusedError, match=r"another host key than the pinned one.*Ask the server's owner"
    ):
        fetch(institution)


def test_only_the_pinned_key_counts_whatever_the_worker_has_met_before(
    sandbox: RunningSandbox, institution: Institution, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = tmp_path / "home" / ".ssh" / "known_hosts"
    known.parent.mkdir(parents=True)
    known.write_text(f"[{sandbox.sftp_host}]:{sandbox.sftp_port} {sandbox.sftp_host_key}\n", encoding="ascii")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    reconnect(sandbox, monkeypatch, extra={"host_key": public_line(host_key(tmp_path))})
    with pytest.raises(InputRefusedError, match="another host key than the pinned one"):
        fetch(institution)


@pytest.mark.parametrize(
    "fields",
    [
        {"extra": {"host_key": "ssh-ed25519 !!!"}},
        {"extra": {"host_key": "ssh-ed25519"}},
        {"extra": {"host_key": "ssh-dss AAAA"}},
        {"extra": {"host_key": "ssh-ed25519 AAAA"}},
        {"host": ""},
    ],
)
def test_a_connection_that_can_not_be_used_is_named(
    sandbox: RunningSandbox,
    institution: Institution,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
) -> None:
    extra = {"host_key": sandbox.sftp_host_key}
    reconnect(sandbox, monkeypatch, **{"extra": extra, **fields})
    with pytest.raises(ConfigurationError, match="connection sftp_demo can't be used") as stopped:
        fetch(institution)
    assert says_nothing_was_changed(stopped.value)


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"login": "stranger"}])
def test_a_refused_login_says_which_connection_and_knocks_once(
    sandbox: RunningSandbox,
    institution: Institution,
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, str],
) -> None:
    reconnect(sandbox, monkeypatch, **wrong)
    knocks: list[str] = []
    monkeypatch.setattr(OneLoginServer, "validate_password", lambda _self, user, _word: knocks.append(user))
    with pytest.raises(InputRefusedError, match=r"refuses the login of the connection sftp_demo.*password"):
        fetch(institution)
    assert len(knocks) == 1


def test_a_missing_connection_says_where_to_make_it(
    institution: Institution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CONNECTION)
    with pytest.raises(
        ConfigurationError, match=r"sftp_demo is missing. Create it under Admin > Connections"
    ):
        fetch(institution)


def test_a_server_that_is_down_may_come_back(sandbox: RunningSandbox, institution: Institution) -> None:
    sandbox.stop()
    with pytest.raises(ExclusionServerError, match="can't be fetched by SFTP right now"):
        fetch(institution)


def test_a_missing_folder_is_a_setting_to_correct(institution: Institution) -> None:
    elsewhere = institution.model_copy(update={"sftp_folder": "elsewhere"})
    with pytest.raises(ConfigurationError, match=r"no folder elsewhere .*Correct sftp_folder in demo.yaml"):
        fetch(elsewhere)


def test_a_missing_required_file_stops_and_an_optional_one_does_not(
    sandbox: RunningSandbox, institution: Institution
) -> None:
    workbooks(sandbox, "drop", book="fines")
    with pytest.raises(
        InputRefusedError, match=r'"Users with fines at other i-share libraries XYZ\*.xlsx"'
    ) as stop:
        fetch(institution)
    assert "Ask the producer for the file" in str(stop.value)
    assert says_nothing_was_changed(stop.value)
    optional = tuple(
        one.model_copy(update={"required": "fines" not in one.pattern})
        if "Users with" in one.pattern
        else one
        for one in institution.exclusion_files
    )
    fetched = fetch(institution.model_copy(update={"exclusion_files": optional}))
    assert len(fetched) == 2


def test_the_sentence_of_an_empty_file_is_accepted(sandbox: RunningSandbox, institution: Institution) -> None:
    workbooks(sandbox, "empty")
    assert [one.file.row_count for one in fetch(institution)] == [0, 0, 0]


@pytest.mark.parametrize("action", ["truncate", "headless", "stale"])
def test_a_file_that_can_not_be_trusted_is_named(
    sandbox: RunningSandbox, institution: Institution, action: str
) -> None:
    workbooks(sandbox, action, book="loans")
    with pytest.raises(
        InputRefusedError, match=r"User loan counts at other i-share libraries XYZ.xlsx"
    ) as stop:
        fetch(institution)
    assert "nothing was changed" in str(stop.value)


@pytest.mark.parametrize("happens", ["grows", "is_replaced", "vanishes"])
def test_a_file_that_changes_during_the_fetch_is_fetched_again_later(
    sandbox: RunningSandbox, institution: Institution, monkeypatch: pytest.MonkeyPatch, happens: str
) -> None:
    book = file_named(sandbox, "User loan counts")
    reading = SFTPClient.getfo

    def read_then_change(self: SFTPClient, path: str, *rest: Any, **more: Any) -> Any:
        result = reading(self, path, *rest, **more)
        if book.name in path:
            if happens == "vanishes":
                book.unlink()
            else:
                content = book.read_bytes()
                book.write_bytes(content + b"more" if happens == "grows" else content)
                os.utime(book, (2_000_000_000, 2_000_000_000))
        return result

    monkeypatch.setattr(SFTPClient, "getfo", read_then_change)
    with pytest.raises(ExclusionServerError, match=r"[Nn]othing was changed"):
        fetch(institution)


def test_a_file_of_absurd_size_is_not_even_read(
    institution: Institution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp_folder, "MAX_FILE_BYTES", 100)
    with pytest.raises(InputRefusedError, match=r"PIDs for users.*larger than 100 bytes"):
        fetch(institution)


PROTECT = "kind,value,owner,reason,end_date\nid,p-1,Olga,visiting scholar,\nid,p-2,Olga,gone,2001-01-01\n"


def put(sandbox: RunningSandbox, name: str, content: str = PROTECT) -> Path:
    path = sandbox.sftp_folder / name
    path.write_text(content, encoding="utf-8")
    return path


@pytest.fixture
def protecting(institution: Institution) -> Institution:
    return institution.model_copy(update={"protect_list_sftp": "Protected at XXX*.csv"})


def test_the_newest_protect_list_is_fetched_with_the_exclusion_files(
    sandbox: RunningSandbox, protecting: Institution
) -> None:
    old = put(sandbox, "Protected at XYZ old.csv", "no list")
    os.utime(old, (1, 1))
    put(sandbox, "Protected at ABC.csv", "another library's list")
    newest = put(sandbox, "Protected at XYZ.csv")
    lists = fetch_lists(protecting, purge_run().now)
    assert len(lists.exclusions) == 3
    assert lists.protect_list is not None
    assert (lists.protect_list.file_name, lists.protect_list.content) == (newest.name, newest.read_bytes())
    assert [one.value for one in lists.protect_list.entries.entries] == ["p-1"]


def test_without_the_setting_a_list_on_the_server_is_left_alone(
    sandbox: RunningSandbox, institution: Institution
) -> None:
    put(sandbox, "Protected at XYZ.csv", "no list")
    assert fetch_lists(institution, purge_run().now).protect_list is None


def test_a_missing_protect_list_stops(protecting: Institution) -> None:
    with pytest.raises(
        InputRefusedError, match=r'"Protected at XYZ\*.csv".*protect_list_sftp in demo.yaml'
    ) as stop:
        fetch(protecting)
    assert says_nothing_was_changed(stop.value)


@pytest.mark.parametrize("content", ["", "no list", "kind,value,owner,reason\nplanet,Mars,Olga,far away\n"])
def test_an_unreadable_protect_list_stops(
    sandbox: RunningSandbox, protecting: Institution, content: str
) -> None:
    put(sandbox, "Protected at XYZ.csv", content)
    with pytest.raises(InputRefusedError, match=r"The protect list Protected at XYZ.csv") as stop:
        fetch(protecting)
    assert says_nothing_was_changed(stop.value)


def by_key(sandbox: RunningSandbox, key: str, **extra: Any) -> dict[str, Any]:
    return {"password": "", "extra": {"host_key": sandbox.sftp_host_key, "private_key": key} | extra}


def test_a_private_key_instead_of_a_password_is_enough(
    sandbox: RunningSandbox, institution: Institution, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = sandbox.sftp_client_key.read_text(encoding="ascii")
    reconnect(sandbox, monkeypatch, **by_key(sandbox, key))
    assert len(fetch(institution)) == 3
    in_a_file = {"key_file": str(sandbox.sftp_client_key), "host_key": sandbox.sftp_host_key}
    reconnect(sandbox, monkeypatch, password="", extra=in_a_file)
    assert len(fetch(institution)) == 3


def test_with_a_private_key_too_only_the_pinned_server_is_trusted(
    sandbox: RunningSandbox, institution: Institution, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = sandbox.sftp_client_key.read_text(encoding="ascii")
    reconnect(sandbox, monkeypatch, **by_key(sandbox, key, host_key=public_line(host_key(tmp_path))))
    with pytest.raises(InputRefusedError, match="another host key than the pinned one") as stopped:
        fetch(institution)
    assert says_nothing_was_changed(stopped.value)
    reconnect(sandbox, monkeypatch, **by_key(sandbox, key, host_key=""))
    with pytest.raises(ConfigurationError, match="must pin the SFTP server's host key"):
        fetch(institution)


@pytest.mark.parametrize("kind", ["another key", "no key"])
def test_a_wrong_private_key_is_refused_without_being_quoted(
    sandbox: RunningSandbox,
    institution: Institution,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str,
) -> None:
    client_key(tmp_path)
    key = (tmp_path / CLIENT_KEY_FILE).read_text(encoding="ascii") if kind == "another key" else "not a key"
    reconnect(sandbox, monkeypatch, **by_key(sandbox, key))
    with pytest.raises((InputRefusedError, ConfigurationError), match="connection sftp_demo") as stopped:
        fetch(institution)
    assert says_nothing_was_changed(stopped.value)
    assert not any(line in str(stopped.value) for line in key.splitlines())
