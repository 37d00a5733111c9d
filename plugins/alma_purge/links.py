"""Buttons on a task in the Airflow UI."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

CERTIFICATE_PAGE = "/alma-purge/certificate"


class CertificateLink(BaseOperatorLink):
    """Leads from the task `certify` to the certificate of its run."""

    name = "Certificate"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Return the address of the certificate's page, which checks who may see it."""
        del operator
        base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
        return f"{base}{CERTIFICATE_PAGE}?{urlencode({'dag_id': ti_key.dag_id, 'run_id': ti_key.run_id})}"
