import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.patron_purge.test_patron_purge_exclusion_index import exclusion_file

from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.exclusion_rows import PersonName
from patron_purge.identifiers import folded_name
from patron_purge.person_names import name_keys, names_agree

Name = tuple[str, str]


def agree(one: Name, other: Name) -> bool:
    keys = name_keys(*one), name_keys(*other)
    assert names_agree(*keys) == names_agree(*reversed(keys))
    return names_agree(*keys)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Ana", "Garcia"), ("Ana", "Garcia Lopez")),
        (("Ana", "Garc\u00eda-L\u00f3pez"), ("Ana Mar\u00eda", "Lopez")),
        (("Pat", "Smith-Jones"), ("Pat", "Smith")),
        (("Pat", "Smith-Jones"), ("Pat", "Smithjones")),
        (("Pat", "O'Brien"), ("Pat", "O Brien")),
        (("Siobh\u00e1n", "O\u2019Brien"), ("siobhan", "OBrien")),
        (("\u0141ukasz", "\u00d8berg"), ("Lukasz", "Oberg")),
        (("\u0110or\u0111e", "Stra\u00dfe"), ("Dorde", "Strasse")),
        (("\u00c6gir", "\u0131\u015f\u0131k"), ("Aegir", "I\u015f\u0131k")),
        (("Zo\u00eb", "M\u00fcller"), ("Zoe", "Mueller")),
        (("Zoe", "Mueller"), ("Zoe", "Muller")),
        (("J\u00f6rg", "L\u00f6we"), ("Joerg", "Loewe")),
        (("J\u00f6rg", "B\u00e4r"), ("Joerg", "Baer")),
        (("\u00dcmit", "Bauer"), ("Uemit", "Bauer")),
        (("Ann Marie", "Doe"), ("Annmarie", "Doe")),
        (("J.", "Doe"), ("John", "Doe")),
        (("J. Robert", "Doe"), ("Robert", "Doe")),
        (("Dr. Ann", "Doe"), ("Ann", "Doe")),
        (("Prof.", "Doe"), ("Ann", "Doe")),
        (("Ann", "Doe, Jr."), ("Ann", "Doe III")),
        (("John Smith", "Jr."), ("John", "Smith")),
        (("Smith", "John"), ("John A.", "Smith")),
        (("John", "van der Smith"), ("John", "Smith")),
        (("John", "Vandersmith"), ("John", "van der Smith")),
        (("John", "Al-Ahmad"), ("John", "Ahmad")),
        (("Minh", "Do"), ("Minh", "Do")),
        (("Minh", "Nguyen Do"), ("Minh", "Do")),
        (("", "Doe"), ("Ann", "Doe")),
        (("Ann", ""), ("Ann", "Doe")),
        (("", "Prince"), ("Prince", "Rogers")),
        (("Dr.", ""), ("Dr", "")),
        (("A", "O"), ("A", "O")),
    ],
)
def test_two_spellings_of_a_name_agree(one: Name, other: Name) -> None:
    assert agree(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Ann", "Doe"), ("Bob", "Doe")),
        (("Ann", "Doe"), ("Ann", "Roe")),
        (("Maria", "de la Cruz"), ("Marta", "de la Rosa")),
        (("Hans", "van Dyke"), ("Hugo", "van Eyck")),
        (("Omar", "bin Said"), ("Olaf", "bin Talal")),
        (("Ann", "Doe Jr"), ("Amy", "Roe Jr")),
        (("Dr Ann", "Doe"), ("Dr Bob", "Doe")),
        (("Thomas", "Brown"), ("Bella", "Thomas")),
        (("Pat", "O'Brien"), ("Pat", "O'Neill")),
        (("J", "Doe"), ("M", "Lo")),
        (("Ann", "Doe"), ("An", "Do")),
        (("", "Doe"), ("Doreen", "Roe")),
        (("", ""), ("Ann", "Doe")),
        ((" ", "."), ("", "-")),
    ],
)
def test_other_names_do_not(one: Name, other: Name) -> None:
    assert not agree(one, other)


WORDS = st.sampled_from(
    (
        *(
            "",
            "Ann",
            "ann",
            "A.",
            "Dr.",
            "Jr",
            "de la",
            "van",
            "M\u00fcller",
            "Mueller",
            "O'Brien",
            "O",
            "Brien",
        ),
        *("Lee-Ann", "\u674e", ".", "\u0142", "Garcia", "Lopez"),
    )
)
PARTS = st.builds(" ".join, st.lists(WORDS, max_size=3)) | st.text(max_size=4)
NAMES = st.tuples(PARTS, PARTS)


@given(NAMES)
def test_a_name_agrees_with_itself_unless_it_is_empty(name: Name) -> None:
    assert agree(name, name) is bool(folded_name(*name))


@settings(max_examples=300)
@given(st.lists(NAMES, max_size=4), st.lists(NAMES, max_size=4))
def test_index_and_columns_find_whoever_agrees_with_somebody_listed(
    listed: list[Name], people: list[Name]
) -> None:
    index = ExclusionIndex.build([exclusion_file("f.xlsx", (), tuple(PersonName(*name) for name in listed))])
    expected = ["f.xlsx" if any(agree(one, each) for each in listed) else "" for one in people]
    assert [index.file_of_name(*one) for one in people] == expected
    firsts, lasts = (pd.Series([one[part] for one in people], dtype="str") for part in (0, 1))
    assert index.files_of_names(firsts, lasts).tolist() == expected
