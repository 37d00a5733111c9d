"""What the Airflow UI is told about the connection type "Alma"."""

from typing import Any


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
                    "hidden-fields": ["schema", "login", "port"],
                    "relabeling": {"host": "Base URL of your region", "password": "API key"},
                    "placeholders": {"host": "https://api-na.hosted.exlibrisgroup.com"},
                },
            }
        ],
    }
