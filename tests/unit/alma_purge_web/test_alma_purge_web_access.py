"""The doors, with Airflow's own app, login and database."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.api_fastapi.app import create_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.providers.common.io.xcom import backend
from airflow.sdk.execution_time.xcom import resolve_xcom_backend
from airflow.utils.session import create_session
from airflow.utils.types import DagRunType
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import delete, insert, select, update
from tests.unit.alma_purge_web.web_samples import DAG_ID, RUN_ID, WHERE, SampleRun, asked, certificate_of
from uuid6 import uuid7

from alma_purge import files
from alma_purge.web.actor import approver
from alma_purge.web.app import URL_PREFIX, review_app
from alma_purge.web.guard import require_access
from alma_purge.web.records import RunRecords, read_records
from patron_purge.run_outcome import Outcome

Login = Callable[[str, str | None], dict[str, str]]

ROUTES = sorted(
    (method, route.path)
    for route in review_app().routes
    if isinstance(route, APIRoute)
    for method in route.methods
)


@pytest.fixture(scope="session")
def airflow_app(airflow_database: None) -> FastAPI:

    return create_app(apps="core")


@pytest.fixture
def airflow(airflow_app: FastAPI) -> Iterator[TestClient]:
    with TestClient(airflow_app) as client:
        yield client


@pytest.fixture
def login(airflow_app: FastAPI) -> Login:

    def header(username: str, role: str | None) -> dict[str, str]:
        user = SimpleAuthManagerUser(username=username, role=role)
        return {"Authorization": f"Bearer {airflow_app.state.auth_manager.generate_jwt(user)}"}

    return header


@pytest.fixture
def stored(airflow_database: None, run: SampleRun) -> Iterator[SampleRun]:
    """A complete run whose records stand in Airflow's database."""
    run.reviewed().decided(asked(), "awaiting_input")
    run.write("prepare_review", files.WORKBOOK, b"PK")
    run.write("certify", files.CERTIFICATE, certificate_of(Outcome.PURGED).model_dump_json().encode())
    run.write("certify", files.CERTIFICATE_PAGE, b"<p>certificate")
    run.xcoms["prepare_review", "summary"] = "3 people to purge."
    run.xcoms["certify", "stop"] = "Something stopped."
    run.xcoms["certify", "waiting"] = "These are quiet hours."
    run.xcoms["certify", "trouble"] = "Alma does not answer."
    save(run)
    yield run
    forget()


def save(run: SampleRun) -> None:

    place = {"dag_id": DAG_ID, "run_id": RUN_ID}
    with create_session() as session:
        session.execute(
            insert(DagRun.__table__).values(
                **place,
                run_type=DagRunType.MANUAL,
                state="running",
                run_after=datetime.now(UTC),
                log_template_id=None,
                span_status="not_started",
                conf={},
            )
        )
        key = session.scalar(select(DagRun.id).where(DagRun.run_id == RUN_ID))
        for task, state in run.states.items():
            session.execute(
                insert(TaskInstance.__table__).values(
                    **place,
                    id=uuid7(),
                    task_id=task,
                    map_index=-1,
                    state=state,
                    pool="default_pool",
                    pool_slots=1,
                    try_number=1,
                    max_tries=0,
                    executor_config={},
                    span_status="not_started",
                )
            )
        for (task, name), value in run.xcoms.items():
            session.execute(
                insert(XComModel.__table__).values(
                    **place, dag_run_id=key, task_id=task, map_index=-1, key=name, value=value
                )
            )


def forget() -> None:

    with create_session() as session:
        for model in (XComModel, TaskInstance, DagRun):
            session.execute(delete(model).where(model.run_id == RUN_ID))


def test_every_route_depends_on_the_guard_first() -> None:
    app = review_app()
    assert all(isinstance(route, APIRoute) for route in app.routes)
    for route in app.routes:
        assert isinstance(route, APIRoute)
        assert route.dependant.dependencies[0].call is require_access


def test_route_that_is_added_later_is_closed_too() -> None:
    app = review_app()
    app.get("/later")(lambda: "open")
    assert TestClient(app).get("/later", params=WHERE).status_code == 401


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("query", [WHERE, {}, {"dag_id": "~"}, {"dag_id": "unknown", "run_id": "unknown"}])
def test_nobody_gets_in_without_a_login(
    stored: SampleRun, airflow: TestClient, method: str, path: str, query: dict[str, str]
) -> None:
    response = airflow.request(method, URL_PREFIX + path, params=query)
    assert response.status_code == 401
    assert "id000003" not in response.text
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_made_up_token_is_refused(stored: SampleRun, airflow: TestClient, method: str, path: str) -> None:
    headers = {"Authorization": "Bearer made.up.token"}
    assert airflow.request(method, URL_PREFIX + path, params=WHERE, headers=headers).status_code == 403


