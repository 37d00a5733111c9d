import re
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlencode

import pytest
from airflow.plugins_manager import AirflowPlugin
from jinja2.sandbox import SandboxedEnvironment

from alma_purge.links import CERTIFICATE_PAGE, CertificateLink
from alma_purge.operators.certify import CertifyOperator
from alma_purge.sensors.approval_form import texts
from alma_purge.web.app import URL_PREFIX, review_app


def test_the_link_leads_to_a_page_that_there_is() -> None:
    pages = {f"{URL_PREFIX}{path}" for path in review_app().openapi()["paths"]}
    served = {f"{URL_PREFIX}{getattr(route, 'path', '')}" for route in review_app().routes}
    assert CERTIFICATE_PAGE in pages | served


@pytest.mark.parametrize(
    ("base", "start"), [("", "/alma-purge"), ("https://x.example/af/", "https://x.example/af/alma-purge")]
)
def test_the_link_names_the_run(monkeypatch: pytest.MonkeyPatch, base: str, start: str) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    run = cast(
        "Any", SimpleNamespace(dag_id="alma_user_purge_demo", run_id="scheduled__2026-09-02T11:00:00+00:00")
    )
    link = CertificateLink().get_link(CertifyOperator(task_id="certify"), ti_key=run)
    assert link == (
        f"{start}/certificate?dag_id=alma_user_purge_demo&run_id=scheduled__2026-09-02T11%3A00%3A00%2B00%3A00"
    )


def test_task_and_plugin_both_know_the_link() -> None:
    import alma_purge_plugin

    plugin: type[AirflowPlugin] = alma_purge_plugin.AlmaPurgePlugin
    assert [type(one) for one in plugin.operator_extra_links] == [CertificateLink]
    assert [one.name for one in CertifyOperator(task_id="certify").operator_extra_links] == ["Certificate"]


RUN = {"dag_id": "alma_user_purge_demo", "run_id": "scheduled__2026-09-02T11:00:00+00:00"}


@pytest.mark.parametrize("base", ["", "https://x.example/af/"])
def test_the_required_action_leads_to_the_review_page_also_on_a_phone(
    monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    _subject, body = texts("Example College", "sandbox", ["olga"], 72)
    dag = SimpleNamespace(dag_id=RUN["dag_id"])
    shown = SandboxedEnvironment().from_string(body).render(dag=dag, run_id=RUN["run_id"])
    addresses = re.findall(r"\[review page\]\((\S+?)\)", shown)
    start = base.rstrip("/")
    assert addresses == [
        f"{start}/dags/{RUN['dag_id']}/runs/scheduled__2026-09-02T11%3A00%3A00%2B00%3A00/plugin/purge_review",
        f"{start}/alma-purge/review?{urlencode(RUN)}",
    ]
    assert "On a phone: [review page]" in shown


def test_the_address_is_a_page_that_there_is_and_names_the_run_as_the_page_reads_it() -> None:
    assert "/review" in {getattr(route, "path", "") for route in review_app().routes}
    assert parse_qs(urlencode(RUN)) == {name: [value] for name, value in RUN.items()}
