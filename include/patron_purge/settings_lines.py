"""Reads a settings file together with the line on which each setting stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from yaml.nodes import MappingNode, Node, SequenceNode

from patron_purge.errors import ConfigurationError

# The loader in C reads ninety files as fast as the other one reads ten.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Place = tuple[str | int, ...]
"""Where a setting stands: names of settings and positions in lists, from the outside."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a settings file.

    Attributes:
        line: Line of the file, from 1.
        setting: Name of the setting, nested names with dots; empty for the file as a whole.
        problem: What is wrong with it.
    """

    line: int
    setting: str
    problem: str

    @property
    def sentence(self) -> str:
        """Return setting and problem."""
        return f"{self.setting}: {self.problem}" if self.setting else self.problem


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file as it was read.

    Attributes:
        name: Name of the file.
        content: Its settings.
        lines: Line of each setting.
        repeated: Settings that are given more than once, of which YAML would use the last.
    """

    name: str
    content: Mapping[str, Any]
    lines: Mapping[Place, int]
    repeated: tuple[Mistake, ...] = ()

    def line_of(self, place: Place) -> int:
        """Return the line of a setting, or of what surrounds it when it is not there."""
        inside = place
        while inside and inside not in self.lines:
            inside = inside[:-1]
        return self.lines.get(inside, 1)

    def mistake(self, place: Place, problem: str) -> Mistake:
        """Return a mistake at a place of this file."""
        return Mistake(self.line_of(place), ".".join(str(part) for part in place), problem)

    def mistakes(self, error: ValidationError) -> tuple[Mistake, ...]:
        """Return what a model has found wrong in this file, by line."""
        found = [
            self._found(tuple(item["loc"]), _problem(item["type"], item["msg"], item["input"]))
            for item in error.errors(include_url=False)
        ]
        return tuple(sorted(found, key=lambda one: one.line))

    def _found(self, place: Place, problem: str) -> Mistake:
        """Return a mistake; one about several settings begins with the name of the first of them."""
        if place:
            return self.mistake(place, problem)
        return Mistake(self.line_of(tuple(problem.partition(" ")[0].split("."))), "", problem)


class UnreadableSettingsError(ConfigurationError):
    """A settings file can't be read at all.

    Args:
        sentence: What is wrong, with the file's name.
        line: The line at which reading stopped.
        problem: The same without the file's name.
    """

    def __init__(self, sentence: str, line: int, problem: str) -> None:
        super().__init__(sentence)
        self.line = line
        self.problem = problem


def read_settings(path: Path) -> SettingsFile:
    """Read a settings file.

    Args:
        path: The YAML file.

    Raises:
        UnreadableSettingsError: The file can't be read, or is no YAML mapping.
    """
    try:
        loader = _LOADER(path.read_text(encoding="utf-8"))
        try:
            node = loader.get_single_node()
            lines = dict(_lines(node, ()))
            repeated = tuple(_repeated(node, ()))
            content = None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = f"can't be read as YAML: {getattr(error, 'problem', None) or error}"
        raise UnreadableSettingsError(
            f"{path.name} {problem}{f' (line {mark.line + 1})' if mark else ''}. Nothing was changed.",
            mark.line + 1 if mark else 1,
            problem,
        ) from error
    if not isinstance(content, dict):
        problem = "holds no settings"
        raise UnreadableSettingsError(f"{path.name} {problem}. Nothing was changed.", 1, problem)
    return SettingsFile(path.name, content, lines, repeated)


def _lines(node: Node | None, place: Place) -> Iterator[tuple[Place, int]]:
    """Walk through a document and name the line of every setting."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            inside = (*place, str(key.value))
            yield inside, key.start_mark.line + 1
            yield from _lines(value, inside)
    elif isinstance(node, SequenceNode):
        for number, value in enumerate(node.value):
            yield (*place, number), value.start_mark.line + 1
            yield from _lines(value, (*place, number))


def _repeated(node: Node | None, place: Place) -> Iterator[Mistake]:
    """Walk through a document and name every setting that is there twice."""
    if isinstance(node, MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            inside = (*place, name)
            if name in seen:
                setting = ".".join(str(part) for part in inside)
                yield Mistake(line, setting, f"is already given on line {seen[name]}; keep one of the two")
            seen[name] = line
            yield from _repeated(value, inside)
    elif isinstance(node, SequenceNode):
        for number, value in enumerate(node.value):
            yield from _repeated(value, (*place, number))


def _problem(kind: str, message: str, given: object) -> str:
    """Say what is wrong with a setting."""
    if kind == "extra_forbidden":
        return "there is no such setting"
    if kind == "missing":
        return "is missing"
    if given is None:
        return "has no value yet"
    return message.removeprefix("Value error, ")