LOOK, ACT = "whoever may read the DAG's runs", "approvers who may answer in Airflow"
NEEDS = {
    ("GET", "/review"): LOOK,
    ("POST", "/review"): LOOK,
    ("GET", "/api/review"): LOOK,
    ("POST", "/person"): LOOK,
    ("GET", "/history"): LOOK,
    ("GET", "/workbook"): LOOK,
    ("GET", "/certificate"): LOOK,
    ("GET", "/style.css"): LOOK,
    ("GET", "/take-off"): ACT,
    ("POST", "/take-off"): ACT,
    ("POST", "/looked"): ACT,
}
# Olga is the institution's approver, Mallory is not; the last part is what they may do on these pages.
PEOPLE = {
    "nobody": ("", None, set[str]()),
    "somebody without a role": ("olga", None, set[str]()),
    "viewer": ("mallory", "viewer", {LOOK}),
    "user": ("mallory", "user", {LOOK}),
    "operator": ("mallory", "op", {LOOK}),
    "admin": ("mallory", "admin", {LOOK}),
    "approver who may only look": ("olga", "viewer", {LOOK}),
    "approver": ("olga", "user", {LOOK, ACT}),
    "approver who is an operator": ("olga", "op", {LOOK, ACT}),
    "approver who is an admin": ("olga", "admin", {LOOK, ACT}),
}


def test_every_route_says_who_may_use_it_and_asks_for_it() -> None:
    assert set(ROUTES) == set(NEEDS)
    for route in review_app().routes:
        assert isinstance(route, APIRoute)
        asks = {one.call for one in all_dependencies(route.dependant)}
        assert require_access in asks
        for method in route.methods:
            assert (approver in asks) == (NEEDS[method, route.path] == ACT), route.path


def all_dependencies(dependant: Dependant) -> Iterator[Dependant]:
    for one in dependant.dependencies:
        yield one
        yield from all_dependencies(one)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.usefixtures("stored")
def test_every_person_can_do_on_every_route_what_the_role_allows(
    airflow: TestClient, login: Login, who: str
) -> None:
    name, role, may = PEOPLE[who]
    headers = login(name, role) if name else {}
    forbidden = 403 if name else 401
    form = {"row": "1", "prepared": "x", "attempt": "1", "expected": "x", "seen": "missing"}
    for method, path in ROUTES:
        data = form if method == "POST" else None
        query = WHERE | {"row": "1"}
        response = airflow.request(method, URL_PREFIX + path, params=query, data=data, headers=headers)
        needed = NEEDS[method, path]
        place = f"{who}: {method} {path}"
        if needed not in may:
            assert response.status_code == forbidden, place
            assert "id000003" not in response.text, place
        elif needed == LOOK:
            assert response.status_code == 200, place
        else:  # let in, and told that this run has nothing left to do, or that the form is not from these pages
            assert response.status_code in {400, 403, 409}, place
            assert "Only the people who may approve" not in response.text, place


@pytest.mark.usefixtures("stored")
def test_an_approver_gets_the_form(airflow: TestClient, login: Login) -> None:
    with create_session() as session:
        session.execute(delete(XComModel).where(XComModel.key == f"file:{files.CERTIFICATE}"))
    response = airflow.get(
        f"{URL_PREFIX}/take-off", params=WHERE | {"row": "3"}, headers=login("olga", "user")
    )
    assert response.status_code == 200
    assert "id000003" in response.text


@pytest.mark.usefixtures("stored")
def test_access_to_one_dag_opens_no_other(
    airflow: TestClient,
    login: Login,
    monkeypatch: pytest.MonkeyPatch,
    airflow_app: FastAPI,
) -> None:
    def only_south(**question: object) -> bool:
        return getattr(question["details"], "id", None) == "alma_user_purge_south"

    monkeypatch.setattr(airflow_app.state.auth_manager, "is_authorized_dag", only_south)
    headers = login("olga", "user")
    for path in {path for method, path in ROUTES if method == "GET"}:
        both = f"{URL_PREFIX}{path}?run_id={RUN_ID.replace('+', '%2B')}"
        assert airflow.get(f"{both}&dag_id={DAG_ID}", headers=headers).status_code == 403
        for first, second in ((DAG_ID, "alma_user_purge_south"), ("alma_user_purge_south", DAG_ID)):
            response = airflow.get(f"{both}&dag_id={first}&dag_id={second}", headers=headers)
            assert response.status_code in {400, 403}


