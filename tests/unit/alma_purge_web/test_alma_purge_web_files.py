import html
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.unit.alma_purge_web.web_samples import (
    DAG_ID,
    EVIL,
    PEOPLE,
    RUN_ID,
    WHERE,
    SampleRun,
    asked,
    certificate_of,
    table,
)

from alma_purge import files
from alma_purge.housekeeping_file import FILES_DELETED, HOUSEKEEPING
from alma_purge.run_folder import RunFolder
from alma_purge.web.opened_run import opened_run
from patron_purge.errors import AccountingError
from patron_purge.ledger import ledger_csv
from patron_purge.retention import HousekeepingEntry, entry_lines
from patron_purge.run_outcome import Outcome

PATHS = ["/review", "/api/review", "/workbook", "/certificate"]


def complete(run: SampleRun) -> SampleRun:
    run.reviewed().decided(asked(), "awaiting_input")
    run.write("prepare_review", files.WORKBOOK, b"PK workbook")
    run.write("certify", files.CERTIFICATE, certificate_of(Outcome.PURGED).model_dump_json().encode())
    run.write("certify", files.CERTIFICATE_PAGE, b"<!DOCTYPE html><style>p{}</style><p>Certificate")
    return run


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (files.REVIEW, "/review"),
        (files.REVIEW, "/api/review"),
        (files.LEDGER_REVIEWED, "/review"),
        (files.DECISION, "/review"),
        (files.DECISION, "/api/review"),
        (files.CERTIFICATE, "/review"),
        (files.CERTIFICATE_PAGE, "/certificate"),
        (files.WORKBOOK, "/workbook"),
    ],
)
@pytest.mark.parametrize("how", ["edited", "deleted"])
def test_file_that_its_task_did_not_write_is_not_shown(
    run: SampleRun, name: str, path: str, how: str
) -> None:
    complete(run)
    assert run.client().get(path, params=WHERE).status_code == 200
    if how == "edited":
        run.folder.write(name, run.folder.read(name) + b" ")
    else:
        (run.folder.path / name).unlink()
    response = run.client().get(path, params=WHERE)
    assert response.status_code == 409
    assert f"{name} is not shown" in response.text
    assert "id000003" not in response.text


def log_deletion(kind: str, run_id: str = RUN_ID, *, done: bool = True) -> None:
    """Write into the housekeeping's log that files were deleted on the evening of 1 October in Chicago."""
    entry = HousekeepingEntry(
        at=datetime(2026, 10, 2, 3, tzinfo=UTC), run_id=run_id, did=FILES_DELETED, counts={kind: 3}, done=done
    )
    root = RunFolder.of_run("north", RUN_ID).path.parent
    RunFolder(root).write(HOUSEKEEPING, entry_lines([entry]).encode())


@pytest.mark.parametrize(
    ("name", "path", "kind", "what"),
    [
        (files.LEDGER_REVIEWED, "/review", "ledger", "The list of people"),
        (files.WORKBOOK, "/workbook", "workbook", "The workbook"),
    ],
)
def test_a_file_that_was_deleted_after_its_time_is_said_to_be(
    run: SampleRun, name: str, path: str, kind: str, what: str
) -> None:
    complete(run)
    log_deletion(kind)
    assert run.client().get(path, params=WHERE).status_code == 200
    run.folder.remove(name)
    response = run.client().get(path, params=WHERE)
    assert response.status_code == 410
    assert f"{what} of this run was deleted on 1 Oct 2026" in response.text
    assert "north.yaml says that such files are kept for 45 days" in response.text
    assert "not shown" not in response.text
    (link,) = re.findall(r'href="(certificate[^"]+)"', response.text)
    assert run.client().get(f"/{html.unescape(link)}").status_code == 200


@pytest.mark.parametrize(
    "logged",
    [
        {"kind": "workbook"},
        {"kind": "ledger", "run_id": "manual__other"},
        {"kind": "ledger", "done": False},
    ],
    ids=["another kind", "another run", "broken off"],
)
def test_a_file_of_which_no_deletion_is_on_record_is_missing(run: SampleRun, logged: dict[str, Any]) -> None:
    complete(run)
    log_deletion(**logged)
    run.folder.remove(files.LEDGER_REVIEWED)
    response = run.client().get("/review", params=WHERE)
    assert response.status_code == 409
    assert f"{files.LEDGER_REVIEWED} is not shown: it is missing" in response.text


