"""The text of docs/configuration.md, made from the models, the connection form and the trigger forms' settings."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from alma_purge.provider_info import get_provider_info
from configuration_words import (
    AIRFLOW,
    AIRFLOW_SETTINGS,
    ALMA,
    ENVIRONMENT,
    EXAMPLES,
    FORM_FIELDS,
    FORMS,
    FORMS_IN_WORDS,
    INTRODUCTION,
    PROTECT_LIST,
    SFTP,
    SFTP_FIELDS,
    SMTP,
    VARIABLES,
)
from patron_purge.institution import Institution
from patron_purge.settings_doc import SettingDoc, settings_of


def configuration_page() -> str:
    """Return the text of docs/configuration.md."""
    parts = [INTRODUCTION, *_models(Institution, ""), PROTECT_LIST]
    parts += [ENVIRONMENT, _table(("Variable", "Default", "Meaning"), _variables())]
    parts += [
        AIRFLOW,
        _table(("Setting", "Meaning"), ((f"`{key}`", text) for key, text in AIRFLOW_SETTINGS.items())),
    ]
    parts += [ALMA, _table(("Field", "Form", "Meaning"), _alma_fields())]
    parts += [SFTP, _table(("Extra field", "Meaning"), SFTP_FIELDS), SMTP]
    parts += [FORMS, _table(("DAG", "Field", "Default", "Meaning"), FORM_FIELDS)]
    return "\n".join(parts).rstrip("\n") + "\n"


def _variables() -> Iterator[tuple[str, ...]]:
    return ((f"`{name}`", usual, meaning) for name, (usual, meaning) in VARIABLES.items())


def _models(model: type[BaseModel], outer: str) -> Iterator[str]:
    """Write the table of a model, then those of the models in it."""
    schema = Institution.model_json_schema()
    described = schema if model is Institution else schema["$defs"][model.__name__]
    rows = [
        (
            f"`{outer}{doc.name}`",
            form_of(described["properties"][doc.name], schema["$defs"]),
            _usual(doc),
            _example(doc, model),
            doc.meaning,
        )
        for doc in settings_of(model)
    ]
    yield _table(("Setting", "Form", "Default", "Example", "Meaning"), rows)
    seen: set[type[BaseModel]] = set()
    for doc in settings_of(model):
        if doc.model is None or doc.model in seen:
            continue
        sharing = [each.name for each in settings_of(model) if each.model is doc.model]
        seen.add(doc.model)
        names = " and ".join(f"`{name}`" for name in sharing)
        yield f"### {names}\n\n{_nesting(doc, sharing)}\n"
        yield from _models(doc.model, "")


def _nesting(doc: SettingDoc, sharing: Sequence[str]) -> str:
    summary = (doc.model.__doc__ or "").partition("\n")[0] if doc.model else ""
    where = " and ".join(f"`{name}:`" for name in sharing)
    if doc.repeated:
        return f"{summary} A list below {where}; each entry begins with `-`."
    return f"{summary} Written below {where}, indented by two spaces."


def form_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Say in words what a value must look like.

    Args:
        schema: The JSON Schema of the value.
        definitions: Schemas that it may refer to.
    """
    if "$ref" in schema:
        return form_of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema:
        return _any_of(schema["anyOf"], definitions)
    return _plain_form(schema, definitions)


def _any_of(choices: Sequence[Mapping[str, Any]], definitions: Mapping[str, Any]) -> str:
    given = [one for one in choices if one.get("type") != "null"]
    numbers = [one for one in given if one.get("type") == "number"]
    forms = dict.fromkeys(form_of(one, definitions) for one in numbers or given)
    empty = ["empty"] if len(given) < len(choices) else []
    return " or ".join([*forms, *empty])


def _plain_form(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    match schema.get("type"):
        case "boolean":
            return "`true` or `false`"
        case "integer" | "number" as kind:
            return ("whole number" if kind == "integer" else "number") + _limits(schema)
        case "array":
            few = ", at least one" if schema.get("minItems") else ""
            return f"list: {form_of(schema['items'], definitions)}{few}"
        case "object":
            return "settings of their own, see below"
        case _:
            return FORMS_IN_WORDS[schema["pattern"]] if "pattern" in schema else "text"


def _limits(schema: Mapping[str, Any]) -> str:
    words = {
        "minimum": "{} or more",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
    }
    said = [text.format(f"{schema[key]:g}") for key, text in words.items() if key in schema]
    return f", {', '.join(said)}" if said else ""


def _usual(doc: SettingDoc) -> str:
    if doc.required:
        return "must be given"
    if doc.model is not None:
        return "none" if doc.usual is None else "as below"
    return _value(doc.usual)


def _example(doc: SettingDoc, model: type[BaseModel]) -> str:
    if doc.model is not None:
        return "see below"
    value = doc.usual if doc.example is None else doc.example
    if value not in (None, [], ""):
        return f"`{doc.name}: {_written(value)}`"
    return f"`{EXAMPLES.get(f'{model.__name__}.{doc.name}') or EXAMPLES[doc.name]}`"


def _value(value: object) -> str:
    return "none" if value in (None, []) else f"`{_written(value)}`"


def _written(value: object) -> str:
    """Write a value as it would stand in the file."""
    if isinstance(value, list):
        return f"[{', '.join(_written(one) for one in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if value[:1].isdigit() or ", " in value else value
    return json.dumps(value)


def _alma_fields() -> Iterator[tuple[str, str, str]]:
    yield "Host", "text", "`https://` and the host of your region's API. Empty when *Region* is chosen."
    yield "Port", "whole number", "443. Only needed so that Airflow offers *Test*."
    yield "API key", "password", "The key that signs changes, and reads too when there is no second key."
    (kind,) = get_provider_info()["connection-types"]
    for name, field in kind["conn-fields"].items():
        schema = dict(field["schema"])
        types = schema.pop("type")
        choice = {"enum": schema["enum"]} if "enum" in schema else schema | {"type": types[0]}
        form = "password" if schema.get("format") == "password" else form_of(choice, {})
        yield f"{field['label']} (`{name}`)", form, field["description"]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
