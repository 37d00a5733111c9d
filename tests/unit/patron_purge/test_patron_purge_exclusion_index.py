from datetime import date

import pandas as pd
import pytest

from patron_purge.exclusion_file import ExclusionFile
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.exclusion_rows import PersonName
from patron_purge.patron import Finding
from patron_purge.states import Reason


def exclusion_file(name: str, ids: tuple[str, ...] = (), names: tuple[PersonName, ...] = ()) -> ExclusionFile:
    return ExclusionFile(
        name, "", date(2026, 11, 30), "S", 2, "Primary ID", len(ids) + len(names), ids, names
    )


INDEX = ExclusionIndex.build(
    [
        exclusion_file("loans.xlsx", ("00123", "AB-9")),
        exclusion_file(
            "fines.xlsx", ("00123", "z9"), (PersonName("Alex B.", "Reader"), PersonName("", "Prince"))
        ),
    ]
)


@pytest.mark.parametrize("identifier", ["00123", "123", "123.0", "ab9", "AB-9@uni.edu", "\ufeff00123"])
def test_a_hit_on_either_key_excludes(identifier: str) -> None:
    assert INDEX.match(["other", identifier], "", "") == Finding(Reason.IN_EXCLUSION_FILE, "loans.xlsx")


def test_the_file_is_named() -> None:
    assert INDEX.match(["Z9"], "", "") == Finding(Reason.IN_EXCLUSION_FILE, "fines.xlsx")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("Alex", "Reader"),
        ("ALEX C.", "reader"),
        ("Reader", "Alex"),
        ("Pat", "Prince"),
        ("", "Reader"),
        ("Alex", ""),
        ("Alexander", "Reader-Jones"),
    ],
)
def test_a_name_without_an_id_holds_back_its_namesakes(first: str, last: str) -> None:
    assert INDEX.match(["x1"], first, last) == Finding(Reason.NAME_IN_EXCLUSION_FILE, "fines.xlsx")


@pytest.mark.parametrize(("first", "last"), [("Alex", "Writer"), ("Pat", "Reader"), ("", "")])
def test_other_people_are_not_found(first: str, last: str) -> None:
    assert INDEX.match(["x1", "", "1230"], first, last) is None


def test_columns_agree_with_single_look_ups() -> None:
    ids = pd.Series(["123", "x1", "", "Z9"], index=[9, 5, 7, 1], dtype="str")
    assert INDEX.files_of_column(ids).to_dict() == {9: "loans.xlsx", 5: "", 7: "", 1: "fines.xlsx"}
    assert INDEX.matches_column(ids).to_dict() == {9: True, 5: False, 7: False, 1: True}
    first = pd.Series(["Alex", "Pat"], dtype="str")
    last = pd.Series(["Reader", "Reader"], dtype="str")
    assert INDEX.files_of_names(first, last).tolist() == ["fines.xlsx", ""]


def test_an_empty_index_finds_nobody() -> None:
    index = ExclusionIndex.build([exclusion_file("empty.xlsx")])
    assert index.match(["", "0", "x"], "", "") is None
    assert not index.matches_column(pd.Series(["", "0", "x"], dtype="str")).any()
    assert index.files_of_names(pd.Series([""], dtype="str"), pd.Series([""], dtype="str")).tolist() == [""]


def test_an_empty_id_in_a_file_excludes_nobody() -> None:
    index = ExclusionIndex.build([exclusion_file("f.xlsx", ("", " "), (PersonName("", "."),))])
    assert index.match(["", " "], "", "") is None
