"""Faults armed for particular calls."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class FaultKind(StrEnum):
    """What can go wrong with a call."""

    RATE_SECOND = "429_second"
    RATE_DAY = "429_day"
    SERVER_ERROR = "500"
    BAD_GATEWAY_HTML = "502_html"
    GATEWAY_ERROR = "503_general_error"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    RESET_IN_BODY = "reset_in_body"
    ERROR_AFTER = "502_after"
    TRUNCATED = "truncated"
    XML_INSTEAD = "xml_instead"
    SLOW = "slow"
    JOB_THRESHOLD = "402222"
    REFUSAL = "refusal"


# These answer without letting the call have its effect.
BEFORE = {
    FaultKind.RATE_SECOND,
    FaultKind.RATE_DAY,
    FaultKind.SERVER_ERROR,
    FaultKind.BAD_GATEWAY_HTML,
    FaultKind.GATEWAY_ERROR,
    FaultKind.TIMEOUT_BEFORE,
    FaultKind.RESET_BEFORE,
    FaultKind.JOB_THRESHOLD,
    FaultKind.REFUSAL,
}


class Fault(BaseModel):
    """One armed fault.

    Args:
        kind: What goes wrong.
        method: HTTP method, or `*`.
        path: Regular expression searched in the raw path and query.
        nth: Which matching call is hit first, counted from arming, starting at 1.
        times: How many matching calls in a row are hit; 0 for all from then on.
        seconds: Length of slow answers and timeouts.
        code: Alma error code of a refusal.
        message: Text of a refusal.
    """

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    method: str = "*"
    path: str = ".*"
    nth: Annotated[int, Field(ge=1)] = 1
    times: Annotated[int, Field(ge=0)] = 1
    seconds: Annotated[float, Field(ge=0)] = 30.0
    code: str = "402119"
    message: str = "General Error - An error has occurred while processing the request."
    seen: int = 0
    fired: int = 0

    def matches(self, method: str, target: str) -> bool:
        """Whether a call is meant, and if so whether it is its turn; counts the call."""
        if self.method not in {"*", method} or not re.search(self.path, target):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times and self.seen >= self.nth + self.times):
            return False
        self.fired += 1
        return True


class FaultBoard:
    """The armed faults."""

    def __init__(self) -> None:
        self.armed: list[Fault] = []

    def arm(self, fault: Fault) -> None:
        """Arm a fault."""
        self.armed.append(fault)

    def clear(self) -> None:
        """Disarm everything."""
        self.armed.clear()

    def pick(self, method: str, target: str) -> Fault | None:
        """Choose the fault for a call; all that match count it, the first whose turn it is wins."""
        hits = [fault for fault in self.armed if fault.matches(method, target)]
        return hits[0] if hits else None
