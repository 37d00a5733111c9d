import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_purge.identifiers import (
    folded,
    folded_column,
    folded_heading,
    folded_name,
    is_rounded_number,
    loose,
    loose_column,
    phrase,
)


@pytest.mark.parametrize(
    "text",
    [
        "abc12",
        "ABC12",
        "  abc12\t",
        "\u00a0abc12\u00a0",
        "\ufeffabc12",
        "abc\u200b12",
        "ab\u00adc12",
        "'abc12",
        '"abc12"',
        '" abc12 "',
        "\u201cabc12\u201d",
        "abc\uff11\uff12",
        "\uff21bc12",
        "abc12\u200e",
        "abc12\x00",
    ],
)
def test_folded_takes_away_what_nobody_sees(text: str) -> None:
    assert folded(text) == "abc12"


@pytest.mark.parametrize("text", ["", "  ", "\u00a0", "\ufeff", "\u200b", '""', "' '"])
def test_folded_of_nothing_is_empty(text: str) -> None:
    assert folded(text) == ""
    assert loose(text) == ""


def test_compatibility_forms_are_unfolded_before_case() -> None:
    assert folded("\u2121-1") == "tel-1"


def test_folded_keeps_leading_zeros_and_dots() -> None:
    assert folded("00.12-3@x") == "00.12-3@x"


@pytest.mark.parametrize(
    "text",
    [
        "12345",
        "0012345",
        "12345.0",
        "12345.00",
        "12345.",
        "012345.0",
        "12,345.0",
        "123-45",
        "123\u201345",
        "1.2345",
        "12 345",
        "12345@",
        "12345@uni.edu",
        "0012345\uff20uni.edu",
        "12345.0@uni.edu",
        "'0012345",
        "00'12345",
        "00 12345.0",
        "12_345",
    ],
)
def test_loose_takes_away_what_spreadsheets_and_loads_change(text: str) -> None:
    assert loose(text) == "12345"


@pytest.mark.parametrize(
    ("text", "key"), [("@uni", "@uni"), ("-", "-"), ("...", "..."), ("000", "0"), ("0.0", "0")]
)
def test_loose_never_becomes_empty(text: str, key: str) -> None:
    assert loose(text) == key


def test_ids_that_differ_otherwise_stay_different() -> None:
    keys = [loose(text) for text in ("a1", "a10", "1a", "10", "1", "b1")]
    assert len(set(keys)) == len(keys)


@given(st.text())
def test_folded_is_stable_and_column_variants_agree(text: str) -> None:
    column = pd.Series([text, "x"], index=[7, 3], dtype="str")
    strict = folded_column(column)
    assert strict.tolist() == [folded(text), "x"]
    assert strict.index.tolist() == [7, 3]
    assert loose_column(column).tolist() == [loose(text), "x"]


@given(st.text(alphabet="0123456789abcXYZ.-@ _", min_size=1))
def test_same_folded_key_means_same_loose_key(text: str) -> None:
    assert loose(text) == loose(text.upper()) == loose(f"\ufeff {text}\u00a0")
    assert bool(loose(text)) == bool(folded(text))


@pytest.mark.parametrize(
    ("first", "last", "key"), [(" ", ".", ""), ("", "Smith", "smith"), ("\u674e", "", "\u674e")]
)
def test_only_a_name_without_letters_has_no_key(first: str, last: str, key: str) -> None:
    assert folded_name(first, last) == key


@pytest.mark.parametrize(
    "text",
    [
        "do not purge",
        "DO  NOT\tPURGE",
        "Do not\npurge",
        "do-not-purge",
        "Do_Not\u2011Purge!",
        "\u201cdo not\u201d \u00a0 purge...",
        "do\u200b not purge",
    ],
)
def test_a_phrase_is_its_words(text: str) -> None:
    assert phrase(text) == "do not purge"


def test_a_phrase_of_signs_only_stays() -> None:
    assert phrase(" *** ") == "***"
    assert phrase(" ") == ""


@pytest.mark.parametrize(
    ("text", "rounded"),
    [
        ("1.23457E+11", True),
        ("1E+5", True),
        (" 1,23457e+11 ", True),
        ("1.E+05", True),
        ("1E11", False),
        ("e+11", False),
        ("a1.2e+11", False),
        ("123457", False),
    ],
)
def test_rounded_numbers_are_known(text: str, rounded: bool) -> None:
    assert is_rounded_number(text) is rounded


@pytest.mark.parametrize(
    "text", ["Primary ID", "primary_id", " PRIMARY-ID: ", "Primary\u00a0ID", "\ufeffPrimary ID"]
)
def test_heading_key(text: str) -> None:
    assert folded_heading(text) == "primaryid"
