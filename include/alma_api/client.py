"""The way in: one client for one institution's Alma."""

from datetime import timedelta
from types import TracebackType
from typing import Self

from alma_api.analytics import AnalyticsApi
from alma_api.conf import ConfApi
from alma_api.jobs import JobsApi
from alma_api.sets import SetsApi
from alma_api.transport import Timing, Transport
from alma_api.users import UsersApi


class AlmaClient:
    """Talks to one Alma with its API key; may be used from several threads.

    Making a client sends nothing. TLS certificates are always checked; a proxy or an own certificate
    bundle comes from the environment (HTTPS_PROXY, REQUESTS_CA_BUNDLE).

    Args:
        base_url: Such as https://api-na.hosted.exlibrisgroup.com.
        api_key: The API key; it travels in the Authorization header only.
        read_key: A second key that signs all reads, so that the first one is used for changes only.
        calls_per_second: Pace over all threads of this client.
        timeout: Seconds to wait for a connection, and for an answer.
        attempts: How often a call that may be repeated is made at most.
        timing: Where time and chance come from; for tests.

    Raises:
        ValueError: The address is not an https address, or a key can't be one.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        read_key: str | None = None,
        *,
        calls_per_second: float = 10.0,
        timeout: tuple[float, float] = (10.0, 60.0),
        attempts: int = 5,
        timing: Timing | None = None,
    ) -> None:
        timing = timing or Timing()
        self.has_read_key = read_key is not None
        self._transport = Transport(
            base_url,
            api_key,
            read_key,
            calls_per_second=calls_per_second,
            timeout=timeout,
            attempts=attempts,
            timing=timing,
        )
        self.users = UsersApi(self._transport)
        self.sets = SetsApi(self._transport)
        self.jobs = JobsApi(self._transport)
        self.conf = ConfApi(self._transport)
        self.analytics = AnalyticsApi(self._transport, sleep=timing.sleep)

    @property
    def remaining_calls(self) -> int | None:
        """How many API calls the institution has left today, as of the last answer; None before it."""
        return self._transport.remaining_calls

    @property
    def clock_ahead(self) -> timedelta | None:
        """How far this machine's clock is ahead of Alma's, as of the last answer; None when not known."""
        return self._transport.clock_ahead

    def close(self) -> None:
        """Closes the connections; the next call opens new ones."""
        self._transport.close()

    def __enter__(self) -> Self:
        """Returns the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the connections."""
        self.close()
