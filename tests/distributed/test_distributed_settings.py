"""What docker-compose.yaml sets, in the environment that it is built from."""

from importlib import import_module

import yaml
from tests.support.airflow_options import PROVIDER_OF_SECTION, ROOT, is_missing, options_set, unknown


def compose_environment() -> dict[str, str]:
    compose = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
    return dict(compose["x-airflow"]["environment"])


def test_the_providers_of_a_site_know_every_option() -> None:
    from airflow.configuration import conf

    assert not [provider for provider in PROVIDER_OF_SECTION.values() if is_missing(provider)]
    # From the installed provider, not from what Airflow remembers of it.
    assert {"broker_url", "result_backend"} <= set(conf.configuration_description["celery"]["options"])
    assert "fab" in conf.configuration_description
    assert unknown(options_set()) == []


def test_executor_and_auth_manager_can_be_loaded() -> None:
    from airflow.executors.executor_loader import ExecutorLoader

    environment = compose_environment()
    places = {
        "CeleryExecutor": ExecutorLoader.executors[environment["AIRFLOW__CORE__EXECUTOR"]],
        "FabAuthManager": environment["AIRFLOW__CORE__AUTH_MANAGER"],
    }
    for name, place in places.items():
        module, _, found = place.rpartition(".")
        assert getattr(import_module(module), found).__name__ == name