def test_a_list_that_was_changed_is_not_said_to_be_deleted(run: SampleRun) -> None:
    complete(run)
    log_deletion("ledger")
    run.folder.write(files.LEDGER_REVIEWED, b"forged")
    assert run.client().get("/review", params=WHERE).status_code == 409


def test_a_log_that_can_not_be_read_hides_no_missing_file(run: SampleRun) -> None:
    complete(run)
    RunFolder(run.folder.path.parent).write(HOUSEKEEPING, b"no entry")
    run.folder.remove(files.LEDGER_REVIEWED)
    assert run.client().get("/review", params=WHERE).status_code == 409


def test_file_without_a_record_is_not_shown(run: SampleRun) -> None:
    run.folder.write(files.CERTIFICATE_PAGE, b"forged")
    run.folder.write(files.WORKBOOK, b"forged")
    for path in ("/certificate", "/workbook"):
        response = run.client().get(path, params=WHERE)
        assert response.status_code == 404
        assert "forged" not in response.text


def test_file_recorded_by_another_task_is_not_shown(run: SampleRun) -> None:
    run.write("preflight", files.WORKBOOK, b"PK other")
    assert run.client().get("/workbook", params=WHERE).status_code == 404


def test_review_of_another_run_is_not_shown(run: SampleRun) -> None:
    run.reviewed()
    changed = json.loads(run.folder.read(files.REVIEW)) | {"run_id": "manual__other"}
    run.write("prepare_review", files.REVIEW, json.dumps(changed).encode())
    assert run.client().get("/review", params=WHERE).status_code == 409
    assert run.client().get("/api/review", params=WHERE).status_code == 409


def test_list_that_does_not_fit_its_review_is_not_shown(run: SampleRun) -> None:
    run.reviewed()
    run.write("prepare_review", files.LEDGER_REVIEWED, ledger_csv(table(PEOPLE[1:])))
    response = run.client().get("/review", params=WHERE)
    assert response.status_code == 409
    assert "differ" in response.text


def test_review_without_its_list_is_not_shown(run: SampleRun) -> None:
    run.reviewed()
    del run.xcoms["prepare_review", f"file:{files.LEDGER_REVIEWED}"]
    assert run.client().get("/review", params=WHERE).status_code == 409


def test_file_of_another_version_is_not_shown(run: SampleRun) -> None:
    run.reviewed().write("prepare_review", files.REVIEW, b'{"count": 3}')
    response = run.client().get("/review", params=WHERE)
    assert response.status_code == 409
    assert "another form" in response.text


def test_workbook_is_a_download(run: SampleRun) -> None:
    response = complete(run).client().get("/workbook", params=WHERE)
    assert response.content == b"PK workbook"
    assert response.headers["content-disposition"].startswith(
        'attachment; filename="purge-review-north-scheduled__'
    )
    assert response.headers["content-type"].endswith("spreadsheetml.sheet")


def test_certificate_is_shown_as_it_was_written(run: SampleRun) -> None:
    response = complete(run).client().get("/certificate", params=WHERE)
    assert response.content == b"<!DOCTYPE html><style>p{}</style><p>Certificate"
    policy = response.headers["content-security-policy"]
    assert "style-src 'unsafe-inline'" in policy
    assert "script" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("path", [*PATHS, "/style.css", "/missing"])
def test_every_answer_carries_the_headers(run: SampleRun, path: str) -> None:
    headers = complete(run).client().get(path, params=WHERE).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    if path != "/certificate":
        assert "unsafe" not in headers["content-security-policy"]


