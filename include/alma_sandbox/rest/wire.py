"""A call and its answer, apart from any web framework."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.rest.xml import read_xml, to_xml
from alma_sandbox.state.people import Json
from alma_sandbox.state.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Call:
    """One API call, decoded.

    Args:
        method: HTTP method.
        path: Raw path, still percent-encoded.
        parts: Decoded path parameters in order.
        query: Query parameters; the last value wins.
        accept: The Accept header.
        content_type: The Content-Type header.
        body: The raw body.
    """

    method: str
    path: str
    parts: tuple[str, ...]
    query: dict[str, str]
    accept: str
    content_type: str
    body: bytes

    @property
    def wants_json(self) -> bool:
        """Whether the answer goes out as JSON; Alma's default is XML."""
        if "format" in self.query:
            return self.query["format"].lower() == "json"
        return "json" in self.accept

    def read_body(self) -> Json:
        """Read the body as JSON or XML.

        Raises:
            AlmaRefusal: 401676 if it is neither.
        """
        text = self.body.decode("utf-8", "replace").strip()
        if not text:
            return {}
        try:
            found = read_xml(text) if text.startswith("<") else json.loads(text)
        except ValueError as error:
            raise AlmaRefusal("401676", "No valid XML was given.") from error
        if not isinstance(found, dict):
            raise AlmaRefusal("401676", "No valid XML was given.")
        return found

    def number(self, name: str, default: int, low: int, high: int, code: str = "402119") -> int:
        """Read a number from the query, kept within its bounds.

        Raises:
            AlmaRefusal: If it is not a number.
        """
        text = self.query.get(name) or str(default)
        if not text.lstrip("-").isdigit():
            raise AlmaRefusal(code, "General error - An error has occurred while processing the request.")
        return max(low, min(high, int(text)))


@dataclass(slots=True)
class Reply:
    """One answer.

    Args:
        body: What to send, as JSON; None for an empty answer.
        root: Name of the XML root element.
        status: HTTP status.
        xml: Ready-made XML for answers that JSON does not describe.
        error_code: Alma's error code, for the journal.
        force_xml: Whether XML goes out whatever was asked.
    """

    body: Json | None
    root: str = ""
    status: int = 200
    xml: str = ""
    error_code: str = ""
    force_xml: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def encode(self, *, as_json: bool) -> tuple[bytes, str]:
        """Write the answer out, with its content type."""
        if self.body is None and not self.xml:
            return b"", "application/json;charset=UTF-8"
        if as_json and not self.force_xml and self.body is not None:
            text = json.dumps(self.body, ensure_ascii=False)
            return text.encode(), "application/json;charset=UTF-8"
        return (self.xml or to_xml(self.root, self.body or {})).encode(), "application/xml;charset=UTF-8"


Handler = Callable[[Tenant, Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """Where a handler lives and which area of an API key it needs."""

    method: str
    path: str
    handler: Handler
    area: str


def refusal_reply(refusal: AlmaRefusal, tracking_id: str) -> Reply:
    """Write a refusal the way Alma or its gateway does."""
    error: dict[str, Any] = {"errorCode": refusal.code, "errorMessage": refusal.message}
    if not refusal.gateway:
        error["trackingId"] = tracking_id
    body = {"errorsExist": True, "errorList": {"error": [error]}, "result": None}
    shown = {"errorsExist": True, "errorList": {"error": [error]}}
    xml = to_xml("web_service_result", shown, namespace="http://com/exlibris/urm/general/xmlbeans")
    return Reply(body, "web_service_result", refusal.status, xml, refusal.code, refusal.gateway)


def listing(name: str, items: list[Json], total: int) -> Json:
    """Write a list answer; the list itself is missing when it is empty."""
    return {name: items, "total_record_count": total} if items else {"total_record_count": total}
