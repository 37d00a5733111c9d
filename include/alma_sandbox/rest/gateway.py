"""The gateway in front of Alma: keys, limits, headers, faults, and the journal line of every call."""

from __future__ import annotations

import time
from dataclasses import dataclass

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.rest.wire import Call, Reply, Route, refusal_reply
from alma_sandbox.stage import Stage
from alma_sandbox.state.faults import BEFORE, Fault, FaultKind

PER_SECOND = AlmaRefusal(
    "PER_SECOND_THRESHOLD",
    "HTTP requests are more than allowed per second. See https://goo.gl/2x1c1M ",
    status=429,
    gateway=True,
)
DAILY = AlmaRefusal(
    "DAILY_THRESHOLD",
    "Daily API Request Threshold has been reached. For details see: "
    "https://developers.exlibrisgroup.com/alma/apis#threshold",
    status=429,
    gateway=True,
)
UNAUTHORIZED = AlmaRefusal(
    "UNAUTHORIZED", "API-key not defined or not configured to allow this API.", status=400, gateway=True
)
SERVER_ERROR = AlmaRefusal(
    "INTERNAL_SERVER_ERROR",
    "The web server encountered an unexpected condition that prevented it from fulfilling the request.",
    status=500,
)
GENERAL_ERROR = AlmaRefusal(
    "GENERAL_ERROR",
    "503 Service Unavailable - General error with the API Gateway - please retry later.",
    status=503,
    gateway=True,
)
JOB_THRESHOLD = AlmaRefusal("402222", "Execution threshold reached.")
HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

FAULT_REFUSALS = {
    FaultKind.RATE_SECOND: PER_SECOND,
    FaultKind.RATE_DAY: DAILY,
    FaultKind.SERVER_ERROR: SERVER_ERROR,
    FaultKind.GATEWAY_ERROR: GENERAL_ERROR,
    FaultKind.JOB_THRESHOLD: JOB_THRESHOLD,
}


@dataclass(slots=True)
class Answer:
    """What goes over the wire.

    Args:
        status: HTTP status.
        content: The body.
        media_type: Its content type.
        headers: Further headers.
        delay: Seconds to wait before it goes out.
        cut: Whether the connection is reset instead of answering.
        broken_off: Whether the connection is reset in the middle of the body.
    """

    status: int
    content: bytes
    media_type: str
    headers: dict[str, str]
    delay: float = 0.0
    cut: bool = False
    broken_off: bool = False


class Gateway:
    """Runs calls against the stage.

    Args:
        stage: The stage.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._request_number = 0

    def run(self, call: Call, route: Route | None, key: str, target: str) -> Answer:
        """Run one call and write its journal line.

        Args:
            call: The call.
            route: Where it leads; None when there is nothing.
            key: The API key as sent.
            target: Raw path and query without the key, which fault patterns are matched against.
        """
        tenant = self._stage.tenant
        with tenant.lock:
            self._stage.settle()
            self._request_number += 1
            fault = tenant.faults.pick(call.method, target)
            query = {name: value for name, value in call.query.items() if name != "apikey"}
            entry = tenant.journal.call(tenant.clock.now(), call.method, call.path, query)
            entry.key = self._key_name(key)
            entry.fault = fault.kind.value if fault else ""
            reply = self._reply(call, route, key, fault)
            tenant.journal.close(entry, reply.status, reply.error_code)
            headers = self._headers() | reply.headers
        return _spoil(reply, call, headers, fault)

    def _reply(self, call: Call, route: Route | None, key: str, fault: Fault | None) -> Reply:
        tenant = self._stage.tenant
        try:
            self._count()
            if fault is not None and fault.kind in BEFORE:
                return self._spoiled_before(fault)
            if route is None:
                return Reply({"error": "no such resource"}, "error", 404, error_code="404")
            self._check_key(key, route)
            return route.handler(tenant, call)
        except AlmaRefusal as refusal:
            return refusal_reply(refusal, self._tracking_id())

    def _spoiled_before(self, fault: Fault) -> Reply:
        if fault.kind in FAULT_REFUSALS:
            raise FAULT_REFUSALS[fault.kind]
        if fault.kind is FaultKind.REFUSAL:
            raise AlmaRefusal(fault.code, fault.message)
        return Reply(None, status=502, error_code=fault.kind.value)

    def _count(self) -> None:
        stage, tenant = self._stage, self._stage.tenant
        if stage.counted_on != tenant.clock.today():
            stage.counted_on, stage.calls_today = tenant.clock.today(), 0
        limit = tenant.switches.per_second_limit
        moment = time.monotonic()
        while stage.recent_calls and stage.recent_calls[0] <= moment - 1:
            stage.recent_calls.popleft()
        if limit and len(stage.recent_calls) >= limit:
            raise PER_SECOND
        stage.recent_calls.append(moment)
        if stage.calls_today >= tenant.switches.daily_limit:
            raise DAILY
        stage.calls_today += 1

    def _check_key(self, key: str, route: Route) -> None:
        right = self._stage.keys.get(key, {}).get(route.area, "")
        if right == "RW" or (right == "R" and route.method == "GET"):
            return
        raise UNAUTHORIZED

    def _key_name(self, key: str) -> str:
        names = list(self._stage.keys)
        return f"key {names.index(key) + 1}" if key in names else "unknown key"

    def _headers(self) -> dict[str, str]:
        limit = self._stage.tenant.switches.daily_limit
        return {
            "X-Exl-Api-Remaining": str(max(limit - self._stage.calls_today, 0)),
            "X-Exl-Api-Quota": str(limit),
            "X-Request-ID": f"sandbox-{self._request_number:08d}",
            "Server": "Layer7-API-Gateway",
        }

    def _tracking_id(self) -> str:
        now = self._stage.tenant.clock.now()
        return f"E01-{now:%d%m%H%M%S}-SNDBX-AWAE{self._request_number:010d}"


def _spoil(reply: Reply, call: Call, headers: dict[str, str], fault: Fault | None) -> Answer:
    kind = fault.kind if fault else None
    as_json = call.wants_json and kind is not FaultKind.XML_INSTEAD
    content, media_type = reply.encode(as_json=as_json)
    answer = Answer(reply.status, content, media_type, headers)
    if fault is None:
        return answer
    if kind in {FaultKind.BAD_GATEWAY_HTML, FaultKind.ERROR_AFTER}:
        answer.status, answer.content, answer.media_type = 502, HTML.encode(), "text/html"
    elif kind is FaultKind.TRUNCATED:
        answer.content = content[: max(len(content) // 2, 1)]
    elif kind is FaultKind.SLOW:
        answer.delay = fault.seconds
    elif kind in {FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER}:
        answer.delay, answer.cut = fault.seconds, True
    elif kind in {FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER}:
        answer.cut = True
    elif kind is FaultKind.RESET_IN_BODY:
        # Where there is no body there is no middle of it.
        answer.broken_off, answer.cut = bool(content), not content
    return answer
