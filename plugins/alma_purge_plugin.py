"""The only file that Airflow loads as a plugin: the review page and the history with their tabs, and links."""

from airflow.plugins_manager import AirflowPlugin

from alma_purge.links import CertificateLink
from alma_purge.web.app import URL_PREFIX, review_app


class AlmaPurgePlugin(AirflowPlugin):
    """Adds the review page, the history, and a link to the certificate, to the Airflow UI."""

    name = "alma_purge"
    operator_extra_links = [CertificateLink()]  # noqa: RUF012
    fastapi_apps = [{"app": review_app(), "url_prefix": URL_PREFIX, "name": "User purge review"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Purge review",
            "href": f"{URL_PREFIX}/review?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "purge_review",
        },
        {
            "name": "Purge history",
            "href": f"{URL_PREFIX}/history?dag_id={{DAG_ID}}",
            "destination": "dag",
            "url_route": "purge_history",
        },
    ]
