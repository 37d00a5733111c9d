"""docs/runbook.md has an entry for every sentence with which the code stops, and no entry for any other."""

import ast
import re
from pathlib import Path

import pytest
from tests.support.stop_messages import ROOT, Message, messages_in, stop_messages

from alma_purge.remedies import ASK_AGAIN, CLEAR_THIS, NEW_RUN
from patron_purge.guards import GUARD_NAMES

RUNBOOK = ROOT / "docs" / "runbook.md"
MOST_MATCHES = 3  # a fragment that fits more messages than this helps nobody to find the entry


def entries(text: str) -> dict[str, list[str]]:
    """Return the fragments that each entry quotes, by the entry's heading."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        quoted = "\n".join(line for line in body.splitlines() if line.startswith(">"))
        found[heading] = [
            " ".join(one.split())
            for one in re.findall(r"`` ?(.+?) ?``|`([^`]+)`", quoted)
            for one in one
            if one
        ]
    return found


MESSAGES = stop_messages()
ENTRIES = entries(RUNBOOK.read_text(encoding="utf-8"))
FRAGMENTS = [fragment for quoted in ENTRIES.values() for fragment in quoted]


def test_every_message_has_an_entry() -> None:
    missing = [
        f"{message.where}: {message.text}"
        for message in MESSAGES
        if not any(fragment in message.text for fragment in FRAGMENTS)
    ]
    assert not missing, "no entry in docs/runbook.md for:\n" + "\n".join(missing)


def test_every_fragment_is_said_by_the_code() -> None:
    unknown = [
        fragment for fragment in FRAGMENTS if not any(fragment in message.text for message in MESSAGES)
    ]
    assert not unknown, "the code does not say (any more):\n" + "\n".join(unknown)


def test_a_fragment_leads_to_few_messages() -> None:
    vague = {
        fragment: [message.where for message in MESSAGES if fragment in message.text]
        for fragment in FRAGMENTS
    }
    assert not {fragment: where for fragment, where in vague.items() if len(where) > MOST_MATCHES}


def test_every_entry_quotes_a_message_once() -> None:
    assert all(ENTRIES.values()), [heading for heading, quoted in ENTRIES.items() if not quoted]
    assert len(FRAGMENTS) == len(set(FRAGMENTS))


def test_every_guard_has_its_line() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    for guard in GUARD_NAMES:
        assert text.count(f"\n| `{guard}` |") == 1, guard


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('raise PurgeError(f"The file {name} is gone.")', ["The file … is gone."]),
        ('def f():\n    return TryAgainError("The " "group is full.")', ["The group is full."]),
        (
            'def f(bad):\n    why = f"{bad} is too old to be used."\n    raise PurgeError(why)',
            ["… is too old to be used."],
        ),
        (
            'def _more():\n    """Say why."""\n    return "It was not read."\n\n'
            "def f():\n    raise PurgeError(_more())",
            ["It was not read."],
        ),
        ('def _why_not(x):\n    return "It is too late." if x else ""', ["It is too late."]),
        (
            'def _no(what) -> PurgeError:\n    return PurgeError(f"{what}. Mend the file then.")\n'
            'raise _no("a key is missing")',
            ["a key is missing", "…. Mend the file then."],
        ),
        (
            'def _stop(self, said):\n    raise PurgeError(said)\n\ndef g(self):\n    self._stop("It was stopped.")',
            ["It was stopped."],
        ),
        ('raise ValueError("Nobody reads this sentence.")', []),
        ('raise PurgeError(f"{one} {two}. Nothing was changed.")', []),
    ],
)
def test_messages_are_found_however_they_are_made(source: str, expected: list[str]) -> None:
    tree = ast.parse("class TryAgainError(PurgeError): pass\n" + source)
    assert sorted(one.text for one in messages_in({Path("x.py"): tree})) == sorted(expected)


def test_the_source_is_read() -> None:
    assert len(MESSAGES) > 200
    assert {message.where.split("/")[0] for message in MESSAGES} == {"plugins", "include"}
    assert all(isinstance(message, Message) for message in MESSAGES)


def test_every_remedy_stands_in_the_runbook() -> None:
    text = " ".join(RUNBOOK.read_text(encoding="utf-8").split())
    for remedy in (CLEAR_THIS, ASK_AGAIN, NEW_RUN):
        assert f"| *{remedy}* |" in text
