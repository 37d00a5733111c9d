"""JSON, records, privacy, paging, job status."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma_api.call import Call
from alma_api.errors import AlmaResponseError
from alma_api.job_status import JobStatus
from alma_api.json_text import UnreadableJsonError, decode, encode
from alma_api.paging import Page, page_params, read_all, read_complete
from alma_api.privacy import without_identifiers
from alma_api.record import Record

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON_VALUES)
def test_json_comes_back_as_it_was_sent(value: object) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize("text", ["0.10", "12345678901234567890.123456789", "1E+400", "0.1", "-0.0"])
def test_numbers_keep_every_digit(text: str) -> None:
    assert encode(decode(f"[{text}]")).decode() == f"[{text}]"


@pytest.mark.parametrize(
    "text",
    ["", "{", "nonsense", '{"a": 1, "a": 2}', "[NaN]", "[Infinity]", "[" * 100_000, "[1" + "0" * 5000 + "]"],
)
def test_text_that_is_not_faithful_json_is_refused(text: str) -> None:
    with pytest.raises(UnreadableJsonError):
        decode(text)


def test_unreadable_json_does_not_drag_the_text_along() -> None:
    with pytest.raises(UnreadableJsonError) as caught:
        decode('{"last_name": "Sample')
    assert caught.value.__context__ is None
    assert "Sample" not in repr(caught.value)


@pytest.mark.parametrize("value", [1.5, {1.5}, b"x", Decimal("NaN")])
def test_value_without_an_exact_json_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no exact JSON form"):
        encode({"a": [value]})


def test_encoded_text_is_what_any_json_reader_understands() -> None:
    assert json.loads(encode({"é": ['"\\\n', True, None, 3]})) == {"é": ['"\\\n', True, None, 3]}


def record(**fields: object) -> Record:
    return Record(fields, "thing")


@pytest.mark.parametrize("text", ["2025-10-31Z", "2025-10-31", "2025-10-31T00:00:00Z", "2025-10-31-05:00"])
def test_date_forms(text: str) -> None:
    assert record(d=text).day("d") == date(2025, 10, 31)


@pytest.mark.parametrize("value", [None, "", " "])
def test_missing_date_is_none(value: object) -> None:
    assert record(d=value).day("d") is None
    assert record().day("d") is None


@pytest.mark.parametrize(
    "value", ["2025-13-01Z", "31/10/2025", "2025-10-31x", {"value": "2025-10-31"}, ["x"], 1.5]
)
def test_malformed_date_is_refused_without_quoting_it(value: object) -> None:
    with pytest.raises(AlmaResponseError, match="'d' of the thing") as caught:
        record(d=value).day("d")
    assert "2025" not in str(caught.value)


@pytest.mark.parametrize("value", [3, "3", {"value": 3}, {"value": "3"}, Decimal("3.0")])
def test_count_forms(value: object) -> None:
    assert record(n=value).count("n") == 3


@pytest.mark.parametrize(
    "value", [-1, "x", Decimal("1.5"), True, [1], {"value": {"value": 1}}, "NaN", "Infinity"]
)
def test_malformed_count_is_refused(value: object) -> None:
    with pytest.raises(AlmaResponseError, match="'n' of the thing"):
        record(n=value).count("n")


@pytest.mark.parametrize("value", [None, {"value": None}, {}, ""])
def test_missing_count_is_none_not_zero(value: object) -> None:
    assert record(n=value).count("n") is None
    with pytest.raises(AlmaResponseError, match="missing"):
        record(n=value).required_count("n")


def test_money_is_exact() -> None:
    assert record(m=Decimal("0.10")).money("m") == Decimal("0.10")
    assert record(m={"value": "12.30"}).money("m") == Decimal("12.30")


def test_time_without_a_zone_is_utc() -> None:
    assert record(t="2025-12-01T14:05:12").moment("t") == datetime(2025, 12, 1, 14, 5, 12, tzinfo=UTC)
    assert record(t="2025-12-01T14:05:12.480Z").moment("t") == datetime(
        2025, 12, 1, 14, 5, 12, 480000, tzinfo=UTC
    )
    assert record().moment("t") is None
    with pytest.raises(AlmaResponseError, match="not a time"):
        record(t="yesterday").moment("t")


def test_single_object_is_a_list_of_one() -> None:
    assert [item.text("a") for item in record(x={"a": "1"}).items("x", "item")] == ["1"]
    assert record(x=None).items("x", "item") == []
    with pytest.raises(AlmaResponseError, match="the item is not an object"):
        record(x=["text"]).items("x", "item")


def test_required_text() -> None:
    assert record(a=5).required("a") == "5"
    with pytest.raises(AlmaResponseError, match="'a' of the thing is missing"):
        record(a="").required("a")


MESSAGES = [
    ("User with identifier jdoe was not found.", "User with identifier (hidden) was not found."),
    (
        "User with identifier J Doe of type BARCODE was not found.",
        "User with identifier (hidden) of type BARCODE was not found.",
    ),
    (
        "Failed to delete user with identifier 99 of type all.",
        "Failed to delete user with identifier (hidden) of type all.",
    ),
    ("Primary id: 42", "Primary id: (hidden)"),
    ("Mail pat@example.edu bounced", "Mail (hidden) bounced"),
    ("Mandatory parameter is missing from input.", "Mandatory parameter is missing from input."),
    ("Given user group (X9) is invalid.", "Given user group (X9) is invalid."),
]


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_identifiers_leave_alma_messages(message: str, expected: str) -> None:
    assert without_identifiers(message) == expected


def test_known_identifier_is_hidden_wherever_it_stands() -> None:
    assert (
        without_identifiers("x A.1 and a.1, not A.12 nor AA.1", ["a.1"])
        == "x (hidden) and (hidden), not A.12 nor AA.1"
    )
    assert without_identifiers("nothing known", ["", ""]) == "nothing known"


def test_call_shows_nobody() -> None:
    call = Call("read", "PUT", ("users", "jdoe"), params=(("q", "jdoe"),), body=b"jdoe", personal=("jdoe",))
    assert "jdoe" not in repr(call)


class Shelf:
    def __init__(self, items: list[str], *, total: int | None = None, page: int = 100) -> None:
        self.items, self.page = items, page
        self.total = len(items) if total is None else total
        self.offsets: list[int] = []

    def fetch(self, offset: int) -> Page[str]:
        self.offsets.append(offset)
        return Page(tuple(self.items[offset : offset + self.page]), self.total)


def test_all_pages_are_read_even_if_alma_serves_short_ones() -> None:
    shelf = Shelf([str(number) for number in range(250)], page=40)
    assert len(read_all(shelf.fetch).items) == 250
    assert shelf.offsets == [0, 40, 80, 120, 160, 200, 240]


def test_empty_list_is_one_call() -> None:
    shelf = Shelf([])
    assert read_complete(shelf.fetch, "things", key=str) == ()
    assert shelf.offsets == [0]


def test_incomplete_list_is_refused_after_three_readings() -> None:
    shelf = Shelf(["a", "b"], total=3)
    with pytest.raises(AlmaResponseError, match="listed 2 but says there are 3"):
        read_complete(shelf.fetch, "things", key=str)
    assert shelf.offsets == [0, 2] * 3


def test_item_hidden_by_a_shifted_page_is_found_by_reading_again() -> None:
    shelf = Shelf(["a", "a", "b"], page=2)

    def fetch(offset: int) -> Page[str]:
        if len(shelf.offsets) == 2:
            shelf.items = ["new", "a", "b"]
        return shelf.fetch(offset)

    assert read_complete(fetch, "things", key=str) == ("new", "a", "b")


@pytest.mark.parametrize(("offset", "limit"), [(0, 0), (0, 101), (-1, 10)])
def test_impossible_page_is_refused(offset: int, limit: int) -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        page_params(offset, limit)


RUNNING = {"QUEUED", "PENDING", "INITIALIZING", "RUNNING", "FINALIZING", "UNKNOWN"}
LOOK = {"COMPLETED_WARNING", "COMPLETED_NO_BULKS"}
BAD = {"COMPLETED_FAILED", "FAILED", "SKIPPED", "SYSTEM_ABORTED", "USER_ABORTED", "MANUAL_HANDLING_REQUIRED"}


@pytest.mark.parametrize("status", JobStatus)
def test_every_status_is_judged(status: JobStatus) -> None:
    assert status.is_terminal == (status not in RUNNING)
    assert status.is_good == (status == "COMPLETED_SUCCESS")
    assert status.needs_a_look == (status in LOOK)
    assert status.is_bad == (status in BAD)


@pytest.mark.parametrize("text", ["", "COMPLETED", "Completed Successfully", "EXPLODED"])
def test_unknown_status_counts_as_running(text: str) -> None:
    assert JobStatus.from_text(text) is JobStatus.UNKNOWN


def test_status_is_read_in_any_case() -> None:
    assert JobStatus.from_text(" completed_success ") is JobStatus.COMPLETED_SUCCESS
