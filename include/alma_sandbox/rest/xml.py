"""XML as Alma writes it, derived from the JSON shape, and the little of it that is read."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.ElementTree import fromstring

# Lists whose elements sit inside a container in XML.
CONTAINERS = {
    "user_identifier": "user_identifiers", "user_role": "user_roles", "user_block": "user_blocks",
    "user_note": "user_notes", "user_statistic": "user_statistics", "proxy_for_user": "proxy_for_users",
    "rs_library": "rs_libraries", "library_notice": "library_notices", "address": "addresses",
    "email": "emails", "phone": "phones", "address_type": "address_types", "email_type": "email_types",
    "phone_type": "phone_types", "parameter": "parameters", "counter": "counters", "alert": "alerts",
    "action": "actions", "row": "rows",
}  # fmt: skip
ROOT_LISTS = {"user", "set", "job", "job_instance", "member", "item_loan", "user_request", "fee", "error"}
ATTRIBUTES = ("desc", "link")
HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def to_xml(root: str, body: dict[str, Any], namespace: str = "") -> str:
    """Write a JSON answer as XML: descriptions and links become attributes, lists get their container.

    Args:
        root: Name of the root element.
        body: The answer.
        namespace: Default namespace of the root element.
    """
    element = Element(root)
    if namespace:
        element.set("xmlns", namespace)
    _fill(element, body)
    if "total_record_count" in body:
        element.set("total_record_count", str(body["total_record_count"]))
    return HEADER + tostring(element, encoding="unicode")


def _fill(element: Element, body: dict[str, Any]) -> None:
    for key, value in body.items():
        if key == "total_record_count" or value is None:
            continue
        if isinstance(value, list):
            parent = element if key in ROOT_LISTS else SubElement(element, CONTAINERS.get(key, f"{key}s"))
            for item in value:
                _add(parent, key, item)
        else:
            _add(element, key, value)


def _add(parent: Element, key: str, value: object) -> None:
    child = SubElement(parent, key)
    if not isinstance(value, dict):
        child.text = _text(value)
        return
    for name in ATTRIBUTES:
        if "value" in value and value.get(name) is not None:
            child.set(name, str(value[name]))
    if "value" in value and set(value) <= {"value", *ATTRIBUTES}:
        child.text = _text(value["value"])
        return
    _fill(child, value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def read_xml(text: str) -> dict[str, Any]:
    """Read an XML body into the JSON shape: containers become lists, attributes become descriptions.

    Raises:
        ValueError: If it is not well-formed.
    """
    try:
        root: Element = fromstring(text)
    except ParseError as error:
        raise ValueError("not well-formed") from error
    return _read(root)


_LIST_OF = {container: item for item, container in CONTAINERS.items()} | {"members": "member"}


def _read(element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        if child.tag in _LIST_OF:
            items = [_value(item) for item in child]
            found[_LIST_OF[child.tag]] = items
            if child.tag == "members":
                found["members"] = {"member": found.pop("member")}
        else:
            found[child.tag] = _value(child)
    return found


def _value(element: Element) -> object:
    if len(element):
        return _read(element)
    text = element.text or ""
    return {"value": text, "desc": element.get("desc")} if element.get("desc") is not None else text
