"""Whether two spellings of a name may belong to one person; in doubt they do, since that keeps somebody."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from patron_purge.identifiers import folded

_APOSTROPHES: Final = re.compile("['`\u00b4\u2018\u2019\u02bb\u02bc\u2032\uff07]")
_NOT_WORD: Final = re.compile(r"[\W_]+")
# Letters that Unicode does not take apart, as they are written without them.
_PLAIN: Final = str.maketrans(
    {
        "\u00e6": "ae",
        "\u00f0": "d",
        "\u00f8": "o",
        "\u00fe": "th",
        "\u0111": "d",
        "\u0127": "h",
        "\u0131": "i",
        "\u0142": "l",
        "\u014b": "n",
        "\u0153": "oe",
        "\u0167": "t",
        "\u0180": "b",
        "\u0257": "d",
        "\u0259": "e",
    }
)
# Mueller is Müller and Muller: both are written without the second vowel. Two letters are no name to go by.
_UMLAUT: Final = re.compile("(?<=[aou])e")
_SHORTEST: Final = 3
_TITLES: Final = frozenset(
    ["dr", "mr", "mrs", "ms", "miss", "mx", "prof", "professor", "jr", "sr", "ii", "iii", "iv", "phd", "esq"]
)
# fmt: off
_PARTICLES: Final = frozenset([
    "de", "del", "della", "der", "den", "des", "di", "do", "dos", "da", "das", "du", "la", "las", "le", "les",
    "lo", "los", "van", "von", "vom", "zu", "zum", "zur", "ten", "ter", "te", "af", "av", "al", "el", "ul",
    "bin", "bint", "ben", "ibn", "abu", "mac", "mc", "st", "san", "santa", "and", "und",
])
# fmt: on


@dataclass(frozen=True, slots=True)
class NameKeys:
    """The parts of a name that are compared, without accents, case, punctuation, titles and suffixes.

    Attributes:
        firsts: The words of the first name, and all of them as one word.
        lasts: The words of the last name, and all of them as one word.
        heads: The words that decide where one side knows only one name: the first word of the first name, the
            first name as one word, and `lasts`.
        initials: First letter of the first name; of the second one too, where the first is only a letter.
    """

    firsts: frozenset[str]
    lasts: frozenset[str]
    heads: frozenset[str]
    initials: frozenset[str]

    @property
    def is_lone(self) -> bool:
        """Tell whether only the first or only the last name is known."""
        return not self.firsts or not self.lasts


def name_keys(first_name: str, last_name: str) -> NameKeys:
    """Return the parts by which a name is compared.

    Args:
        first_name: First and middle names; may be empty.
        last_name: Last name; may be empty.

    Returns:
        The parts; all empty when neither name holds a letter or digit.
    """
    given, family = _real_words(first_name), _real_words(last_name)
    if not family and len(given) > 1 and _words(last_name):
        # "John Smith Jr." in one cell has been split before the suffix.
        given, family = given[:-1], given[-1:]
    if not given and not family:
        given = _words(first_name) or _words(last_name)
    firsts, lasts = _keys(given), _keys(_that_match_alone(family), whole=family)
    heads = frozenset(map(_key, (given[0], "".join(given)) if given else ())) | lasts
    leading = given[:2] if given and len(given[0]) == 1 else given[:1]
    return NameKeys(firsts, lasts, heads, frozenset(word[0] for word in leading))


def last_name_keys(last_name: str) -> frozenset[str]:
    """Return the words of a last name, and all of them as one word.

    Args:
        last_name: The last name.

    Returns:
        The same as `NameKeys.lasts`; empty when the last name holds nothing but titles and suffixes.
    """
    family = _real_words(last_name)
    return _keys(_that_match_alone(family), whole=family)


def names_agree(one: NameKeys, other: NameKeys) -> bool:
    """Tell whether two names may belong to one person.

    They may when a word of the last name agrees, or the last name as one word, and the first names share their
    first letter; or, since exclusion files do not always say which one is the last name, when both agree the
    other way round, word by word. Where one side knows only one name, that one decides.

    Args:
        one: One name.
        other: The other name.
    """
    if one.is_lone or other.is_lone:
        return not one.heads.isdisjoint(other.heads)
    if not one.lasts.isdisjoint(other.lasts) and not one.initials.isdisjoint(other.initials):
        return True
    return not one.lasts.isdisjoint(other.firsts) and not one.firsts.isdisjoint(other.lasts)


@lru_cache(maxsize=100_000)
def _words(name: str) -> tuple[str, ...]:
    if name.isascii() and name.isalnum():
        return (name.lower(),)
    plain = folded(_APOSTROPHES.sub("", name))
    if not plain.isascii():
        parts = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in parts if not unicodedata.combining(letter)).translate(_PLAIN)
    return tuple(word for word in _NOT_WORD.split(plain) if word)


def _real_words(name: str) -> tuple[str, ...]:
    return tuple(word for word in _words(name) if word not in _TITLES)


def _that_match_alone(family: tuple[str, ...]) -> tuple[str, ...]:
    """Drop what stands before many last names; at the end it is the name itself, as in "Nguyen Do"."""
    if not family:
        return ()
    *leading, final = family
    kept = [word for word in leading if len(word) > 1 and word not in _PARTICLES]
    return (*kept, final) if len(final) > 1 or not kept else tuple(kept)


def _keys(words: tuple[str, ...], *, whole: tuple[str, ...] = ()) -> frozenset[str]:
    together = "".join(whole or words)
    return frozenset(map(_key, (*words, together) if together else ()))


def _key(word: str) -> str:
    short = _UMLAUT.sub("", word)
    return short if len(short) >= _SHORTEST else word
