"""Writes Airflow's connections to the rehearsal tenant, from the file that it writes when it is up."""

import json
import sys
from pathlib import Path


def connections(about: dict[str, object]) -> dict[str, dict[str, object]]:
    """Return the two connections of the demo institution.

    Args:
        about: What the tenant says about itself.
    """
    return {
        "alma_demo": {"conn_type": "alma", "host": about["base_url"], "password": about["key"]},
        "sftp_demo": {
            "conn_type": "sftp",
            "host": about["sftp_host"],
            "port": about["sftp_port"],
            "login": about["sftp_user"],
            "password": about["sftp_password"],
            "extra": json.dumps({"host_key": about["sftp_host_key"]}),
        },
    }


if __name__ == "__main__":
    print(json.dumps(connections(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
