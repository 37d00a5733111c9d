"""The lists of people behind a review: searched, filtered, sorted and paged on the server."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alma_purge.web.group_names import GroupNames
from alma_purge.web.people_query import Only, PeopleQuery, View
from alma_purge.web.people_table import SEARCHED, Choice, PeopleTable
from patron_purge.changes import ChangeKind, Changes
from patron_purge.identifiers import folded, folded_column
from patron_purge.ledger import LEDGER_COLUMNS
from patron_purge.states import Reason, RowState

if TYPE_CHECKING:
    import pandas as pd

    from alma_purge.web.people_table import Flags

PAGE_SIZE: Final = 100
_MOST_ROWS_OF_ONE_ID: Final = 10
_REASONS: Final = {reason.value: reason.label for reason in Reason}
_STATES: Final = {state.value: state.label for state in RowState}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One row of the report, as text for a person.

    Attributes:
        row: Number of the row; 0 for somebody whom this report does not list.
        primary_id: Primary id.
        name: Last name, first name.
        group: Code of the user group before the run.
        group_description: Its description; empty when there is none.
        expiry_date: `YYYY-MM-DD` or empty, like the next two.
        purge_date: Purge date.
        last_activity: Day of the last activity.
        fees: Open fees in the institution's currency.
        loans: Number of active loans.
        state: State in words.
        reason: Reason in words.
        detail: The value that decided.
        is_new: Whether the person was not on the list of the earlier run.
        is_of_new_group: Whether nobody of this user group was on the list of the last full run.
        then: Where somebody stood in the earlier run, for people who are no longer on the list.
        now: Where they stand now.
    """

    row: int
    primary_id: str
    name: str
    group: str
    group_description: str
    expiry_date: str
    purge_date: str
    last_activity: str
    fees: str
    loans: str
    state: str
    reason: str
    detail: str
    is_new: bool
    is_of_new_group: bool
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """One page of people.

    Attributes:
        rows: The people.
        total: How many there are on all pages.
        page: Number of this page.
        pages: Number of pages.
        first: Position of the first person shown; 0 when there is nobody.
        last: Position of the last one.
        states: Entries of the filter by state.
        reasons: Entries of the filter by reason.
        groups: Entries of the filter by user group.
        news: People who are new since an earlier run, by what is new about them.
        found_elsewhere: People in the other lists who contain the text; empty without a text.
    """

    rows: tuple[PersonRow, ...]
    total: int
    page: int
    pages: int
    first: int
    last: int
    states: tuple[Choice, ...]
    reasons: tuple[Choice, ...]
    groups: tuple[Choice, ...]
    news: dict[Only, int]
    found_elsewhere: dict[View, int]


@dataclass(frozen=True, slots=True)
class News:
    """What is new since earlier runs.

    Attributes:
        groups: Codes of the user groups of which the last full run had nobody.
        changes: The comparison with the list of the earlier run.
        ids: Primary ids of the people who are new on the list.
        gone: The people who are no longer on it.
    """

    groups: frozenset[str]
    changes: Changes
    ids: frozenset[str]
    gone: PeopleTable


