"""What the doctor's checks work with."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError

from alma_api.client import AlmaClient
from alma_purge.doctor.findings import Finding, Status
from alma_purge.hooks.alma import AlmaHook
from alma_purge.hooks.connection_settings import connection_extra
from patron_purge.errors import PurgeError
from patron_purge.institution import Institution

_SHORTEST_SECRET = 4


class NotCheckedError(PurgeError):
    """A check is not possible, because an earlier one has failed."""


@dataclass
class Visit:
    """One visit of the doctor at an institution.

    Attributes:
        institution: The settings.
        now: The present time in the institution's zone.
        alma_trouble: Why Alma can't be asked any more; empty as long as it can.
    """

    institution: Institution
    now: datetime
    alma_trouble: str = ""
    _client: AlmaClient | None = field(default=None, init=False)

    @property
    def hook(self) -> AlmaHook:
        """Return the hook of the institution's Alma connection."""
        pace = float(self.institution.calls_per_second)
        return AlmaHook(self.institution.alma_connection, calls_per_second=pace)

    def connect(self) -> AlmaClient:
        """Make the client that the checks share.

        Raises:
            ConfigurationError: The connection is missing or has a wrong field.
        """
        self._client = self.hook.get_conn()
        return self._client

    @property
    def client(self) -> AlmaClient:
        """Return the client.

        Raises:
            NotCheckedError: There is none, or Alma does not answer.
        """
        if self.alma_trouble or self._client is None:
            raise NotCheckedError(self.alma_trouble or "There is no usable Alma connection.")
        return self._client

    def close(self) -> None:
        """Close the connections to Alma."""
        if self._client is not None:
            self._client.close()

    def secrets(self) -> list[str]:
        """Return every key and password of the institution's connections."""
        found: list[str] = []
        for connection_id in (self.institution.alma_connection, self.institution.sftp_connection):
            try:
                connection = BaseHook.get_connection(connection_id)
            except (AirflowNotFoundException, AirflowRuntimeError):
                continue
            extra = connection_extra(connection.extra)
            hidden = [connection.password, extra.get("read_api_key"), extra.get("private_key")]
            found += [each for each in hidden if isinstance(each, str)]
            found += [json.dumps(each)[1:-1] for each in found]
        return [each for each in found if len(each) >= _SHORTEST_SECRET]


Line = tuple[Status, str]
Check = Callable[[Visit], Iterator[Line]]
"""A check yields statuses with sentences; a refusal that it raises is a failed line."""

NamedCheck = tuple[str, Check]


def fine(text: str) -> Line:
    """Return a line of a check that has passed."""
    return Status.FINE, text


def note(text: str) -> Line:
    """Return a line that somebody should read, although nothing fails because of it."""
    return Status.NOTE, text


def failed(text: str) -> Line:
    """Return a line of a check that has failed and goes on."""
    return Status.FAILED, text


def finding(check: str, line: Line) -> Finding:
    """Return a line as a finding of its check."""
    return Finding(check, *line)