class StoreOutageError(Exception):
    """What a store raises that can't be reached; its text may quote anything."""


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", "/review", "Nothing was changed."),
        ("POST", "/review", "Nothing was changed."),
        ("GET", "/api/review", "Nothing was changed."),
        ("POST", "/looked", "Nothing was sent to Alma."),
    ],
)
def test_an_error_that_nobody_foresaw_is_answered_with_a_closed_page_that_names_nobody(
    run: SampleRun, caplog: pytest.LogCaptureFixture, method: str, path: str, words: str
) -> None:
    def broken() -> None:
        raise StoreOutageError("id000003 Müller")

    app = complete(run).app("olga")
    app.dependency_overrides[opened_run] = broken
    client = TestClient(app, raise_server_exceptions=False)
    response = client.request(method, path, params=WHERE)
    assert response.status_code == 500
    assert words in response.text
    assert ("Something went wrong" in response.text) is not path.startswith("/api")
    assert "id000003" not in response.text
    assert response.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    own = [one.getMessage() for one in caplog.records if one.name.startswith("alma_purge")]
    assert own == [f"{method} {path} has failed: StoreOutageError"]


def test_a_stop_that_is_no_matter_of_files_is_said_too(
    run: SampleRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(*_: object) -> None:
        raise AccountingError("The numbers do not add up. Nothing was changed.")

    complete(run)
    monkeypatch.setattr("alma_purge.web.routes.load_people", differs)
    response = run.client().get("/review", params=WHERE)
    assert response.status_code == 409
    assert "The numbers do not add up." in response.text
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("path", "status"), [("/certificate", 404), ("/workbook", 404), ("/workbook", 409)])
def test_a_message_leads_back_to_the_review(run: SampleRun, path: str, status: int) -> None:
    run.reviewed()
    if status == 409:
        run.write("prepare_review", files.WORKBOOK, b"PK workbook")
        run.folder.write(files.WORKBOOK, b"forged")
    response = run.client().get(path, params=WHERE)
    assert response.status_code == status
    (link,) = re.findall(r'href="(review[^"]+)">Back to the review', response.text)
    assert run.client().get("/" + html.unescape(link)).status_code == 200


def test_a_wrong_filter_leads_to_the_list_without_it_and_a_broken_review_not_to_itself(
    run: SampleRun,
) -> None:
    wrong = complete(run).client().get("/review", params=WHERE | {"sort": "shoe_size"})
    assert wrong.status_code == 422
    assert "filter in the address" in wrong.text
    assert "Back to the review" in wrong.text
    run.folder.write(files.REVIEW, b"forged")
    assert "Back to the review" not in run.client().get("/review", params=WHERE).text


def test_page_needs_nothing_inline_and_nothing_from_elsewhere(run: SampleRun) -> None:
    page = complete(run).client().get("/review", params=WHERE).text
    assert "style=" not in page
    assert "<style" not in page
    assert "http" not in page.replace("utf-8", "")
    assert 'href="style.css?dag_id=alma_user_purge_north"' in page


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("dag_id", "run_id"),
    [
        ("alma_user_purge_south", RUN_ID),
        ("alma_user_purge_../north", RUN_ID),
        ("north", RUN_ID),
        ("~", RUN_ID),
        (EVIL, RUN_ID),
        (DAG_ID, "other"),
        (DAG_ID, "../" + RUN_ID),
        (DAG_ID, "~"),
    ],
)
def test_unknown_dag_or_run_is_not_found(run: SampleRun, path: str, dag_id: str, run_id: str) -> None:
    response = complete(run).client().get(path, params={"dag_id": dag_id, "run_id": run_id})
    assert response.status_code == 404
    assert EVIL not in response.text or path.startswith("/api")
    assert response.headers["content-type"].startswith(
        "application/json" if path.startswith("/api") else "text/html"
    )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "query",
    [
        "",
        f"dag_id={DAG_ID}",
        "run_id=x",
        f"dag_id={DAG_ID}&dag_id={DAG_ID}&run_id=x",
        f"dag_id={DAG_ID}&run_id=x&run_id=y",
        f"dag_id={DAG_ID}&run_id=",
        f"dag_id={DAG_ID}&run_id=a%00b",
        f"dag_id={DAG_ID}&run_id={'x' * 251}",
    ],
)
def test_address_must_name_one_run(run: SampleRun, path: str, query: str) -> None:
    assert complete(run).client().get(f"{path}?{query}").status_code == 400
