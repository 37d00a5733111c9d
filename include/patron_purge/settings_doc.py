"""What the settings mean, taken from the models themselves, so that no page or file can differ from them."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from patron_purge.institution import Institution


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting.

    Attributes:
        name: Its name in the file, without what surrounds it.
        meaning: What the model's docstring says about it.
        required: Whether it must be given.
        usual: Its default as it would stand in a file; None when there is none.
        example: A value to show; None when the default shows enough.
        model: The model of what is nested in it; None for a plain value.
        repeated: Whether it holds a list of that model.
    """

    name: str
    meaning: str
    required: bool
    usual: object
    example: object
    model: type[BaseModel] | None
    repeated: bool


def settings_of(model: type[BaseModel] = Institution) -> Iterator[SettingDoc]:
    """Describe every setting of a model, in the order of the model.

    Args:
        model: The model; the institution's own when left out.

    Raises:
        KeyError: A setting has no description in the model's docstring.
    """
    for name, field in model.model_fields.items():
        nested = model_in(field.annotation)
        required = field.is_required()
        usual = None if required else _plain(field.get_default(call_default_factory=True))
        yield SettingDoc(
            name=name,
            meaning=meaning_of(model, name),
            required=required,
            usual=usual,
            example=_example(field),
            model=nested,
            repeated=nested is not None and get_origin(field.annotation) is tuple,
        )


def meaning_of(model: type[BaseModel], name: str) -> str:
    """Return what a model's docstring says about a setting.

    Raises:
        KeyError: It says nothing.
    """
    text = inspect.getdoc(model) or ""
    found = re.search(rf"^ +{name}: (.+(?:\n {{8,}}.+)*)", text, re.MULTILINE)
    if found is None:
        raise KeyError(f"the docstring of {model.__name__} says nothing about {name}")
    return " ".join(found[1].split())


def model_in(annotation: object) -> type[BaseModel] | None:
    """Return the model that a field holds, alone or in a tuple; None for a plain value."""
    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _example(field: FieldInfo) -> object:
    examples = field.examples or (PydanticUndefined,)
    return None if examples[0] is PydanticUndefined else _plain(examples[0])


def _plain(value: object) -> object:
    """Return a value as it would be written in a file."""
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return to_jsonable_python(value)
