"""The connection type "Alma": its form, its fields, its keys and its test."""

import json
import os
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from airflow.providers_manager import ProvidersManager
from airflow.sdk import Connection
from tests.support.config import own_config
from tests.support.tenant import changing_calls, switch, talking

from alma_api.client import AlmaClient
from alma_api.rate_limit import RateLimit
from alma_api.regions import REGION_URLS
from alma_purge.hooks.alma import AlmaHook
from alma_purge.hooks.connection_settings import AlmaExtra, read_connection
from alma_purge.places import institution_of_dag
from alma_purge.provider_info import get_provider_info
from alma_purge.steps.tenant import require_permissions, require_right_tenant
from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox
from patron_purge.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("airflow_database")

NA = "https://api-na.hosted.exlibrisgroup.com"
SECRETS = ("main-key-0123", "read-key-4567")


def connection(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Change fields of the demo institution's connection."""
    given = json.loads(os.environ["AIRFLOW_CONN_ALMA_DEMO"]) | fields
    monkeypatch.setenv("AIRFLOW_CONN_ALMA_DEMO", json.dumps(given))


def made(host: str = "", port: int | None = None, password: str = SECRETS[0], **extra: Any) -> Connection:
    return Connection(
        conn_id="c", conn_type="alma", host=host, port=port, password=password, extra=json.dumps(extra)
    )


def signed_by(sandbox: RunningSandbox, method: str) -> set[str]:
    with sandbox.tenant.lock:
        return {entry.key for entry in sandbox.tenant.journal.entries if entry.method == method}


def test_airflow_shows_every_field_of_the_connection_in_its_form() -> None:
    info = get_provider_info()
    manager = ProvidersManager()
    shown = {
        name.removeprefix("extra__alma__")
        for name in manager.connection_form_widgets
        if name.startswith("extra__alma__")
    }
    assert shown == set(AlmaExtra.model_fields)
    assert manager.connection_form_widgets["extra__alma__read_api_key"].is_sensitive
    behaviour = manager.field_behaviours["alma"]
    assert behaviour["relabeling"]["password"] == "API key"
    assert "port" not in behaviour["hidden_fields"]
    fields = info["connection-types"][0]["conn-fields"]
    for url in REGION_URLS.values():
        assert url.removeprefix("https://") in fields["region"]["description"]
    for field in fields.values():
        jsonschema.Draft202012Validator.check_schema(field["schema"])


@pytest.mark.parametrize("name", ["region", "environment"])
def test_the_choices_of_the_form_are_those_that_can_be_read(name: str) -> None:
    choices = get_provider_info()["connection-types"][0]["conn-fields"][name]["schema"]["enum"]
    assert len(choices) >= 2
    for choice in choices:
        assert getattr(AlmaExtra.model_validate({name: choice}), name) == choice


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (made(NA), NA),
        (made("api-eu.hosted.exlibrisgroup.com"), REGION_URLS["api-eu"]),
        (made(NA, 443), NA),
        (made("https://alma.example.org", 8443), "https://alma.example.org:8443"),
        (made(region="api-cn"), "https://api-cn.hosted.exlibrisgroup.com.cn"),
        (made(port=443, region="api-na"), NA),
        (made(f"{NA}/", region="api-na"), NA),
        (made(f"{NA}/almaws/v1", 443, region="api-na"), NA),
        (made(NA, region="", read_api_key=" ", institution_code=None, environment=""), NA),
    ],
)
def test_the_address_comes_from_the_region_or_the_host(given: Connection, url: str) -> None:
    settings = read_connection(given)
    assert settings.base_url == url
    assert settings.extra.read_api_key is None


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (made(), "needs a host"),
        (made(NA, password=""), "and an API key"),
        (made(region="api-mars"), "region must be one of api-na, api-eu"),
        (made(NA, region="api-eu"), "names the region api-eu and the address https://api-na"),
        (made(NA, environment="test"), "environment Input should be 'production' or 'sandbox'"),
        (made(NA, calls_per_second=0), "calls_per_second Input should be greater than 0"),
        (made(NA, calls_per_second="fast"), "calls_per_second"),
        (made(NA, read_api_key=[SECRETS[1]]), "read_api_key"),
    ],
)
def test_a_wrong_field_is_named_without_a_key(given: Connection, part: str) -> None:
    with pytest.raises(ConfigurationError) as stopped:
        read_connection(given)
    assert part in str(stopped.value)
    assert "nothing was changed" in str(stopped.value)
    assert not any(secret in str(stopped.value) for secret in SECRETS)


