"""The two match keys of an identifier, and the match keys of other short texts.

Both keys of an identifier err toward keeping a person: a hit on either one excludes. They are only ever
compared with each other; what is sent to Alma is always its own primary id.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_QUOTES = "\"'`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u2032\u2033"
# Texts whose folded key is their lower case: ASCII without blanks, quotes and control characters. In a column
# a run of such texts is folded at once; an odd text makes only its own run slow.
_PLAIN_LINES = re.compile(r"[!#-&(-_a-~\n]*")
_LINES_AT_ONCE = 64
_FLOAT = re.compile(r"([0-9]+)\.0*")
_NOT_WORD_OR_DOT = re.compile(r"[^\w.]+|_+")
_NOT_WORD = re.compile(r"[\W_]+")
_EXPONENT = re.compile(r"[0-9]+(?:[.,][0-9]*)?e\+[0-9]+")


def folded(text: str) -> str:
    """Return the folded match key: the text without differences that no person would see or mean.

    Compatibility forms (full-width digits, no-break blanks), case, invisible characters (zero-width, byte
    order mark, soft hyphen, control characters), and blanks or quotes around the text are taken away.

    Args:
        text: An identifier or any other short text.

    Returns:
        The key; empty when nothing is left.
    """
    if text.isascii() and text.isprintable():
        return _without_quotes(text.lower())
    key = unicodedata.normalize("NFKC", _visible(_without_quotes(text)))
    key = unicodedata.normalize("NFKC", key.casefold())
    return _without_quotes(_visible(key))


def loose(text: str) -> str:
    """Return the loose match key: the folded key without what spreadsheets and loads add or lose.

    Leading zeros, dots, hyphens, blanks and other punctuation, a `.0` that a numeric cell leaves behind, and
    everything from the first `@` on are taken away.

    Args:
        text: An identifier.

    Returns:
        The key; the folded key when nothing else would be left, so a key is empty only for an empty text.
    """
    return loose_of_folded(folded(text))


def loose_of_folded(key: str) -> str:
    """Return the loose match key of a text whose folded key is known.

    Args:
        key: A folded key.

    Returns:
        The same as `loose` for the text itself.
    """
    core = key.partition("@")[0]
    if not core.isalnum():
        core = _NOT_WORD_OR_DOT.sub("", core)
        number = _FLOAT.fullmatch(core)
        core = number[1] if number else core.replace(".", "")
    return core.lstrip("0") or ("0" if core else key)


def folded_all(texts: Sequence[str]) -> list[str]:
    """Return the folded key of every text.

    Args:
        texts: The texts.

    Returns:
        The keys in the same order.
    """
    keys: list[str] = []
    for start in range(0, len(texts), _LINES_AT_ONCE):
        some = texts[start : start + _LINES_AT_ONCE]
        joined = "\n".join(some)
        lines = joined.lower().split("\n") if _PLAIN_LINES.fullmatch(joined) else []
        keys += lines if len(lines) == len(some) else [folded(text) for text in some]
    return keys


def folded_column(texts: "pd.Series[str]") -> "pd.Series[str]":
    """Return the folded key of every text in a column.

    Args:
        texts: Texts without missing values.

    Returns:
        The keys, with the same index.
    """
    import pandas as pd

    return pd.Series(folded_all(texts.tolist()), index=texts.index, dtype="str")


def loose_column(folded_keys: "pd.Series[str]") -> "pd.Series[str]":
    """Return the loose key of every text in a column.

    Args:
        folded_keys: Texts without missing values; folded keys give the same result as the texts themselves.

    Returns:
        The keys, with the same index.
    """
    import pandas as pd

    keys = [loose_of_folded(key) for key in folded_all(folded_keys.tolist())]
    return pd.Series(keys, index=folded_keys.index, dtype="str")


def folded_name(first_name: str, last_name: str) -> str:
    """Return the letters and digits of a name, folded.

    Args:
        first_name: First and middle names; may be empty.
        last_name: Last name; may be empty.

    Returns:
        The key; empty when neither name holds a letter or digit.
    """
    return folded_heading(f"{first_name} {last_name}")


def phrase(text: str) -> str:
    """Return the match key of a note or of a user group: folded, its words with one blank between them.

    Args:
        text: A note, a text that a note may contain, or the code or description of a user group.

    Returns:
        The words; the folded text where it holds neither letter nor digit.
    """
    key = folded(text)
    return " ".join(word for word in _NOT_WORD.split(key) if word) or key


def says(note: str, text: str) -> bool:
    """Tell whether a note contains a text, whatever blanks and signs stand between the words.

    Args:
        note: The note.
        text: The text.
    """
    return phrase(text) in phrase(note) or folded(text) in folded(note)


def is_rounded_number(text: str) -> bool:
    """Tell whether an id is a number as spreadsheets write long ones, such as `1.23457E+11`.

    Args:
        text: An identifier.
    """
    return _EXPONENT.fullmatch(folded(text)) is not None


def folded_heading(text: str) -> str:
    """Return the match key of a column heading: its letters and digits only, folded.

    Args:
        text: A heading such as `Primary ID` or `primary_id`.

    Returns:
        The key, such as `primaryid`.
    """
    return _NOT_WORD.sub("", folded(text))


def _visible(text: str) -> str:
    """Drop format characters, and control characters other than the ones that work as blanks."""
    return "".join(
        letter for letter in text if letter.isspace() or unicodedata.category(letter) not in {"Cf", "Cc"}
    )


def _without_quotes(text: str) -> str:
    before = None
    while before != text:
        before, text = text, text.strip().strip(_QUOTES)
    return text
