"""Finds Alma's error code in any error body, whatever its form and whatever form was asked for."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import defusedxml.ElementTree as SafeXml
from defusedxml import DefusedXmlException

from alma_api.json_text import UnreadableJsonError, decode

_CODE_IN_TEXT = re.compile(
    r'<errorCode>\s*([A-Za-z0-9_]+)\s*</errorCode>|"errorCode"\s*:\s*"([A-Za-z0-9_]+)"'
)
_MESSAGE_IN_TEXT = re.compile(
    r'<errorMessage>([^<]*)</errorMessage>|"errorMessage"\s*:\s*("(?:[^"\\]|\\.)*")'
)


@dataclass(frozen=True)
class Fault:
    """One error as Alma reported it.

    Args:
        code: Alma's error code.
        message: Alma's message; may hold identifiers.
        tracking_id: Alma's tracking id, or None.
    """

    code: str
    message: str = ""
    tracking_id: str | None = None


def read_fault(body: bytes) -> Fault | None:
    """Finds the first error in the body of a failed call.

    Alma sends errors as JSON in several nestings; its gateway sends XML even if JSON was asked, and
    what stands before the gateway sends HTML or plain text. So the body is judged by its first
    character, never by its content type. From a body that was cut off, what is complete is used.

    Args:
        body: The body as received.

    Returns:
        The first error, or None when the body holds none.
    """
    start = first_character(body)
    if start in {"{", "["}:
        try:
            return next(_faults_in_json(decode(body)), None)
        except UnreadableJsonError:
            return _fault_in_text(body)
    if start == "<":
        try:
            return _fault_in_xml(body)
        except (SafeXml.ParseError, DefusedXmlException, ValueError):
            return _fault_in_text(body)
    return None


def first_character(body: bytes) -> str:
    """Returns the first character that is not blank, or an empty text for an empty body."""
    return body[:200].decode("utf-8-sig", errors="replace").lstrip()[:1]


def is_error_document(document: object) -> bool:
    """Tells whether a decoded JSON answer is Alma's error form, although its HTTP status says success."""
    if not isinstance(document, dict):
        return False
    inner = document.get("web_service_result", document)
    return isinstance(inner, dict) and str(inner.get("errorsExist", "")).lower() == "true"


def _faults_in_json(node: object) -> Iterator[Fault]:
    if isinstance(node, dict):
        if node.get("errorCode"):
            tracking_id = node.get("trackingId")
            yield Fault(
                code=str(node["errorCode"]).strip(),
                message=str(node.get("errorMessage") or "").strip(),
                tracking_id=str(tracking_id) if tracking_id else None,
            )
            return
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _faults_in_json(child)


def _fault_in_xml(body: bytes) -> Fault | None:
    for element in SafeXml.fromstring(body.strip()).iter():
        texts = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element}
        if texts.get("errorCode"):
            return Fault(texts["errorCode"], texts.get("errorMessage", ""), texts.get("trackingId") or None)
    return None


def _fault_in_text(body: bytes) -> Fault | None:
    text = body.decode("utf-8", errors="replace")
    code = _CODE_IN_TEXT.search(text)
    if code is None:
        return None
    message = _MESSAGE_IN_TEXT.search(text)
    return Fault(code=code.group(1) or code.group(2), message=_message_text(message))


def _message_text(match: re.Match[str] | None) -> str:
    if match is None:
        return ""
    if match.group(1) is not None:
        return match.group(1).strip()
    try:
        return str(json.loads(match.group(2))).strip()
    except ValueError:
        return ""
