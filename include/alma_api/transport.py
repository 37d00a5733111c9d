"""Sends calls to Alma: the key, the pace, the repeats, and what an answer or its absence means."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import requests
import tenacity
from requests.auth import AuthBase

from alma_api.address import checked_base_url, checked_key
from alma_api.call import Call, Effect
from alma_api.connection_failure import error_without_answer
from alma_api.error_body import is_error_document, read_fault
from alma_api.errors import (
    AlmaDailyLimitError,
    AlmaRateError,
    AlmaResponseError,
    AlmaUnavailableError,
    AlmaUnclearError,
    AlmaUnreadableError,
)
from alma_api.faults import UNCLEAR_ADVICE, error_for
from alma_api.json_text import UnreadableJsonError, decode
from alma_api.privacy import keep_ids_out_of_http_logs
from alma_api.rate_limit import RateLimit

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_LONGEST_PAUSE = 30.0
_SUCCESS = range(200, 300)
# A connection left alone this long may have been dropped by a gateway without a word; a change sent
# over it would end unclear although nothing was wrong.
_IDLE_SECONDS = 5.0


@dataclass(frozen=True)
class Timing:
    """Where time and chance come from; tests put their own in.

    Args:
        clock: Returns seconds from a clock that never runs backwards.
        sleep: Waits the given number of seconds.
        jitter: Returns a random number between the two given.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float, float], float] = random.uniform


@dataclass
class _ThreadState:
    session: requests.Session
    last_used: float = field(default=float("-inf"))


class _ApiKey(AuthBase):
    """Puts the key into the header, and keeps a .netrc file from putting something else there."""

    def __init__(self, key: str) -> None:
        self._value = f"apikey {key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


class Transport:
    """Sends calls, each thread over its own connection, all threads at one pace.

    Args:
        base_url: Scheme and host of Alma's API.
        api_key: The API key.
        read_key: The API key for reads, or None to read with `api_key` too.
        calls_per_second: The pace.
        timeout: Seconds to wait for a connection and for an answer.
        attempts: How often a call that may be repeated is made at most.
        timing: Where time and chance come from.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        read_key: str | None = None,
        *,
        calls_per_second: float,
        timeout: tuple[float, float],
        attempts: int,
        timing: Timing,
    ) -> None:
        self._base_url = checked_base_url(base_url)
        self._auth = _ApiKey(checked_key(api_key))
        self._read_auth = self._auth if read_key is None else _ApiKey(checked_key(read_key))
        self._timeout = timeout
        self._attempts = attempts
        self._timing = timing
        self._pace = RateLimit(calls_per_second, clock=timing.clock, sleep=timing.sleep)
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()
        self.remaining_calls: int | None = None
        self.clock_ahead: timedelta | None = None
        keep_ids_out_of_http_logs()

    def json(self, call: Call, understand: Callable[[object], _T]) -> _T:
        """Makes a call that is answered in JSON.

        Args:
            call: The call.
            understand: Turns the decoded answer into the result; raises AlmaResponseError if it can't.

        Returns:
            What `understand` returned.

        Raises:
            AlmaError: The call failed; see `alma_api.errors` for which error says what.
        """

        def from_bytes(body: bytes) -> _T:
            try:
                document = decode(body)
            except UnreadableJsonError:
                document = _UNREADABLE
            if document is _UNREADABLE and read_fault(body) is not None:
                raise error_for(call, HTTPStatus.OK, body)
            if document is _UNREADABLE:
                raise AlmaUnreadableError(f"Could not {call.what}: Alma's answer is not readable as JSON.")
            if is_error_document(document):
                raise error_for(call, HTTPStatus.OK, body)
            return understand(document)

        return self.raw(call, from_bytes)

    def raw(self, call: Call, understand: Callable[[bytes], _T]) -> _T:
        """Makes a call and hands the body of a successful answer to `understand`, as `json` does."""
        for attempt in self._repeats(call):
            with attempt:
                return self._once(call, understand)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def close(self) -> None:
        """Closes the connections of all threads."""
        with self._lock:
            for session in self._sessions:
                session.close()

    def _repeats(self, call: Call) -> Iterator[tenacity.AttemptManager]:
        def pause(state: tenacity.RetryCallState) -> float:
            ceiling = min(_LONGEST_PAUSE, 2.0 ** (state.attempt_number - 1))
            return self._timing.jitter(ceiling / 2, ceiling)

        def announce(state: tenacity.RetryCallState) -> None:
            seconds = state.upcoming_sleep
            _LOG.info(
                "Alma did not %s; trying again in %.1f s (attempt %d of %d failed)",
                call.what,
                seconds,
                state.attempt_number,
                self._attempts,
            )

        return iter(
            tenacity.Retrying(
                stop=tenacity.stop_after_attempt(self._attempts),
                wait=pause,
                retry=tenacity.retry_if_exception(lambda error: _may_repeat(call, error)),
                sleep=self._timing.sleep,
                before_sleep=announce,
                reraise=True,
            )
        )

    def _once(self, call: Call, understand: Callable[[bytes], _T]) -> _T:
        response = self._send(call)
        body = response.content
        if response.status_code not in _SUCCESS:
            raise error_for(call, response.status_code, body)
        try:
            return understand(body)
        except AlmaResponseError as error:
            if call.effect is not Effect.CHANGE:
                raise
            raise AlmaUnclearError(
                f"Alma's answer to the call to {call.what} can't be understood: {UNCLEAR_ADVICE}.",
                http_status=response.status_code,
            ) from error

    def _send(self, call: Call) -> requests.Response:
        target = call.target()
        state = self._thread_state()
        self._pace.wait()
        now = self._timing.clock()
        if call.effect is Effect.CHANGE and now - state.last_used > _IDLE_SECONDS:
            state.session.close()
        try:
            response = state.session.request(
                call.method,
                self._base_url + target,
                data=call.body,
                headers=_headers(call),
                auth=self._read_auth if call.may_use_read_key else self._auth,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            failure = error_without_answer(call, error)
        else:
            state.last_used = self._timing.clock()
            self._note_remaining(response)
            self._note_clock(response)
            return response
        # Raised outside the handler: the original error names the address, with the user's id in it.
        raise failure

    def _thread_state(self) -> _ThreadState:
        state: _ThreadState | None = getattr(self._local, "state", None)
        if state is None:
            session = requests.Session()
            session.auth = self._auth
            state = _ThreadState(session)
            self._local.state = state
            with self._lock:
                self._sessions.append(session)
        return state

    def _note_remaining(self, response: requests.Response) -> None:
        remaining = response.headers.get("X-Exl-Api-Remaining", "").strip()
        if remaining.isascii() and remaining.isdigit():
            self.remaining_calls = int(remaining)

    def _note_clock(self, response: requests.Response) -> None:
        try:
            theirs = parsedate_to_datetime(response.headers.get("Date", ""))
        except ValueError:
            return
        self.clock_ahead = datetime.now(UTC) - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))


_UNREADABLE = object()


def _headers(call: Call) -> dict[str, str]:
    # An Analytics token is the same address for every page: a cache in between would repeat page two.
    headers = {"Accept": call.accept, "Cache-Control": "no-cache, no-store", "Pragma": "no-cache"}
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    return headers


def _may_repeat(call: Call, error: BaseException) -> bool:
    if call.effect is Effect.CURSOR or isinstance(error, AlmaDailyLimitError):
        return False
    # None of the three is ever raised for a change that may have had an effect.
    return isinstance(error, AlmaRateError | AlmaUnavailableError | AlmaUnreadableError)