def test_neither_key_is_in_the_text_of_the_settings() -> None:
    settings = read_connection(made(NA, read_api_key=SECRETS[1]))
    assert not any(secret in repr(settings) or secret in str(settings) for secret in SECRETS)


def test_both_keys_are_masked_in_logs(monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox) -> None:
    from airflow.sdk._shared.secrets_masker import redact

    connection(monkeypatch, password=SECRETS[0], extra={"read_api_key": SECRETS[1]})
    AlmaHook("alma_demo").get_conn()
    assert redact(f"{SECRETS[0]} and {SECRETS[1]}") == "*** and ***"


def test_reads_are_signed_with_the_read_key_and_changes_with_the_main_key(
    monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox
) -> None:
    connection(monkeypatch, extra={"read_api_key": sandbox.read_key})
    with AlmaHook("alma_demo").get_conn() as client:
        client.users.list_page("", offset=0, limit=10)
        client.conf.code_table("UserGroups")
        assert signed_by(sandbox, "GET") == {"key 2"}
        client.sets.create_itemized_user_set("a set", "")
        assert client.users.test_write()
        assert signed_by(sandbox, "POST") == {"key 1"}
        client.conf.general_of_main_key()
    assert signed_by(sandbox, "GET") == {"key 1", "key 2"}


def test_without_a_read_key_the_main_key_signs_everything(sandbox: RunningSandbox) -> None:
    with AlmaHook("alma_demo").get_conn() as client:
        client.conf.general()
        client.conf.test_write()
    assert signed_by(sandbox, "GET") == signed_by(sandbox, "POST") == {"key 1"}


def test_a_run_may_go_on_with_a_key_that_only_reads_and_one_that_acts(
    monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox
) -> None:
    connection(monkeypatch, extra={"read_api_key": sandbox.read_key})
    institution = institution_of_dag("alma_user_purge_demo")
    with AlmaHook("alma_demo").get_conn() as client:
        assert require_right_tenant(client, institution).institution_code == "01DEMO_XYZ"
        require_permissions(client, institution)
    assert changing_calls(sandbox) == []


@pytest.fixture
def two_tenants(monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox) -> Iterator[AlmaClient]:
    """A client whose key for reads belongs to the right tenant, and whose main key to another one."""
    with running_sandbox(users=60) as other, talking(other) as stranger:
        with other.tenant.lock:
            other.tenant.institution = "01OTHER_INST"
        connection(monkeypatch, extra={"read_api_key": sandbox.read_key})
        with AlmaHook("alma_demo").get_conn() as client:
            # Two tenants at one address: only the key decides which of them answers.
            monkeypatch.setattr(client.conf, "general_of_main_key", stranger.conf.general)
            yield client


def test_a_main_key_of_another_institution_is_refused_although_the_reads_are_right(
    two_tenants: AlmaClient,
) -> None:
    with pytest.raises(
        ConfigurationError, match=r"The API key of the connection alma_demo belongs to 01OTHER"
    ):
        require_right_tenant(two_tenants, institution_of_dag("alma_user_purge_demo"))


@pytest.mark.parametrize(
    ("extra", "part"),
    [
        (
            {"institution_code": "01OTHER_INST"},
            "says institution code 01OTHER_INST, but Alma answers for 01DEMO_XYZ",
        ),
        ({"environment": "production"}, "says environment production, but Alma answers for sandbox"),
    ],
)
def test_a_connection_made_for_another_tenant_is_refused(
    monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox, extra: dict[str, str], part: str
) -> None:
    connection(monkeypatch, extra=extra)
    hook = AlmaHook("alma_demo")
    with hook.get_conn() as client, pytest.raises(ConfigurationError, match=part):
        require_right_tenant(client, institution_of_dag("alma_user_purge_demo"))
    fine, said = hook.test_connection()
    assert not fine
    assert part in said
    assert said.startswith("This connection says")
    assert changing_calls(sandbox) == []


