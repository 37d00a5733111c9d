from typing import Any

import pytest
from tests.unit.alma_purge_web.web_samples import PEOPLE, WHERE, SampleRun, held, person, table

from alma_purge.web.group_names import GroupNames
from alma_purge.web.people import PAGE_SIZE, People, PeoplePage
from alma_purge.web.people_query import Only, PeopleQuery, SortColumn, View
from patron_purge.changes import Change, ChangeKind, Changes
from patron_purge.states import Reason, RowState

NAMES = GroupNames({"UG": "Undergraduates", "GRAD": "Graduates", "XX": "XX"})
NOTHING = Changes("Nothing to compare with.")


def page_of(
    people: tuple[dict[str, object], ...],
    changes: Changes = NOTHING,
    new_groups: tuple[str, ...] = (),
    **query: object,
) -> PeoplePage:
    listed = People(table(people), NAMES)
    return listed.page(PeopleQuery.model_validate(query), listed.news(changes, new_groups))


def rows(*people: dict[str, object], **query: Any) -> list[int]:
    return [each.row for each in page_of(people or PEOPLE, **query).rows]


def change(kind: ChangeKind, primary_id: str, **fields: str) -> Change:
    usual = {"first_name": "Ada", "last_name": "Gone", "user_group": "UG", "then": "to purge", "now": "kept"}
    return Change(kind=kind, primary_id=primary_id, **(usual | fields))


def test_everybody_stands_in_exactly_one_view() -> None:
    assert rows(view=View.TO_PURGE) == [1, 2, 3]
    assert rows(view=View.OTHERS) == [4, 5, 6]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("id000003", [3]),
        ("ID00000", [1, 3]),
        ("müller, zoë", [3]),
        ("ZOË MÜLLER", [3]),
        ("  neill ", [1]),
        ("[", []),
        (".*", []),
        ("nobody", []),
        ("", [1, 2, 3]),
    ],
)
def test_search_finds_parts_of_ids_and_names(text: str, found: list[int]) -> None:
    assert rows(text=text) == found


def test_filters() -> None:
    assert rows(group="GRAD") == [2]
    assert rows(view="others", state="duplicate") == [6]
    assert rows(view="others", reason="active_loans") == [4]
    assert rows(view="others", reason="active_loans", state="duplicate") == []


def test_group_of_the_report_where_alma_was_not_asked() -> None:
    assert rows(held(1, Reason.PURGE_DATE, report_group="Alumni"), view="others", group="Alumni") == [1]


def test_choices_count_the_whole_view() -> None:
    page = page_of(PEOPLE, view="others", text="nobody")
    assert [(each.value, each.count) for each in page.states] == [("held_back", 2), ("duplicate", 1)]
    assert [each.value for each in page.reasons] == ["in_exclusion_file", "active_loans"]
    assert page.total == 0


def test_pages_show_everybody_once() -> None:
    everybody = tuple(person(row) for row in range(1, 2 * PAGE_SIZE + 6))
    pages = [page_of(everybody, page=number) for number in (1, 2, 3)]
    assert [each.row for page in pages for each in page.rows] == list(range(1, 2 * PAGE_SIZE + 6))
    assert [(page.first, page.last, page.pages) for page in pages] == [
        (1, 100, 3),
        (101, 200, 3),
        (201, 205, 3),
    ]
    assert page_of(everybody, page=99) == pages[2]


def test_empty_list_has_one_empty_page() -> None:
    page = page_of((held(1, Reason.PROXY),))
    assert (page.total, page.page, page.pages, page.first, page.last) == (0, 1, 1, 0, 0)


UNSORTED = (
    person(1, primary_id="b2", last_name="Öz", fees="9", loans="10", purge_date="2024-06-30"),
    person(2, primary_id="A1", last_name="abel", fees="10.50", loans="9", purge_date="2025-06-30"),
    person(3, primary_id="c3", last_name="Zorn", fees="", loans="", purge_date="", last_activity=""),
)


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("primary_id:asc", [2, 1, 3]),
        ("primary_id:desc", [3, 1, 2]),
        ("name:asc", [2, 3, 1]),
        ("purge_date:asc", [1, 2, 3]),
        ("purge_date:desc", [2, 1, 3]),
        ("fees:asc", [1, 2, 3]),
        ("fees:desc", [2, 1, 3]),
        ("loans:desc", [1, 2, 3]),
        ("row:desc", [3, 2, 1]),
        ("", [2, 1, 3]),
    ],
)
def test_sorting_puts_unknown_values_last(sort: str, found: list[int]) -> None:
    assert rows(*UNSORTED, sort=sort) == found


