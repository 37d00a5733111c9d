"""The form of a job payload: a list of named text parameters with two placeholders.

Source: Alma Jobs API, "API information" panel of a manual job.
"""

import json
import re
from typing import Any

from patron_purge.errors import ConfigurationError

PLACEHOLDERS = ("set_id", "job_name")


def read_parameters(raw: bytes, file_name: str) -> tuple[tuple[str, str], ...]:
    """Read the parameters of a payload and check what every payload must have.

    Args:
        raw: Content of the payload file.
        file_name: Name of the file, for the messages.

    Returns:
        Names and values in the order of the file.

    Raises:
        ConfigurationError: The file is no payload, repeats a name, or its placeholders are not exactly
            `{{set_id}}` and `{{job_name}}`, each once and as the value of the parameter of that name.
    """
    try:
        content = json.loads(raw.decode("utf-8"), object_pairs_hook=_object_without_duplicates)
    except (UnicodeDecodeError, ValueError) as error:
        raise refusal(file_name, f"it can't be read as JSON ({error})") from error
    if not isinstance(content, dict) or set(content) != {"parameter"}:
        raise refusal(file_name, 'it must hold one object with the single key "parameter"')
    if not isinstance(content["parameter"], list):
        raise refusal(file_name, '"parameter" must be a list')
    parameters = tuple(
        _parameter(item, row, file_name) for row, item in enumerate(content["parameter"], start=1)
    )
    _check_names(parameters, file_name)
    _check_placeholders(raw, parameters, file_name)
    return parameters


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object in which a key is written twice: Alma and this check could read different ones."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return content


def _parameter(item: object, row: int, file_name: str) -> tuple[str, str]:
    """Read one entry of the list: a name object and a text value."""
    match item:
        case {"name": {"value": str(name), **more_of_name}, "value": str(value), **more} if (
            not more and not set(more_of_name) - {"desc"}
        ):
            return name, value
        case _:
            form = '{"name": {"value": "…"}, "value": "…"}'
            raise refusal(file_name, f"parameter {row} does not have the form {form} with texts in quotes")


def _check_names(parameters: tuple[tuple[str, str], ...], file_name: str) -> None:
    """Refuse empty, padded and repeated names: with two values of one name nobody knows which one counts."""
    seen: set[str] = set()
    for name, _ in parameters:
        if not name or name != name.strip():
            raise refusal(file_name, f"the parameter name {name!r} is empty or has blanks around it")
        if name.casefold() in seen:
            raise refusal(file_name, f"the parameter {name} stands there twice")
        seen.add(name.casefold())


def _check_placeholders(raw: bytes, parameters: tuple[tuple[str, str], ...], file_name: str) -> None:
    """Check that the two placeholders stand once each, where they belong, and that there are no others."""
    values = dict(parameters)
    for name in PLACEHOLDERS:
        placeholder = f"{{{{{name}}}}}"
        if values.get(name) != placeholder:
            raise refusal(file_name, f'the parameter {name} must have the value "{placeholder}"')
        if raw.count(placeholder.encode("ascii")) != 1:
            raise refusal(file_name, f"{placeholder} must stand there exactly once")
    for name, value in parameters:
        both = name + value
        if name not in PLACEHOLDERS and ("{{" in both or "}}" in both):
            raise refusal(file_name, f"{name} holds an unknown placeholder {value!r}")
    if len(re.findall(rb"\{\{", raw)) != len(PLACEHOLDERS):
        raise refusal(file_name, "it holds a placeholder besides {{set_id}} and {{job_name}}")


def refusal(file_name: str, what: str) -> ConfigurationError:
    """Build the error for a payload that could do something else than the run needs.

    Args:
        file_name: Name of the file.
        what: What is wrong, naming the parameter.

    Returns:
        The error to raise.
    """
    return ConfigurationError(
        f"{file_name} is refused: {what}. Copy the payload again from the job's API information in Alma "
        "and correct it; nothing was changed."
    )
