import pytest
from tests.unit.alma_purge_web.web_samples import PEOPLE, WHERE, SampleRun, held, person, table

from alma_purge.web.people import PAGE_SIZE, LedgerCache, People, PeopleQuery, View
from patron_purge.ledger import ledger_csv
from patron_purge.states import Reason, RowState


def rows(*people: dict[str, object], **query: object) -> list[int]:
    page = People(table(people or PEOPLE)).page(PeopleQuery.model_validate(query))
    return [each.row for each in page.rows]


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
    page = People(table(PEOPLE)).page(PeopleQuery(view=View.OTHERS, text="nobody"))
    assert [(each.value, each.count) for each in page.states] == [("held_back", 2), ("duplicate", 1)]
    assert [each.value for each in page.reasons] == ["in_exclusion_file", "active_loans"]
    assert page.total == 0


def test_pages_show_everybody_once() -> None:
    people = People(table(tuple(person(row) for row in range(1, 2 * PAGE_SIZE + 6))))
    pages = [people.page(PeopleQuery(page=number)) for number in (1, 2, 3)]
    assert [each.row for page in pages for each in page.rows] == list(range(1, 2 * PAGE_SIZE + 6))
    assert [(page.first, page.last, page.pages) for page in pages] == [
        (1, 100, 3),
        (101, 200, 3),
        (201, 205, 3),
    ]
    assert people.page(PeopleQuery(page=99)) == pages[2]


def test_empty_list_has_one_empty_page() -> None:
    page = People(table((held(1, Reason.PROXY),))).page(PeopleQuery())
    assert (page.total, page.page, page.pages, page.first, page.last) == (0, 1, 1, 0, 0)


def test_cache_goes_by_checksum() -> None:
    cache = LedgerCache()
    one = cache.people("a", ledger_csv(table(PEOPLE)))
    assert cache.people("a", b"not read again") is one
    other = cache.people("b", ledger_csv(table(PEOPLE[:1])))
    assert (one.count(View.TO_PURGE), other.count(View.TO_PURGE)) == (3, 1)
    cache.people("c", ledger_csv(table(PEOPLE[:2])))
    assert cache.people("a", ledger_csv(table(PEOPLE))) is not one


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
    [{"page": "0"}, {"page": "x"}, {"view": "all"}, {"reason": "x"}, {"state": "x"}, {"text": "x" * 201}],
)
def test_filter_that_does_not_exist_is_refused(run: SampleRun, wrong: dict[str, str]) -> None:
    response = run.reviewed().client().get("/review", params={**WHERE, **wrong})
    assert response.status_code == 422
    assert "filter" in response.text


def test_empty_filters_of_the_form_mean_any(run: SampleRun) -> None:
    form = {"view": "others", "text": "", "state": "", "reason": "", "group": ""}
    page = run.reviewed().client().post("/review", params=WHERE, data=form).text
    assert "1\N{EN DASH}3 of 3" in " ".join(page.split())


def test_every_state_and_reason_has_words() -> None:
    people = tuple(
        held(number, reason, state=RowState.DROPPED_LIVE.value)
        for number, reason in enumerate(Reason, start=1)
    )
    page = People(table(people)).page(PeopleQuery(view=View.OTHERS))
    assert [each.reason for each in page.rows] == [reason.label for reason in Reason]
