"""One throw-away Airflow for the whole test run, set up before anything imports Airflow."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_HOME = tempfile.TemporaryDirectory(prefix="alma-purge-airflow-")
_CONFIG = tempfile.TemporaryDirectory(prefix="alma-purge-config-")
_STORE = tempfile.TemporaryDirectory(prefix="alma-purge-store-")

# The demo institution's own settings, asking Alma without the pauses that are meant for a real one.
shutil.copytree(ROOT / "include" / "institutions", Path(_CONFIG.name) / "institutions")
shutil.copytree(ROOT / "include" / "jobs", Path(_CONFIG.name) / "jobs")
_DEMO = Path(_CONFIG.name) / "institutions" / "demo.yaml"
_DEMO.write_text(_DEMO.read_text().replace("poll_seconds: 2", "poll_seconds: 0.05"))

os.environ.update(
    {
        "AIRFLOW_HOME": _HOME.name,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "olga:user,vera:viewer,adam:admin",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME.name}/airflow.db",
        "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-tests-" * 6,
        "AIRFLOW__API__BASE_URL": "http://127.0.0.1:8080",
        "ALMA_PURGE_CONFIG": _CONFIG.name,
        "ALMA_PURGE_STORE": f"file://{_STORE.name}",
    }
)

with suppress(ImportError):  # it is not in the environment of tests/distributed, which needs none of it
    from hypothesis import settings

    # A busy machine is no failure; and whatever fails can be run again, on any machine.
    settings.register_profile("project", deadline=None, print_blob=True)
    settings.load_profile("project")


@pytest.fixture(scope="session")
def airflow_database() -> None:
    from airflow.utils import db

    db.initdb()
