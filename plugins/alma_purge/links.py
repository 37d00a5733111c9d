"""Buttons on a task in the Airflow UI."""

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

CERTIFICATE_PAGE = "/alma-purge/certificate"


def airflow_address() -> str:
    """Return the address at which people open Airflow, without a slash at its end; empty when it is not set."""
    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def review_tab(dag_id: str, run_id: str) -> str:
    """Return the address of the review page as a tab of the run in Airflow."""
    return (
        f"{airflow_address()}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}/plugin/purge_review"
    )


def review_alone(dag_id: str, run_id: str) -> str:
    """Return the review page's own address, for phones, on which Airflow hides the tab."""
    return f"{airflow_address()}/alma-purge/review?{urlencode({'dag_id': dag_id, 'run_id': run_id})}"


class CertificateLink(BaseOperatorLink):
    """Leads from the task `certify` to the certificate of its run."""

    name = "Certificate"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Return the address of the certificate's page, which checks who may see it."""
        del operator
        return f"{airflow_address()}{CERTIFICATE_PAGE}?{urlencode({'dag_id': ti_key.dag_id, 'run_id': ti_key.run_id})}"