class People:
    """The parsed ledger of one review.

    Args:
        ledger: The ledger.
        names: Descriptions of the user groups.
    """

    def __init__(self, ledger: "pd.DataFrame", names: GroupNames) -> None:
        self._names = names
        rows = _ready(ledger, names)
        listed = rows["state"] == RowState.TO_PURGE.value
        self._all = rows
        self._lists = {
            View.TO_PURGE: PeopleTable(rows.loc[listed]),
            View.OTHERS: PeopleTable(rows.loc[~listed]),
        }

    @property
    def ledger(self) -> "pd.DataFrame":
        """Return the ledger."""
        return self._all[list(LEDGER_COLUMNS)]

    def count(self, view: View) -> int:
        """Return the number of rows in a list."""
        return len(self._lists[view])

    def news(self, changes: Changes, new_groups: Collection[str]) -> News:
        """Prepare what is new since earlier runs.

        Args:
            changes: The comparison with the list of the earlier run.
            new_groups: Codes of the user groups of which the last full run had nobody.
        """
        import pandas as pd

        gone = [change for change in changes.rows if change.kind is ChangeKind.GONE]
        columns = ("primary_id", "first_name", "last_name", "then", "now")
        table = pd.DataFrame({name: [getattr(each, name) for each in gone] for name in columns}, dtype="str")
        table["report_group"] = pd.Series([each.user_group for each in gone], dtype="str")
        row_of = dict(zip(self._all["primary_id"], self._all["row"], strict=True))
        table["row"] = [row_of.get(each.primary_id, 0) for each in gone]
        for name in LEDGER_COLUMNS:
            if name not in table.columns:
                table[name] = ""
        return News(
            groups=frozenset(new_groups),
            changes=changes,
            ids=frozenset(each.primary_id for each in changes.rows if each.kind is ChangeKind.NEW),
            gone=PeopleTable(_ready(table, self._names)),
        )

    def page(self, query: PeopleQuery, news: News) -> PeoplePage:
        """Select one page of people.

        Args:
            query: Which people.
            news: What is new since earlier runs.

        Returns:
            The page; the last one when the query asks for a later one.
        """
        lists = {**self._lists, View.GONE: news.gone}
        table = lists[query.view]
        hits = table.containing(query.text) & table.having(query.filters)
        if query.news is not None:
            hits &= _is_news(table, query.news, news)
        order = table.in_order(query.order)
        found = order[hits[order]]
        pages = max(1, -(-len(found) // PAGE_SIZE))
        page = min(query.page, pages)
        start = (page - 1) * PAGE_SIZE
        shown = found[start : start + PAGE_SIZE]
        return PeoplePage(
            rows=self._people(table, shown.tolist(), news),
            total=len(found),
            page=page,
            pages=pages,
            first=start + 1 if len(shown) else 0,
            last=start + len(shown),
            states=table.choices("state", _STATES),
            reasons=table.choices("reason", _REASONS),
            groups=table.choices("group", self._group_labels(table)),
            news=self._count_news(news),
            found_elsewhere=_elsewhere(lists, query),
        )

    def rows_of(self, *, row: int = 0, primary_id: str = "") -> tuple[dict[str, str], ...]:
        """Find the ledger's rows of one person.

        Args:
            row: Number of a row; 0 to look for the primary id.
            primary_id: The primary id, as typed: in any case, but whole.

        Returns:
            The rows; several when the report lists the person more than once, none when it does not.
        """
        if row:
            hits = self._all["row"] == row
        else:
            hits = self._all["primary_id"] == primary_id
            if not hits.any() and folded(primary_id):
                hits = folded_column(self._all["primary_id"]) == folded(primary_id)
        found = self._all.loc[hits].head(_MOST_ROWS_OF_ONE_ID).to_dict("records")
        return tuple({str(name): str(value) for name, value in each.items()} for each in found)

    def _group_labels(self, table: PeopleTable) -> dict[str, str]:
        labels = {code: self._names.label(code) for code in table.counts("group")}
        return dict(sorted(labels.items(), key=lambda item: item[1].casefold()))

    def _count_news(self, news: News) -> dict[Only, int]:
        table = self._lists[View.TO_PURGE]
        counts = table.counts("group")
        return {
            Only.NEW_GROUPS: sum(counts.get(code, 0) for code in news.groups),
            Only.NEW_PEOPLE: len(news.ids),
        }

    def _people(self, table: PeopleTable, positions: list[int], news: News) -> tuple[PersonRow, ...]:
        records = table.rows.iloc[positions].to_dict("records")
        listed = table is self._lists[View.TO_PURGE]
        return tuple(
            self._person({str(name): str(value) for name, value in each.items()}, news if listed else None)
            for each in records
        )

    def _person(self, cells: dict[str, str], news: News | None) -> PersonRow:
        return PersonRow(
            row=int(cells["row"]),
            primary_id=cells["primary_id"],
            name=cells["name"],
            group=cells["group"],
            group_description=self._names.description(cells["group"]),
            expiry_date=cells["expiry_date"],
            purge_date=cells["purge_date"],
            last_activity=cells["last_activity"],
            fees=cells["fees"],
            loans=cells["loans"],
            state=_STATES.get(cells["state"], ""),
            reason=_REASONS.get(cells["reason"], cells["reason"]),
            detail=cells["detail"],
            is_new=news is not None and cells["primary_id"] in news.ids,
            is_of_new_group=news is not None and cells["group"] in news.groups,
            then=cells.get("then", ""),
            now=cells.get("now", ""),
        )


def _ready(ledger: "pd.DataFrame", names: GroupNames) -> "pd.DataFrame":
    """Add the columns by which people search, filter and sort."""
    given = ledger["original_group"].where(ledger["original_group"] != "", ledger["report_group"])
    codes = {name: names.code(name) for name in given.unique()}
    both = (ledger["last_name"] != "") & (ledger["first_name"] != "")
    comma = both.map({True: ", ", False: ""})
    searched = ledger["primary_id"] + " " + ledger["first_name"] + " " + ledger["last_name"]
    return ledger.assign(
        group=given.map(codes).astype("str"),
        name=(ledger["last_name"] + comma + ledger["first_name"]).astype("str"),
        **{SEARCHED: searched.str.casefold()},
    )


def _is_news(table: PeopleTable, only: Only, news: News) -> "Flags":
    if only is Only.NEW_GROUPS:
        return table.among("group", news.groups)
    return table.among("primary_id", news.ids)


def _elsewhere(lists: dict[View, PeopleTable], query: PeopleQuery) -> dict[View, int]:
    if not query.text:
        return {}
    return {
        view: int(table.containing(query.text).sum())
        for view, table in lists.items()
        if view is not query.view
    }
