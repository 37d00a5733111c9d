"""Finds every sentence with which the code stops and turns to a person, by reading the source.

A message is the text given to an exception that is meant for a person, with `…` where values are filled in. Reasons
that other functions hand to such an exception (`_why_not_…`, `_still_active`) count as messages of their own.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("plugins/alma_purge", "include/patron_purge", "include/alma_api")
ROOTS = frozenset(
    {
        "PurgeError",
        "AlmaError",
        "AirflowException",
        "AirflowFailException",
        "AirflowSkipException",
        "ActionRefusedError",
        "HTTPException",
        "NoticeNotSentError",
    }
)
SHORTEST = 3  # words; shorter texts are names and codes
STOCK = re.compile(r"[Nn]othing was changed( in Alma)?")


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence.

    Attributes:
        where: File and line.
        text: The sentence with `…` in place of values.
    """

    where: str
    text: str


def stop_messages() -> list[Message]:
    """Return every message of the three rooms, each text once."""
    return messages_in(
        {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in _files()}
    )


def messages_in(trees: Mapping[Path, ast.Module]) -> list[Message]:
    """Return every message of some files, each text once.

    Args:
        trees: Path of each file, relative to the project, and its syntax tree.
    """
    stops = _stop_classes(trees.values())
    found = {one.text: one for path, tree in trees.items() for one in _File(path, tree, stops).messages()}
    return list(found.values())


def _files() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def _stop_classes(trees: Iterable[ast.Module]) -> frozenset[str]:
    """Return the names of all classes that descend from the roots."""
    bases: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {_name(base) for base in node.bases}
    stops = set(ROOTS)
    while more := {name for name, above in bases.items() if above & stops} - stops:
        stops |= more
    return frozenset(stops)


def _name(node: ast.AST) -> str:
    """Return the last part of a name such as `self._refusal`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


class _File:
    """One source file."""

    def __init__(self, path: Path, tree: ast.Module, stops: frozenset[str]) -> None:
        self.path = path.as_posix()
        self.tree = tree
        self.stops = stops
        self.all_functions = [
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        self.functions = {node.name: node for node in self.all_functions}
        self.relays = {node.name for node in self.all_functions if self._relays(node)}
        self.constants = {
            _name(target): node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        }

    def messages(self) -> Iterator[Message]:
        """Find the messages of this file."""
        for function in (self.tree, *self.all_functions):
            for call in _own_nodes(function):
                if isinstance(call, ast.Call) and self._stops(call):
                    for part in (*call.args, *(each.value for each in call.keywords)):
                        yield from self._texts(part, function)
        for function in self.all_functions:
            if function.name.startswith("_why"):
                yield from self._returned(function)

    def _stops(self, call: ast.Call) -> bool:
        """Tell whether a call makes an exception for a person, itself or through a helper such as `_refusal`."""
        name = _name(call.func)
        helper = self.functions.get(name)
        made = _name(helper.returns) if helper is not None and helper.returns is not None else name
        return made in self.stops or name in {"refusal", "damaged", "not_understood"} or name in self.relays

    def _relays(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        """Tell whether a function makes a sentence that it was given into an exception."""
        given = {each.arg for each in function.args.args}
        return any(
            isinstance(node, ast.Call)
            and _name(node.func) in self.stops
            and bool(given & {_name(argument) for argument in node.args})
            for node in _own_nodes(function)
        )

    def _texts(self, node: ast.AST, function: ast.AST) -> Iterator[Message]:
        """Return what an argument says, following variables and functions of this file."""
        if isinstance(node, ast.Constant | ast.JoinedStr):
            yield from self._message(node)
        elif isinstance(node, ast.BoolOp | ast.IfExp | ast.BinOp):
            for child in ast.iter_child_nodes(node):
                yield from self._texts(child, function)
        elif isinstance(node, ast.Name):
            constant = self.constants.get(node.id)
            for value in _assigned(function, node.id) or ([constant] if constant else []):
                yield from self._texts(value, function)
        elif isinstance(node, ast.Call) and _name(node.func) in self.functions:
            yield from self._returned(self.functions[_name(node.func)])

    def _returned(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Message]:
        """Return every sentence that a function may put into its answer."""
        nodes = list(_own_nodes(function, skip_docstring=True))
        for name in {node.id for node in nodes if isinstance(node, ast.Name)} & self.constants.keys():
            nodes += _parts(self.constants[name])
        for node in nodes:
            yield from self._message(node)

    def _message(self, node: ast.AST) -> Iterator[Message]:
        if not isinstance(node, ast.Constant | ast.JoinedStr):
            return
        text = " ".join(_text(node).split())
        if len(re.findall(r"[A-Za-z]{2,}", STOCK.sub("", text))) >= SHORTEST:
            yield Message(f"{self.path}:{getattr(node, 'lineno', 0)}", text)


def _own_nodes(function: ast.AST, *, skip_docstring: bool = False) -> Iterator[ast.AST]:
    """Walk a function without the functions inside it and without the parts of texts."""
    body = list(getattr(function, "body", []))
    if skip_docstring and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    waiting: list[ast.AST] = body
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield node
        if not isinstance(node, ast.JoinedStr):
            waiting.extend(ast.iter_child_nodes(node))


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a table of sentences without the parts of texts."""
    yield node
    if not isinstance(node, ast.JoinedStr):
        for child in ast.iter_child_nodes(node):
            yield from _parts(child)


def _assigned(function: ast.AST, name: str) -> list[ast.AST]:
    """Return what is assigned to a variable in a function."""
    return [
        node.value
        for node in _own_nodes(function)
        if isinstance(node, ast.Assign) and any(_name(target) == name for target in node.targets)
    ]


def _text(node: ast.AST) -> str:
    """Return a text with `…` in place of values."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "…"
