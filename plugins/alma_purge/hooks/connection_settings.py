"""What an Airflow connection of type "Alma" says, read and checked."""

import json
from typing import Any, Literal

from airflow.sdk import Connection
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from alma_api.regions import REGION_URLS
from patron_purge.errors import ConfigurationError

HTTPS_PORT = 443


class AlmaExtra(BaseModel):
    """The extra fields of a connection; a field left empty in the form counts as not given.

    Attributes:
        region: First part of the region's host name, such as `api-na`; decides the address.
        read_api_key: A second key that signs all reads. Its name makes Airflow hide it.
        institution_code: Alma's institution code that the keys must belong to.
        environment: Alma environment that the keys must belong to.
        calls_per_second: Most calls per second over this connection.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    region: str | None = None
    read_api_key: str | None = Field(default=None, repr=False)
    institution_code: str | None = None
    environment: Literal["production", "sandbox"] | None = None
    calls_per_second: float | None = Field(default=None, gt=0, le=50)

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any, info: ValidationInfo) -> Any:
        """Read the form's empty fields, and the environment in any case."""
        if not isinstance(value, str):
            return value
        text = value.strip()
        return (text.lower() if info.field_name == "environment" else text) or None

    @field_validator("region")
    @classmethod
    def _known_region(cls, value: str | None) -> str | None:
        if value is not None and value not in REGION_URLS:
            raise ValueError(f"must be one of {', '.join(REGION_URLS)}")
        return value


class AlmaConnection(BaseModel):
    """A usable connection.

    Attributes:
        base_url: Where Alma's API is.
        api_key: The key that signs changes.
        extra: The other fields.
        unknown: Names of extra fields that this type of connection does not have.
    """

    model_config = ConfigDict(frozen=True)

    base_url: str
    api_key: str = Field(repr=False)
    extra: AlmaExtra
    unknown: tuple[str, ...] = ()


def read_connection(connection: Connection) -> AlmaConnection:
    """Read a connection.

    Args:
        connection: The connection as Airflow has it.

    Raises:
        ConfigurationError: An address or the API key is missing, two fields contradict each other, or a field
            can't be read; the text never holds a key.
    """
    where = f"The Airflow connection {connection.conn_id}"
    fields = connection_extra(connection.extra)
    try:
        extra = AlmaExtra.model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(
            f"{item['loc'][0]} {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError(
            f"{where} has a wrong field: {wrong}. Correct it under Admin > Connections; nothing was changed."
        ) from None
    url = _base_url(connection, extra, where)
    if not url or not connection.password:
        raise ConfigurationError(
            f"{where} needs a host (such as https://api-na.hosted.exlibrisgroup.com) or a region, and an API "
            "key; nothing was changed."
        )
    unknown = tuple(sorted(fields.keys() - AlmaExtra.model_fields.keys()))
    return AlmaConnection(base_url=url, api_key=connection.password, extra=extra, unknown=unknown)


def _base_url(connection: Connection, extra: AlmaExtra, where: str) -> str:
    """Put together the base URL from the region, or from the host and port fields."""
    url = (connection.host or "").strip().rstrip("/")
    if url and "://" not in url:
        url = f"https://{url}"
    # 443 is where https goes anyway; the field must be filled in for the connection test in Airflow's UI.
    if url and connection.port and not url.endswith(f":{connection.port}") and connection.port != HTTPS_PORT:
        url = f"{url}:{connection.port}"
    of_region = REGION_URLS[extra.region] if extra.region else ""
    if of_region and url not in {"", of_region, f"{of_region}/almaws/v1"}:
        raise ConfigurationError(
            f"{where} names the region {extra.region} and the address {url}, which is not in that region. Leave "
            "one of the two empty under Admin > Connections; nothing was changed."
        )
    return of_region or url


def connection_extra(extra: str | None) -> dict[str, Any]:
    """Return the extra fields of a connection, or none when the field holds no JSON object."""
    try:
        fields = json.loads(extra or "{}")
    except json.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}
