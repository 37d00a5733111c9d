from datetime import date

import pytest
from tests.unit.patron_purge.input_samples import TODAY

from patron_purge.errors import InputRefusedError
from patron_purge.protect_list import ProtectKind, ProtectList, read_protect_list
from patron_purge.states import Reason

HEADER = "kind,value,owner,reason,end_date\n"


def read(text: str, today: date = TODAY) -> ProtectList:
    return read_protect_list(text.encode(), "protect.csv", today=today)


def test_every_kind_of_entry_protects() -> None:
    found = read(
        HEADER
        + "id,00123,Circulation,test account,\n"
        + "GROUP,Emeritus,Dean,by policy,2027-01-31\n"
        + "pattern,ill-*,ILL,department accounts,\n"
        + "note,do not purge,Circulation,asked,1/31/2027\n"
    )
    assert [entry.kind for entry in found.entries] == list(ProtectKind)
    assert found.expired_count == 0
    by_id = found.match(["x", "123"])
    assert by_id is not None
    assert (by_id.reason, by_id.detail) == (Reason.PROTECT_LIST, "id: test account (Circulation)")
    assert found.match(["x"], groups=["FAC", " emeritus"]) is not None
    assert found.match(["ILL-Loans"]) is not None
    assert found.match(["x"], notes=["Please DO NOT\u00a0purge before 2030"]) is not None
    assert found.match(["x", "1234", "still-1", ""], groups=["Faculty", ""], notes=["purge", ""]) is None


def test_an_entry_protects_on_its_end_date_and_not_after() -> None:
    text = HEADER + "id,a,me,why,2026-12-01\nid,b,me,why,11/30/2026\nid,c,me,why,\n"
    found = read(text)
    assert [entry.value for entry in found.entries] == ["a", "c"]
    assert found.expired_count == 1
    assert found.match(["b"]) is None


def test_end_date_is_optional_and_columns_may_be_in_any_order() -> None:
    found = read_protect_list(
        b"\xef\xbb\xbfReason,Owner,Value,Kind\r\nwhy,me,p1,id\r\n\r\n", "protect.csv", today=TODAY
    )
    assert found.match(["P1"]) is not None


def test_mistakes_are_refused_with_row_numbers_and_without_values() -> None:
    text = HEADER + "id,ok,,,\nperson,p-secret,,,\nid,,,,\ngroup,Faculty,,,soon\n"
    with pytest.raises(
        InputRefusedError, match=r"has 3 row\(s\).*known: id, group, pattern, note.*row 3, 4, 5"
    ) as caught:
        read(text)
    assert "p-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"kind;value;owner;reason\n",
        b"kind,value\nid,p1\n",
        b"kind,value,owner,reason,kind\n",
        b"PK\x03\x04\xff",
    ],
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(InputRefusedError, match=r"protect list protect\.csv .*nothing was changed"):
        read_protect_list(content, "protect.csv", today=TODAY)


def test_a_pattern_is_no_regular_expression() -> None:
    found = read(HEADER + "pattern,a.c,,,\n")
    assert found.match(["abc"]) is None
    assert found.match(["A.C"]) is not None


def test_a_pattern_needs_an_identifier_to_match() -> None:
    found = read(HEADER + "pattern,*,,,\n")
    assert found.match(["", " "]) is None
    assert found.match(["x"]) is not None


def test_two_lists_joined_protect_whoever_one_of_them_protects() -> None:
    first = read("kind,value,owner,reason,end_date\nid,p-1,Olga,,\nid,p-3,Olga,,2001-01-01\n")
    second = read("kind,value,owner,reason\npattern,ILL-*,Olga,\ngroup,DEPT,Olga,\nnote,keep,Olga,\n")
    joined = first.joined_with(second, today=TODAY)
    assert joined.expired_count == 1
    for person in (["p-1"], ["ill-7"]):
        assert joined.match(person) is not None
    assert joined.match([], ["dept"]) is not None
    assert joined.match([], [], ["please KEEP"]) is not None
    assert joined.match(["p-2", "p-3"], ["other"], ["nothing"]) is None


@pytest.mark.parametrize("note", ["DO  NOT PURGE", "Do not\npurge", "please: do-not-purge."])
def test_blanks_and_signs_in_a_note_do_not_count(note: str) -> None:
    assert read(HEADER + "note,do not purge,,,\n").match(["x"], notes=[note]) is not None
    assert read(HEADER + "note,Do Not--Purge,,,\n").match(["x"], notes=[note]) is not None


def test_a_note_of_signs_is_still_looked_for() -> None:
    found = read(HEADER + "note,***,,,\n")
    assert found.match(["x"], notes=["*** asked ***"]) is not None
    assert found.match(["x"], notes=["nothing", ""]) is None


def test_blanks_in_the_name_of_a_group_do_not_count() -> None:
    found = read(HEADER + "group,Emeritus Faculty,,,\n")
    assert found.match(["x"], groups=["EM", "Emeritus  Faculty"]) is not None
    assert found.match(["x"], groups=["EM", "Faculty"]) is None
    assert found.group_values == ("Emeritus Faculty",)


@pytest.mark.parametrize("kind", ["id", "ID"])
@pytest.mark.parametrize("value", ["1.23457E+11", '"1,23457E+11"', "1e+12"])
def test_ids_that_a_spreadsheet_has_rounded_are_refused(kind: str, value: str) -> None:
    with pytest.raises(InputRefusedError, match=r"1 id\(s\).*rounded number.*row 3\. Make the column text"):
        read(HEADER + f"id,ok,,,\n{kind},{value},,,\n")


@pytest.mark.parametrize("value", ["ILL*", "ILL-?", "\uff0a"])
def test_a_pattern_as_an_id_is_refused(value: str) -> None:
    with pytest.raises(
        InputRefusedError, match=r"1 id\(s\) with \* or \?.*row 2\. Write pattern instead of id"
    ):
        read(HEADER + f"id,{value},,,2001-01-01\n")


def test_other_kinds_may_look_like_that() -> None:
    read(HEADER + "pattern,ILL*,,,\nnote,call 1.2E+11?,,,\nid,E+11,,,\n")


@pytest.mark.parametrize(("identifier", "protected"), [("ab[1]x", True), ("ab1x", False), ("ab[2]x", False)])
def test_a_bracket_in_a_pattern_is_a_bracket(identifier: str, protected: bool) -> None:
    found = read(HEADER + "pattern,AB[1]*,,,\n")
    assert (found.match([identifier]) is not None) is protected
