"""The Airflow hook of the Alma REST API."""

import json
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError

from alma_api.client import AlmaClient
from alma_api.errors import AlmaError
from patron_purge.errors import ConfigurationError


class AlmaHook(BaseHook):
    """Makes an Alma client from a connection of type "Alma".

    The connection's host is the region's base URL, its password the API key. The key travels only in the
    Authorization header. Nothing is sent before a method of the client is called.

    Args:
        alma_conn_id: Id of the connection.
        calls_per_second: Pace of the client; Alma allows 25 calls a second for a whole institution.
    """

    conn_name_attr = "alma_conn_id"
    default_conn_name = "alma_default"
    conn_type = "alma"
    hook_name = "Alma"

    def __init__(self, alma_conn_id: str = default_conn_name, calls_per_second: float = 10.0) -> None:
        super().__init__()
        self.alma_conn_id = alma_conn_id
        self.calls_per_second = calls_per_second

    def get_conn(self) -> AlmaClient:
        """Return a client for the connection.

        Raises:
            ConfigurationError: The connection is missing, or host or API key is missing or can't be one.
        """
        try:
            connection = self.get_connection(self.alma_conn_id)
        except (AirflowNotFoundException, AirflowRuntimeError) as error:
            raise ConfigurationError(
                f"The Airflow connection {self.alma_conn_id} is missing. Create it under Admin > Connections "
                "with type Alma; nothing was changed."
            ) from error
        if not connection.host or not connection.password:
            raise ConfigurationError(
                f"The Airflow connection {self.alma_conn_id} needs a host (such as "
                "https://api-na.hosted.exlibrisgroup.com) and an API key; nothing was changed."
            )
        try:
            return AlmaClient(
                _base_url(connection.host, connection.port),
                connection.password,
                calls_per_second=self.calls_per_second,
            )
        except ValueError as error:
            raise ConfigurationError(
                f"The Airflow connection {self.alma_conn_id} can't be used: {error}. Correct it under Admin > "
                "Connections; nothing was changed."
            ) from error

    def test_connection(self) -> tuple[bool, str]:
        """Ask Alma which institution the key belongs to, and say so."""
        try:
            with self.get_conn() as client:
                general = client.conf.general()
        except (AlmaError, ConfigurationError) as error:
            return False, str(error)
        return True, f"Alma answers for {general.institution_code} ({general.environment})."


def _base_url(host: str, port: int | None) -> str:
    """Put together the base URL from the host and port fields of a connection."""
    url = host if "://" in host else f"https://{host}"
    return f"{url.rstrip('/')}:{port}" if port else url.rstrip("/")


def connection_extra(extra: str | None) -> dict[str, Any]:
    """Return the extra fields of a connection, or none when the field holds no JSON object."""
    try:
        fields = json.loads(extra or "{}")
    except json.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}
