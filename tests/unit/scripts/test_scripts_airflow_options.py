"""Every variable that sets an option of Airflow sets one that this Airflow has: a misspelled one does nothing."""

import pytest
from tests.support.airflow_options import (
    PROVIDER_OF_SECTION,
    is_missing,
    options_set,
    unknown,
    variables_known,
)


def test_every_variable_is_an_option_of_this_airflow() -> None:
    options = options_set()
    assert "docker-compose.yaml" in options["API", "BASE_URL"]
    assert "docker-compose.yaml" in options["CORE", "FERNET_KEY"]
    assert "Dockerfile" in options["CORE", "DAGS_FOLDER"]
    assert "scripts/demo/airflow_server.py" in options["SCHEDULER", "USE_JOB_SCHEDULE"]
    elsewhere = {section for section, provider in PROVIDER_OF_SECTION.items() if is_missing(provider)}
    assert unknown({option: files for option, files in options.items() if option[0] not in elsewhere}) == []


@pytest.mark.parametrize("section", sorted(PROVIDER_OF_SECTION))
def test_every_variable_of_a_sites_provider_is_one_of_its_options(section: str) -> None:
    provider = PROVIDER_OF_SECTION[section]
    if is_missing(provider):
        pytest.skip(f"{provider} is not installed here: make test-distributed checks [{section.lower()}].")
    assert unknown({option: files for option, files in options_set().items() if option[0] == section}) == []


@pytest.mark.parametrize(
    "option",
    [
        ("CORE", "FERNET_KEYS"),
        ("SMTP", "SMTP_HOSTS"),
        ("WEBSERVER", "BASE_URL"),  # its name in Airflow 2
        ("WEBSERVER", "SECRET_KEY"),
        ("KORE", "EXECUTOR"),
    ],
)
def test_a_misspelled_or_former_option_is_found(option: tuple[str, str]) -> None:
    files = {"docker-compose.yaml"}
    assert unknown({option: files}) == [f"AIRFLOW__{'__'.join(option)} in docker-compose.yaml"]


def test_options_of_installed_providers_are_known() -> None:
    assert {("SMTP", "SMTP_HOST"), ("COMMON_IO", "XCOM_OBJECTSTORAGE_PATH")} <= variables_known()