def test_the_test_says_what_each_key_may_do(monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox) -> None:
    extra = {"read_api_key": sandbox.read_key, "institution_code": "01DEMO_XYZ", "environment": "SANDBOX"}
    connection(monkeypatch, extra=extra)
    fine, said = AlmaHook("alma_demo").test_connection()
    assert fine
    assert said == (
        "The API key belongs to 01DEMO_XYZ (sandbox); it may read Analytics, Users, Configuration and write "
        "Analytics, Users, Configuration. The read-only API key belongs to 01DEMO_XYZ (sandbox); it may read "
        "Analytics, Users, Configuration and write nothing."
    )
    assert changing_calls(sandbox) == []
    assert sandbox.key not in said
    assert sandbox.read_key not in said


@pytest.mark.parametrize(
    ("rights", "lacking"),
    [
        ({"users": "RW", "conf": "RW", "analytics": "R"}, ""),
        ({"users": "R", "conf": "RW", "analytics": "R"}, "Users: write"),
        ({"users": "RW", "conf": "R", "analytics": ""}, "Analytics: read, Configuration: write"),
        ({"users": "RW", "analytics": "R"}, "Configuration: read, Configuration: write"),
    ],
)
def test_the_test_names_what_a_purge_would_lack(
    sandbox: RunningSandbox, rights: dict[str, str], lacking: str
) -> None:
    sandbox.stage.keys[sandbox.key] = rights
    fine, said = AlmaHook("alma_demo").test_connection()
    assert fine is (not lacking)
    assert (f"A purge also needs: {lacking}. Add it" in said) is bool(lacking)


def test_the_test_remarks_on_odd_fields_and_a_read_key_that_may_write(
    monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox
) -> None:
    connection(monkeypatch, extra={"read_api_key": sandbox.key, "read_key": "abc"})
    fine, said = AlmaHook("alma_demo").test_connection()
    assert fine
    assert "The read-only API key may also write; make it read-only" in said
    assert "Extra fields without a meaning here: read_key." in said


@pytest.mark.parametrize(
    ("fields", "part"), [({"password": "wrong"}, "read nothing"), ({"host": ""}, "needs a host")]
)
def test_the_test_fails_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox, fields: dict[str, str], part: str
) -> None:
    connection(monkeypatch, **fields)
    fine, said = AlmaHook("alma_demo").test_connection()
    assert not fine
    assert part in said
    assert "wrong" not in said


def test_an_alma_that_does_not_answer_fails_the_test(
    sandbox: RunningSandbox,
) -> None:
    switch(sandbox, daily_limit=1)
    with talking(sandbox) as client:
        client.conf.general()
    fine, said = AlmaHook("alma_demo").test_connection()
    assert not fine
    assert "today" in said


@pytest.mark.parametrize(
    ("of_connection", "of_institution", "pace"),
    [(None, None, 10.0), (5, None, 5.0), (None, 20.0, 20.0), (5, 20.0, 5.0), (40, 20.0, 20.0)],
)
def test_the_slower_pace_counts(
    monkeypatch: pytest.MonkeyPatch,
    sandbox: RunningSandbox,
    of_connection: float | None,
    of_institution: float | None,
    pace: float,
) -> None:
    paces: list[float] = []
    making = RateLimit.__init__

    def spy(self: RateLimit, calls_per_second: float, **rest: Any) -> None:
        paces.append(calls_per_second)
        making(self, calls_per_second, **rest)

    monkeypatch.setattr(RateLimit, "__init__", spy)
    connection(monkeypatch, extra={"calls_per_second": of_connection})
    AlmaHook("alma_demo", of_institution).get_conn()
    assert paces == [pace]


def test_the_demo_connection_stays_as_it_was(
    monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox, tmp_path: Any
) -> None:
    own_config(monkeypatch, tmp_path / "config")
    with AlmaHook("alma_demo").get_conn() as client:
        assert not client.has_read_key
        assert client.conf.general().institution_code == "01DEMO_XYZ"