def test_sorting_keeps_equal_rows_in_the_order_of_the_report() -> None:
    same = tuple(person(row, fees="1") for row in range(1, 40))
    assert rows(*same, sort="fees:desc") == rows(*same, sort="fees:asc") == list(range(1, 40))


def test_every_column_can_be_sorted_both_ways() -> None:
    for view in View:
        for order in PeopleQuery(view=view).orders:
            page = page_of(PEOPLE, view=view, sort=order.value)
            assert page.total == {View.TO_PURGE: 3, View.OTHERS: 3, View.GONE: 0}[view]


def test_sorting_by_what_a_list_does_not_show_is_ignored() -> None:
    assert PeopleQuery(view=View.GONE, sort="fees:desc").order.column is SortColumn.NAME
    assert PeopleQuery(sort="reason:asc").order.column is SortColumn.PURGE_DATE


def test_heading_turns_the_order_round() -> None:
    query = PeopleQuery(sort="fees:desc")
    assert query.next_order("fees") == "fees:asc"
    assert query.next_order("loans") == "loans:desc"
    assert query.next_order("name") == "name:asc"
    assert (query.direction("fees"), query.direction("name")) == ("descending", "none")


def test_group_is_shown_with_its_description_however_the_report_names_it() -> None:
    people = (
        held(1, Reason.PURGE_DATE, report_group="undergraduates"),
        held(2, Reason.PURGE_DATE, report_group="UG"),
        held(3, Reason.PURGE_DATE, report_group="Nowhere"),
        held(4, Reason.PURGE_DATE, report_group="XX"),
    )
    page = page_of(people, view="others")
    shown = [(each.group, each.group_description) for each in page.rows]
    assert shown == [("UG", "Undergraduates"), ("UG", "Undergraduates"), ("Nowhere", ""), ("XX", "")]
    assert [(each.value, each.label, each.count) for each in page.groups] == [
        ("Nowhere", "Nowhere", 1),
        ("UG", "Undergraduates (UG)", 2),
        ("XX", "XX", 1),
    ]


def test_state_and_reason_do_not_empty_the_list_to_purge() -> None:
    assert rows(view="to_purge", state="duplicate", reason="active_loans") == [1, 2, 3]


def test_search_says_who_is_in_the_other_lists() -> None:
    page = page_of(PEOPLE, view="to_purge", text="id000004")
    assert (page.total, page.found_elsewhere) == (0, {View.OTHERS: 1, View.GONE: 0})
    assert page_of(PEOPLE).found_elsewhere == {}


def test_what_is_new_can_be_shown_alone() -> None:
    changes = Changes("Compared.", (change(ChangeKind.NEW, "id000003"), change(ChangeKind.GONE, "old1")))
    page = page_of(PEOPLE, changes, ("GRAD",), only=Only.NEW_GROUPS)
    assert [(each.row, each.is_of_new_group, each.is_new) for each in page.rows] == [(2, True, False)]
    page = page_of(PEOPLE, changes, ("GRAD",), only=Only.NEW_PEOPLE)
    assert [(each.row, each.is_of_new_group, each.is_new) for each in page.rows] == [(3, False, True)]
    assert page.news == {Only.NEW_GROUPS: 1, Only.NEW_PEOPLE: 1}


def test_people_who_are_no_longer_on_the_list() -> None:
    gone = (change(ChangeKind.GONE, "id000004"), change(ChangeKind.GONE, "old1", user_group="GRAD"))
    page = page_of(PEOPLE, Changes("Compared.", gone), view="gone", sort="primary_id:desc")
    shown = [(each.primary_id, each.name, each.group_description, each.row) for each in page.rows]
    assert shown == [("old1", "Gone, Ada", "Graduates", 0), ("id000004", "Gone, Ada", "Undergraduates", 4)]
    assert [(each.then, each.now) for each in page.rows] == [("to purge", "kept")] * 2
    assert page_of(PEOPLE, Changes("Compared.", gone), view="gone", text="OLD").total == 1


