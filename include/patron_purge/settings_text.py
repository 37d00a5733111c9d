"""Writes an institution file in which every setting stands with a comment that says what it means."""

from collections.abc import Iterator, Mapping
from textwrap import wrap

import yaml
from pydantic import BaseModel

from patron_purge.institution import Institution
from patron_purge.settings_doc import SettingDoc, settings_of

SCHEMA_LINE = "# yaml-language-server: $schema=schema.json"
"""Tells editors where the schema of institution files is."""

_WIDTH = 110
_INDENT = "  "


def settings_text(heading: str, given: Mapping[str, object], model: type[BaseModel] = Institution) -> str:
    """Write a whole file.

    Args:
        heading: What the file is, in one or more sentences.
        given: Values of settings; those of nested settings as mappings. None leaves a setting empty. A
            setting that is not here gets its default, and one that must be given its example.
        model: The model of the settings.
    """
    lines = [SCHEMA_LINE, *_comment(heading, 0), *_settings(model, given, 0)]
    return "\n".join(lines) + "\n"


def example_text() -> str:
    """Write the example of an institution file."""
    examples = {doc.name: doc.example for doc in settings_of() if doc.example is not None}
    return settings_text(
        "An example with every setting of an institution file. Begin your own with `make new-institution "
        "CODE=XYZ`, which fills in what it can.",
        examples,
    )


def _settings(model: type[BaseModel], given: Mapping[str, object], depth: int) -> Iterator[str]:
    for doc in settings_of(model):
        if not depth:
            yield ""
        yield from _comment(_words(doc), depth)
        yield from _setting(doc, _value(doc, given), depth)


def _words(doc: SettingDoc) -> str:
    """Return the meaning, and the default unless it is empty or follows below."""
    if doc.required or doc.model is not None or doc.usual in (None, []):
        return doc.meaning
    return f"{doc.meaning} Usually `{_scalar(doc.usual)}`."


def _value(doc: SettingDoc, given: Mapping[str, object]) -> object:
    if doc.name in given:
        return given[doc.name]
    if not doc.required:
        return doc.usual
    return {} if doc.model is not None and doc.example is None and not doc.repeated else doc.example


def _setting(doc: SettingDoc, value: object, depth: int) -> Iterator[str]:
    """Write one setting with what is nested in it."""
    indent = _INDENT * depth
    if doc.model is None or (not value and not isinstance(value, Mapping)):
        yield f"{indent}{doc.name}: {_scalar(value)}".rstrip()
        if doc.model is not None:
            yield from _comment(f"Each with: {', '.join(doc.model.model_fields)}.", depth)
    elif doc.repeated and isinstance(value, list):
        yield f"{indent}{doc.name}:"
        for number, item in enumerate(value):
            yield from _item(doc.model, item, depth + 1, explained=number == 0)
    elif isinstance(value, Mapping):
        yield f"{indent}{doc.name}:"
        yield from _settings(doc.model, value, depth + 1)


def _item(
    model: type[BaseModel], item: Mapping[str, object], depth: int, *, explained: bool
) -> Iterator[str]:
    """Write one entry of a list; the first one with all its settings, the others with what was given."""
    lines = (
        list(_settings(model, item, depth + 1))
        if explained
        else [f"{_INDENT * (depth + 1)}{name}: {_scalar(value)}" for name, value in item.items()]
    )
    first = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#"))
    for number, line in enumerate(lines):
        mark = "- " if number == first else ""
        yield line if number > first else f"{_INDENT * depth}{mark}{line.lstrip()}"


def _comment(text: str, depth: int) -> list[str]:
    prefix = f"{_INDENT * depth}# "
    return [prefix + line for line in wrap(text, _WIDTH - len(prefix), break_long_words=False)]


def _scalar(value: object) -> str:
    """Write a value on one line; nothing at all for None."""
    if value is None:
        return ""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("...").rstrip()
