"""`verify`, after a whole run with people whom Alma has kept."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.chain import Chain
from tests.support.config import own_config
from tests.support.flow import connect

from alma_api.rate_limit import RateLimit
from alma_purge import files
from alma_purge.__main__ import main
from alma_purge.housekeeping_file import FILES_DELETED, PEOPLE_RESTORED, logged
from alma_purge.run_folder import RunFolder, sha256_of
from alma_purge.steps.verification import read_certificate, verify
from alma_purge.steps.verified_files import Verdict, recorded_elsewhere
from alma_sandbox.testing import running_sandbox

GUARDS = {"max_percent_of_report": 100, "max_count_without_history": 500}
KINDS = {"raw_input": 2, "ledger": 5, "workbook": 1, "snapshot": 2}
LISTS_OF_PEOPLE = (
    files.REPORT,
    files.LEDGER_SELECTED,
    files.LEDGER_CHECKED,
    files.LEDGER_REVIEWED,
    files.LEDGER,
    files.LEDGER_RESTORED,
    files.SNAPSHOT,
    files.WORKBOOK,
    files.RESTORE_LOG,
    "exclusions-1.xlsx",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, airflow_database: None) -> Iterator[Chain]:
    """A run that has purged most people; Alma has kept some. It is made once and copied for each test."""
    del airflow_database
    place = tmp_path_factory.mktemp("verify")
    with pytest.MonkeyPatch.context() as patch, running_sandbox(users=200) as sandbox:
        patch.setattr(RateLimit, "wait", lambda _self: None)
        patch.setenv("ALMA_PURGE_STORE", f"file://{place / 'original'}")
        connect(patch, sandbox)
        own_config(patch, place / "config", guards=GUARDS, poll_seconds=0.05)
        chain = Chain()
        chain.to_review()
        chain.approve()
        chain.purged()
        chain.account()
        yield chain


@pytest.fixture
def folder(finished: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """The run folder, to be changed by a test."""
    del finished
    original = next(iter(tmp_path.parent.glob("verify*/original")))
    shutil.copytree(original, tmp_path / "copy")
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{tmp_path / 'copy'}")
    return RunFolder.of_run("demo", "manual__test")


def edit(folder: RunFolder, name: str, change: Callable[[str], str]) -> None:
    before = folder.read(name).decode()
    after = change(before)
    assert after != before
    folder.write(name, after.encode())


def differences(folder: RunFolder) -> list[str]:
    return [one.text for one in verify(folder, read_certificate(folder)) if one.verdict is Verdict.DIFFERS]


def test_an_untouched_run_is_confirmed(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    certificate = read_certificate(folder)
    assert certificate.outcome == "partly"
    assert certificate.kept_by_alma
    assert differences(folder) == []
    assert main(["verify", "manual__test"]) == 0
    said = capsys.readouterr().out
    assert "\nCONFIRMED.\n" in said
    assert "DIFFERS" not in said
    assert "the equation among them" in said
    assert "computed again from list, payloads, settings and inputs, is the one" in said
    assert "whoever can write to the store can change both" in said
    assert main(["verify", str(Path(folder.path.path))]) == 0
    assert main(["verify", str(folder.path), "--institution", "demo"]) == 0


@pytest.mark.parametrize(
    "name",
    [
        files.PREFLIGHT,
        files.EXCLUSIONS,
        "exclusions-1.xlsx",
        files.REPORT,
        files.REPORT_FACTS,
        files.LEDGER_SELECTED,
        files.LEDGER_CHECKED,
        files.LEDGER_REVIEWED,
        files.LEDGER,
        files.LEDGER_RESTORED,
        files.SNAPSHOT,
        files.BASIS,
        files.REVIEW,
        files.WORKBOOK,
        files.REGROUP_PAYLOAD,
        files.PURGE_PAYLOAD,
        files.DECISION,
        files.REGROUP_RECORD,
        files.PURGE_RECORD,
        files.REGROUP,
        files.PURGE,
        files.RESTORE,
        files.RESTORE_LOG,
        files.CERTIFICATE_PAGE,
    ],
)
def test_any_changed_file_is_named(folder: RunFolder, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write(name, folder.read(name) + b" ")
    assert main(["verify", "manual__test"]) == 1
    said = capsys.readouterr().out
    assert any(line.startswith("DIFFERS") and name in line for line in said.splitlines())
    assert "NOT CONFIRMED" in said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("purged", 1),
        ("sent", 999),
        ("approved", 999),
        ("digest", "0" * 64),
        ("equation", None),
        ("by_reason", []),
        ("kept_by_alma", []),
        ("restored", []),
        ("money_waived", "17.00"),
        ("guards", []),
        ("inputs", []),
        ("criteria", []),
        ("instances", []),
        ("mode", "pilot"),
        ("decision", None),
        ("environment", "production"),
        ("page_sha256", "0" * 64),
        ("outcome", "purged"),
    ],
)
def test_a_changed_certificate_is_named(folder: RunFolder, field: str, value: object) -> None:
    def change(text: str) -> str:
        return json.dumps(json.loads(text) | {field: value})

    edit(folder, files.CERTIFICATE, change)
    assert differences(folder)


def test_somebody_who_is_slipped_into_list_and_certificate_changes_the_digest(folder: RunFolder) -> None:
    edit(folder, files.LEDGER_REVIEWED, lambda text: text.replace('"held_back"', '"to_purge"', 1))
    new = sha256_of(folder.read(files.LEDGER_REVIEWED))

    def with_new_checksum(text: str) -> str:
        certificate = json.loads(text)
        for one in certificate["files"]:
            one["sha256"] = new if one["name"] == files.LEDGER_REVIEWED else one["sha256"]
        return json.dumps(certificate)

    edit(folder, files.CERTIFICATE, with_new_checksum)
    found = " ".join(differences(folder))
    assert "was changed after" not in found
    assert "computed again from list, payloads, settings and inputs, is another one" in found


def test_lists_that_the_housekeeping_has_deleted_are_no_difference(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with logged("demo", "manual__test", FILES_DELETED, KINDS):
        for name in LISTS_OF_PEOPLE:
            folder.remove(name)
    assert main(["verify", "manual__test"]) == 0
    said = capsys.readouterr().out
    assert "CONFIRMED, as far as the run folder still holds" in said
    assert "ledger.csv" in said
    assert "These statements rest on lists that are deleted: by reason, equation" in said


@pytest.mark.parametrize("run_id", ["manual__test", "another"])
def test_a_list_that_is_missing_without_a_word_in_the_housekeeping_log_is_a_difference(
    folder: RunFolder, run_id: str
) -> None:
    with logged("demo", run_id, PEOPLE_RESTORED if run_id == "manual__test" else FILES_DELETED, {}):
        folder.remove(files.LEDGER)
    assert any(
        text.startswith("ledger-reconciled.csv is missing, and the housekeeping")
        for text in differences(folder)
    )


def forge_after_losing_the_ledgers(folder: RunFolder) -> None:
    """Delete every ledger, and write that more people were purged."""
    for name in (files.LEDGER_REVIEWED, files.LEDGER, files.LEDGER_RESTORED):
        folder.remove(name)
    edit(folder, files.CERTIFICATE, more_purged)


def more_purged(text: str) -> str:
    content = json.loads(text)
    return json.dumps(content | {"purged": content["purged"] + 7})


def test_only_files_of_the_kind_that_the_housekeeping_has_deleted_may_be_gone(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with logged("demo", "manual__test", FILES_DELETED, {"raw_input": 4, "ledger": 0}):
        folder.remove(files.REPORT)
    assert differences(folder) == []
    forge_after_losing_the_ledgers(folder)
    assert main(["verify", "manual__test"]) == 1
    said = capsys.readouterr().out
    assert "NOT CONFIRMED" in said
    assert (
        f"{files.LEDGER} is missing, and the housekeeping log does not say that such files of this run"
        in said
    )
    assert "report.csv: deleted after their retention" in said


def test_a_deletion_that_was_not_finished_proves_nothing(folder: RunFolder) -> None:
    with (
        pytest.raises(OSError, match="broken off"),
        logged("demo", "manual__test", FILES_DELETED, {"ledger": 3}),
    ):
        raise OSError("broken off")
    forge_after_losing_the_ledgers(folder)
    found = differences(folder)
    assert [
        text for text in found if text.startswith(f"{files.LEDGER} is missing. The housekeeping log says")
    ]
    with logged("demo", "manual__test", FILES_DELETED, {"ledger": 3}):
        pass
    assert not [text for text in differences(folder) if "is missing" in text]


def test_a_certificate_that_contradicts_itself_is_named_without_any_list(folder: RunFolder) -> None:
    with logged("demo", "manual__test", FILES_DELETED, KINDS):
        for name in LISTS_OF_PEOPLE:
            folder.remove(name)
    assert differences(folder) == []
    edit(folder, files.CERTIFICATE, more_purged)
    (found,) = differences(folder)
    assert found.startswith("The certificate contradicts itself")


def test_what_the_housekeeping_has_written_about_people_it_put_back_is_no_difference(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.write(files.RESTORE_LOG, b"{}")
    assert any(text.startswith("restore-log.json was changed") for text in differences(folder))
    with logged("demo", "manual__test", PEOPLE_RESTORED, {"asked": 1}):
        pass
    assert main(["verify", "manual__test"]) == 0
    assert "later    restore-log.json has changed since: the housekeeping" in capsys.readouterr().out
    folder.write(files.SNAPSHOT, folder.read(files.SNAPSHOT) + b" ")
    assert differences(folder) == ["snapshot.csv was changed after the certificate was written."]


def test_a_missing_paper_that_names_nobody_is_a_difference(folder: RunFolder) -> None:
    folder.remove(files.DECISION)
    assert any("decision.json is missing" in text for text in differences(folder))


def test_airflows_own_checksums_are_compared_too(folder: RunFolder, finished: Chain) -> None:
    certificate = read_certificate(folder)
    on_record = {
        key.removeprefix("file:"): str(value)
        for (_, key), value in finished.xcoms.items()
        if key.startswith("file:")
    }
    agreed = list(recorded_elsewhere(folder, certificate, on_record))
    assert [one.verdict for one in agreed] == [Verdict.FINE]
    assert len(on_record) >= 20
    assert f"for {len(on_record):,} files" in agreed[0].text
    edit(folder, files.CERTIFICATE, lambda text: text + " ")
    forged = recorded_elsewhere(folder, certificate, on_record | {files.REPORT: "0" * 64})
    assert [one.text.split()[0] for one in forged if one.verdict is Verdict.DIFFERS] == [
        files.CERTIFICATE,
        files.REPORT,
    ]


@pytest.mark.usefixtures("folder")
def test_what_cant_be_verified_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "another"]) == 2
    assert "No institution has a folder of the run another" in capsys.readouterr().err
    folder = RunFolder.of_run("demo", "manual__test")
    folder.remove(files.CERTIFICATE)
    assert main(["verify", "manual__test"]) == 2
    assert "There is no certificate.json" in capsys.readouterr().err
    folder.write(files.CERTIFICATE, b"{}")
    assert main(["verify", "manual__test"]) == 2
    assert "no certificate that this version" in capsys.readouterr().err


def test_what_is_said_names_nobody(
    folder: RunFolder, finished: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in LISTS_OF_PEOPLE[:6]:
        folder.write(name, folder.read(name) + b" ")
    main(["verify", "manual__test"])
    said = capsys.readouterr()
    approved = finished.approved()
    assert approved
    assert not [one for one in approved if one in said.out + said.err]
