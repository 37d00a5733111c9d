"""Tells a call that was never sent from one that was sent and not answered."""

import ssl
from collections.abc import Iterator

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from alma_api.call import Call, Effect
from alma_api.errors import AlmaError, AlmaUnavailableError, AlmaUnclearError
from alma_api.faults import UNCLEAR_ADVICE


def error_without_answer(call: Call, error: requests.RequestException) -> AlmaError:
    """Names what a failed connection means.

    Args:
        call: The call.
        error: What requests raised.

    Returns:
        `AlmaUnclearError` for a change that may have been sent, else `AlmaUnavailableError`.
    """
    if call.effect is Effect.CHANGE and not _was_never_sent(error):
        return AlmaUnclearError(
            f"Alma gave no clear answer when asked to {call.what}: "
            f"the connection failed ({type(error).__name__}); {UNCLEAR_ADVICE}."
        )
    return AlmaUnavailableError(
        f"Could not {call.what}: Alma can't be reached or did not answer ({type(error).__name__}); "
        "nothing was changed; check the address of Alma, the network and Alma's status page."
    )


def _was_never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    return any(
        isinstance(cause, NewConnectionError | ConnectTimeoutError | ssl.SSLCertVerificationError)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and those it was made from.

    `__context__` is left out on purpose: it may lead to an older, unrelated error that the caller is
    handling right now, and that one must not make an unclear change look like one never sent.
    """
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop()
        if isinstance(current, BaseException):
            yield current
            waiting += [*current.args, getattr(current, "reason", None)]
