"""Airflow's connections to a sandbox."""

import json

from alma_sandbox.server import RunningSandbox


def connections_to(sandbox: RunningSandbox, name: str) -> dict[str, str]:
    """Return the environment variables that tell Airflow how to reach a sandbox.

    Args:
        sandbox: The running sandbox.
        name: What the connections are called after `alma_` and `sftp_`.
    """
    alma = {"conn_type": "alma", "host": sandbox.base_url, "password": sandbox.key}
    sftp = {
        "conn_type": "sftp",
        "host": sandbox.sftp_host,
        "port": sandbox.sftp_port,
        "login": sandbox.sftp_user,
        "password": sandbox.sftp_password,
        "extra": {"host_key": sandbox.sftp_host_key},
    }
    return {
        f"AIRFLOW_CONN_ALMA_{name.upper()}": json.dumps(alma),
        f"AIRFLOW_CONN_SFTP_{name.upper()}": json.dumps(sftp),
    }
