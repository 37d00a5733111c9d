"""Turns an answer of Alma that is not a success into the right exception."""

from dataclasses import dataclass

from alma_api import errors
from alma_api.call import Call, Effect
from alma_api.error_body import Fault, read_fault
from alma_api.privacy import without_identifiers

_BY_CODE: dict[str, type[errors.AlmaRequestError]] = {
    **dict.fromkeys(
        # For users only the code that says so: 401651 and 4019990 speak of linked copies.
        ("401861", "60107", "402216", "402218", "402264"),
        errors.NotFoundError,
    ),
    **dict.fromkeys(("402222", "402223"), errors.JobLimitError),
    "60347": errors.JobOverlapError,
    "402263": errors.SetNameTakenError,
    **dict.fromkeys((str(code) for code in range(60111, 60121)), errors.SetMemberError),
}
_KEY_CODES = frozenset({"UNAUTHORIZED", "FORBIDDEN", "INVALID_REQUEST"})
# Alma's own breakdowns, sent with HTTP 400 too: a change may have begun before them.
_BREAKDOWN_CODES = frozenset(
    {"INTERNAL_SERVER_ERROR", "GENERAL_ERROR", "402119", "60101", "402224", "402225", "402226"}
)
_READ_AGAIN_CODES = frozenset({"INTERNAL_SERVER_ERROR", "GENERAL_ERROR"})
_REPORT_MISSING = ("path not found", "access denied for user to path")
_ROWS_EXHAUSTED = "420033"

UNCLEAR_ADVICE = "it may or may not have happened, so it is not repeated; look at Alma's state first"

_REDIRECT = range(300, 400)
_CLIENT_ERROR = range(400, 500)
_TIMED_OUT = 408
_TOO_MANY = 429
_READ_AGAIN_STATUS = frozenset({_TIMED_OUT, *range(500, 600)})


@dataclass(frozen=True)
class _Answer:
    call: Call
    status: int
    fault: Fault

    @property
    def is_refusal(self) -> bool:
        """Whether Alma itself refused: an HTTP 4xx that carries an error code."""
        return self.status in _CLIENT_ERROR and bool(self.fault.code)


def error_for(call: Call, status: int, body: bytes) -> errors.AlmaError:
    """Names what went wrong with an answered call.

    Args:
        call: The call.
        status: The HTTP status of the answer.
        body: The body of the answer, in any form.

    Returns:
        The exception to raise. For a call that changes Alma it is `AlmaUnclearError` unless the answer
        proves that nothing happened.
    """
    answer = _Answer(call, status, read_fault(body) or Fault(code=""))
    return _of_rate(answer) or _of_key(answer) or _of_report(answer) or _of_change(answer) or _of_read(answer)


def _of_rate(answer: _Answer) -> errors.AlmaError | None:
    if answer.status != _TOO_MANY and not (answer.is_refusal and answer.fault.code.endswith("_THRESHOLD")):
        return None
    if answer.fault.code == "DAILY_THRESHOLD":
        advice = (
            "the institution's API calls for today are used up and return at midnight; nothing was changed"
        )
        return _made(errors.AlmaDailyLimitError, answer, advice)
    advice = "too many calls came in one second; nothing was changed, try again later"
    return _made(errors.AlmaRateError, answer, advice)


def _of_key(answer: _Answer) -> errors.AlmaError | None:
    if answer.status not in {401, 403} and not (answer.is_refusal and answer.fault.code in _KEY_CODES):
        return None
    advice = (
        "check that the API key belongs to this institution and environment, has this area with the "
        "needed permission, and may be used from this address, and that the address of Alma is right; "
        "nothing was changed"
    )
    return _made(errors.AlmaAuthError, answer, advice)


def _of_report(answer: _Answer) -> errors.AlmaError | None:
    if answer.call.path[0] != "analytics":
        return None
    if any(text in answer.fault.message.lower() for text in _REPORT_MISSING):
        advice = "check the report's path and that it is saved in a shared folder"
        return _made(errors.ReportNotFoundError, answer, advice)
    if answer.fault.code == _ROWS_EXHAUSTED:
        return _made(errors.AlmaRequestError, answer, "read the report again from its beginning")
    return None


def _of_change(answer: _Answer) -> errors.AlmaError | None:
    if answer.call.effect is not Effect.CHANGE:
        return None
    if answer.is_refusal and answer.fault.code not in _BREAKDOWN_CODES and answer.status != _TIMED_OUT:
        return _made(
            _BY_CODE.get(answer.fault.code, errors.AlmaRequestError),
            answer,
            "Alma refused it, nothing was changed",
        )
    return _made(errors.AlmaUnclearError, answer, UNCLEAR_ADVICE)


def _of_read(answer: _Answer) -> errors.AlmaError:
    if answer.status in _READ_AGAIN_STATUS or answer.fault.code in _READ_AGAIN_CODES:
        return _made(errors.AlmaUnavailableError, answer, "nothing was changed, try again later")
    if answer.status in _REDIRECT:
        advice = (
            "it answered with a redirect, which is refused to protect the API key; check the address of Alma"
        )
        return _made(errors.AlmaRequestError, answer, advice)
    return _made(_BY_CODE.get(answer.fault.code, errors.AlmaRequestError), answer, "nothing was changed")


def _made(kind: type[errors.AlmaError], answer: _Answer, advice: str) -> errors.AlmaError:
    fault = answer.fault
    message = without_identifiers(fault.message, answer.call.personal).rstrip(". ")
    marks = [f"HTTP {answer.status}"]
    if fault.code:
        marks.insert(0, f"Alma error {fault.code}")
    if fault.tracking_id:
        marks.append(f"tracking id {fault.tracking_id}")
    unclear = kind is errors.AlmaUnclearError
    opening = (
        f"Alma gave no clear answer when asked to {answer.call.what}"
        if unclear
        else f"Could not {answer.call.what}"
    )
    reason = f": {message}; " if message else ": "
    return kind(
        f"{opening}{reason}{advice} ({', '.join(marks)}).",
        message=message,
        code=fault.code or None,
        http_status=answer.status,
        tracking_id=fault.tracking_id,
    )