def test_person_is_found_by_row_or_by_the_whole_id() -> None:
    people = People(table(PEOPLE), NAMES)
    assert [each["row"] for each in people.rows_of(row=4)] == ["4"]
    assert [each["row"] for each in people.rows_of(primary_id=" ID000004 ")] == ["4"]
    assert people.rows_of(primary_id="id00000") == ()
    assert people.rows_of(primary_id="") == ()
    assert people.rows_of(row=99) == ()


def test_exact_id_wins_over_one_that_differs_in_case() -> None:
    people = People(table((person(1, primary_id="ab"), person(2, primary_id="AB"))), NAMES)
    assert [each["row"] for each in people.rows_of(primary_id="AB")] == ["2"]
    assert [each["row"] for each in people.rows_of(primary_id="Ab")] == ["1", "2"]


def test_page_shows_dates_and_reasons_in_words(run: SampleRun) -> None:
    client = run.reviewed().client()
    listed = client.get("/review", params=WHERE).text
    assert "31 May 2023" in listed
    assert "1,240.50" in listed
    assert "O&#39;Neill &amp; Sons" in listed
    others = client.get("/review", params={**WHERE, "view": "others"}).text
    assert "held back by a rule: has active loans" in others
    assert "2 loans" in others
    assert "O&#39;Neill" not in others


def test_search_is_posted_and_keeps_its_filters_on_the_next_page(run: SampleRun) -> None:
    client = run.reviewed(tuple(person(row) for row in range(1, 151))).client()
    form = {"view": "to_purge", "text": "person1", "group": "UG", "page": "1"}
    page = client.post("/review", params=WHERE, data=form).text
    assert "1\N{EN DASH}62 of 62 who fit this search" in " ".join(page.split())
    assert 'value="person1"' in page
    assert '<option value="UG" selected>' in page
    second = client.post("/review", params=WHERE, data={"text": "", "page": "2"}).text
    assert "101\N{EN DASH}150 of 150" in " ".join(second.split())
    assert "Page 2 of 2" in second


@pytest.mark.parametrize(
    "wrong",
    [
        {"page": "0"},
        {"page": "x"},
        {"view": "all"},
        {"reason": "x"},
        {"state": "x"},
        {"text": "x" * 201},
        {"only": "x"},
        {"sort": "fees"},
        {"sort": "password:asc"},
    ],
)
def test_filter_that_does_not_exist_is_refused(run: SampleRun, wrong: dict[str, str]) -> None:
    response = run.reviewed().client().get("/review", params={**WHERE, **wrong})
    assert response.status_code == 422
    assert "filter" in response.text


def test_heading_that_is_pressed_wins_over_the_chosen_order(run: SampleRun) -> None:
    client = run.reviewed(UNSORTED[:2]).client()
    form = "view=to_purge&text=&group=&only=&sort=name%3Aasc&sort=fees%3Adesc"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    page = client.post("/review", params=WHERE, content=form, headers=headers).text
    assert '<option value="fees:desc" selected>' in page
    assert 'aria-sort="descending"><button form="filter" class="sort" name="sort" value="fees:asc">' in page
    assert page.index(">A1") < page.index(">b2")


def test_list_of_people_who_left_says_what_it_compares_with(run: SampleRun) -> None:
    page = run.reviewed().client().post("/review", params=WHERE, data={"view": "gone"}).text
    assert "There was no run before this one to compare with." in page


def test_empty_filters_of_the_form_mean_any(run: SampleRun) -> None:
    form = {"view": "others", "text": "", "state": "", "reason": "", "group": ""}
    page = run.reviewed().client().post("/review", params=WHERE, data=form).text
    assert "1\N{EN DASH}3 of 3" in " ".join(page.split())


def test_every_state_and_reason_has_words() -> None:
    people = tuple(
        held(number, reason, state=RowState.DROPPED_LIVE.value)
        for number, reason in enumerate(Reason, start=1)
    )
    page = page_of(people, view="others")
    assert [each.reason for each in page.rows] == [reason.label for reason in Reason]