@pytest.mark.parametrize("path", ["/review", "/api/review", "/workbook", "/certificate"])
@pytest.mark.parametrize(
    ("dag_id", "run_id"),
    [("unknown", RUN_ID), ("~", RUN_ID), (DAG_ID, "unknown"), ("alma_user_purge_south", RUN_ID)],
)
@pytest.mark.usefixtures("stored")
def test_unknown_dag_or_run(
    airflow: TestClient,
    login: Login,
    path: str,
    dag_id: str,
    run_id: str,
) -> None:
    query = {"dag_id": dag_id, "run_id": run_id}
    response = airflow.get(URL_PREFIX + path, params=query, headers=login("vera", "viewer"))
    assert response.status_code == 404


@pytest.mark.usefixtures("stored")
def test_page_in_airflow_leads_back_to_airflow(airflow: TestClient, login: Login) -> None:
    with create_session() as session:
        session.execute(delete(XComModel).where(XComModel.key == f"file:{files.CERTIFICATE}"))
    page = airflow.get(f"{URL_PREFIX}/review", params=WHERE, headers=login("vera", "viewer")).text
    assert "North College" in page
    assert 'href="/dags/alma_user_purge_north/runs/' in page


def test_records_come_from_airflows_database(stored: SampleRun) -> None:
    with create_session() as session:
        records = read_records(session, DAG_ID, RUN_ID)
        assert read_records(session, DAG_ID, "other") is None
        assert read_records(session, "alma_user_purge_south", RUN_ID) is None
    assert isinstance(records, RunRecords)
    assert records == stored.records(DAG_ID, RUN_ID)


@pytest.fixture
def object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make the tasks keep every XCom value in an object store, and only its place in the database."""
    place = tmp_path / "xcoms"
    monkeypatch.setenv(
        "AIRFLOW__CORE__XCOM_BACKEND", "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend"
    )
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH", f"file://{place}")
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD", "1")
    cached = (backend._get_base_path, backend._get_threshold, backend._get_compression)
    for setting in cached:
        setting.cache_clear()
    yield place
    for setting in cached:
        setting.cache_clear()


def test_records_are_read_through_the_xcom_backend(
    object_store: Path, stored: SampleRun, airflow: TestClient, login: Login
) -> None:
    forget()
    plain = dict(stored.xcoms)
    for (task, key), value in plain.items():
        kept = resolve_xcom_backend().serialize_value(
            value, key=key, task_id=task, dag_id=DAG_ID, run_id="run", map_index=-1
        )
        stored.xcoms[task, key] = str(kept)
    save(stored)
    assert all(value.startswith(f"file://{object_store}") for value in stored.xcoms.values())
    stored.xcoms = plain
    with create_session() as session:
        assert read_records(session, DAG_ID, RUN_ID) == stored.records(DAG_ID, RUN_ID)
    headers = login("vera", "viewer")
    assert airflow.get(f"{URL_PREFIX}/review", params=WHERE, headers=headers).status_code == 200
    for file in object_store.rglob("*"):
        if file.is_file():
            file.unlink()
    lost = airflow.get(f"{URL_PREFIX}/review", params=WHERE, headers=headers)
    assert lost.status_code == 409
    assert "id000003" not in lost.text


@pytest.mark.usefixtures("stored")
def test_value_that_is_no_text_is_not_made_into_an_object() -> None:
    with create_session() as session:
        session.execute(
            update(XComModel)
            .where(XComModel.key == f"file:{files.REVIEW}")
            .values(value={"__classname__": "datetime.datetime", "__version__": 2, "__data__": {}})
        )
    with create_session() as session:
        records = read_records(session, DAG_ID, RUN_ID)
    assert records is not None
    assert ("prepare_review", files.REVIEW) not in records.checksums


def test_file_that_changed_after_its_task_is_not_shown(
    stored: SampleRun, airflow: TestClient, login: Login
) -> None:
    stored.folder.write(files.CERTIFICATE_PAGE, b"forged")
    response = airflow.get(f"{URL_PREFIX}/certificate", params=WHERE, headers=login("vera", "viewer"))
    assert response.status_code == 409
    assert "forged" not in response.text
