"""Invented names and identifiers, of every shape a library has."""

from __future__ import annotations

import random

FIRST = (
    "Pat", "Alex", "Sam", "Robin", "Chris", "Jamie", "Morgan", "Taylor", "Jordan", "Casey", "Zoë",
    "José", "Søren", "Łukasz", "Anaïs", "Mehmet", "Nguyễn", "Priya", "Wei", "Olga", "Mary Ann",
    "D'Andre", "Siân", "Björk", "Ines", "Ravi", "Chloé", "Thu", "Amara", "Kofi", "Leilani", "Noor",
    "Hana", "Iker", "Bríd", "Yuki",
)  # fmt: skip
LAST = (
    "Sample", "Example", "Ashford", "Birch", "Calloway", "Dunmore", "Ellery", "Farrow", "Garrick",
    "Hollis", "Irving", "Jessop", "Kestrel", "Lindqvist", "Marlowe", "Norwood", "Oakes", "Prewitt",
    "Quill", "Ramsay", "Sørensen", "Tindall", "Ünal", "Voss", "Whitlock", "Yarrow", "Zielińska",
    "O'Hare", "Müller", "García Vega", "de la Cruz", "Van der Berg", "Smith-Jones", "Nakamura",
    "Okafor", "Petrović", "Đorđević", "Abebe",
)  # fmt: skip

# Names that break careless pages and careless files.
AWKWARD = (
    ("<b>Bold</b>", "Tagg"),
    ("Robert", "O'Brien, Jr."),
    ("=SUM(1;1)", "Formula"),
    ('"Quote"', "Quoted"),
    ("Amp & Sand", "Ampers & Sons"),
    ("李", "小龍"),
    ("<script>alert(1)</script>", "Scripted"),
    ("", "Mononym"),
    ("Tab\tbed", "Whitespace"),
    ("Ève", "L'Évêque"),
)

# Surnames kept for people whom a workbook row without an id names, so that nobody else shares the name.
NAMELESS_ROWS = ("Thistlewood", "Umbrage", "Vandermeer", "Wolfenbarger", "Xanthos", "Youngblood")


def person_name(rng: random.Random) -> tuple[str, str]:
    """Invent a first and last name."""
    return rng.choice(FIRST), rng.choice(LAST)


def primary_id(serial: int, shape: str) -> str:
    """Write a primary id that no other serial number gives, in the asked shape.

    Args:
        serial: The person's internal number.
        shape: digits, zeros, mail, slash, blank, mixed or dotted.
    """
    shapes = {
        "digits": f"99{serial:08d}",
        "zeros": f"004{serial:07d}",
        "mail": f"p.user{serial}@example.edu",
        "slash": f"XYZ/{serial}",
        "blank": f"EXT {serial}",
        "mixed": f"AbC{serial}xY",
        "dotted": f"g.{serial}.guest",
    }
    return shapes[shape]


SHAPES = (
    "digits",
    "digits",
    "digits",
    "digits",
    "zeros",
    "zeros",
    "mail",
    "slash",
    "blank",
    "mixed",
    "dotted",
)
