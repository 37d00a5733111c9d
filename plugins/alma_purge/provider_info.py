"""What the Airflow UI is told about the connection type "Alma"."""

from typing import Any

from alma_api.regions import REGION_URLS

_FIELDS: dict[str, Any] = {
    "region": {
        "label": "Region",
        "description": "The first part of your region's host name, instead of an address: "
        + ", ".join(url.removeprefix("https://") for url in REGION_URLS.values()),
        "schema": {"type": ["string", "null"], "enum": [*REGION_URLS]},
    },
    "read_api_key": {
        "label": "Read-only API key",
        "description": "Optional. Signs everything that only reads; the API key among the standard fields "
        "is then used for changes only. It must belong to the same institution.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "institution_code": {
        "label": "Institution code",
        "description": "Optional. Alma's code, such as 01ABC_INST. Every run makes sure that the keys belong to it.",
        "schema": {"type": ["string", "null"]},
    },
    "environment": {
        "label": "Environment",
        "description": "Optional. Every run makes sure that the keys belong to it.",
        "schema": {"type": ["string", "null"], "enum": ["production", "sandbox"]},
    },
    "calls_per_second": {
        "label": "Calls per second",
        "description": "Optional. Most calls per second over this connection; Alma allows 25 for the whole "
        "institution. The slower of this and the institution's setting counts.",
        "schema": {"type": ["number", "null"], "minimum": 0.1, "maximum": 50},
    },
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider description that Airflow reads through the package's entry point."""
    return {
        "package-name": "alma-user-purge",
        "name": "Alma",
        "description": "Ex Libris Alma, for user purges.",
        "versions": ["0.1.0"],
        "connection-types": [
            {
                "connection-type": "alma",
                "hook-class-name": "alma_purge.hooks.alma.AlmaHook",
                "hook-name": "Alma",
                "ui-field-behaviour": {
                    # The port is shown because the UI's own test fails for a connection without one: it
                    # sends 0 for an empty port, and Airflow takes that for another server.
                    "hidden-fields": ["schema", "login"],
                    "relabeling": {"host": "Host (or choose a region)", "password": "API key"},
                    "placeholders": {"host": "https://api-na.hosted.exlibrisgroup.com", "port": "443"},
                },
                "conn-fields": _FIELDS,
            }
        ],
    }
