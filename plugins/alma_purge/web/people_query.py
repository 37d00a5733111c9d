"""What a person asks of the list: which people, in which order, which page."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from patron_purge.states import Reason, RowState

UP: Final = "asc"
DOWN: Final = "desc"


class View(StrEnum):
    """The three lists of people."""

    TO_PURGE = "to_purge"
    OTHERS = "others"
    GONE = "gone"


class Only(StrEnum):
    """What is new since an earlier run."""

    NEW_GROUPS = "new_groups"
    NEW_PEOPLE = "new_people"


class SortColumn(StrEnum):
    """The columns by which a list can be sorted."""

    ROW = "row"
    PRIMARY_ID = "primary_id"
    NAME = "name"
    GROUP = "group"
    REASON = "reason"
    EXPIRY_DATE = "expiry_date"
    PURGE_DATE = "purge_date"
    LAST_ACTIVITY = "last_activity"
    FEES = "fees"
    LOANS = "loans"


@dataclass(frozen=True, slots=True)
class Order:
    """An order of rows.

    Attributes:
        column: The column that decides.
        descending: Whether the highest, latest or last comes first.
    """

    column: SortColumn
    descending: bool = False

    @property
    def value(self) -> str:
        """Return the order as the form sends it."""
        return f"{self.column}:{DOWN if self.descending else UP}"

    @property
    def label(self) -> str:
        """Return the order in words."""
        name, up, down = _WORDS[self.column]
        return f"{name}, {down if self.descending else up}"


_DATES: Final = ("oldest first", "latest first")
_FIGURES: Final = ("lowest first", "highest first")
_TEXTS: Final = ("A to Z", "Z to A")
_WORDS: Final = {
    SortColumn.ROW: ("Rows of the report", "from the first", "from the last"),
    SortColumn.PRIMARY_ID: ("Primary id", *_TEXTS),
    SortColumn.NAME: ("Name", *_TEXTS),
    SortColumn.GROUP: ("User group", *_TEXTS),
    SortColumn.REASON: ("Reason", *_TEXTS),
    SortColumn.EXPIRY_DATE: ("Expiry date", *_DATES),
    SortColumn.PURGE_DATE: ("Purge date", *_DATES),
    SortColumn.LAST_ACTIVITY: ("Last activity", *_DATES),
    SortColumn.FEES: ("Fees", *_FIGURES),
    SortColumn.LOANS: ("Loans", *_FIGURES),
}
_USUAL: Final = {
    View.TO_PURGE: Order(SortColumn.PURGE_DATE, descending=True),
    View.OTHERS: Order(SortColumn.ROW),
    View.GONE: Order(SortColumn.NAME),
}
_OF_VIEW: Final = {
    View.TO_PURGE: tuple(column for column in SortColumn if column is not SortColumn.REASON),
    View.OTHERS: tuple(SortColumn),
    View.GONE: (SortColumn.PRIMARY_ID, SortColumn.NAME, SortColumn.GROUP),
}
_SORT_PATTERN: Final = rf"^(|({'|'.join(SortColumn)}):({UP}|{DOWN}))$"


class PeopleQuery(BaseModel):
    """Which people a page shows.

    Attributes:
        view: The list to purge, everybody else in the report, or who is no longer on the list.
        text: Part of a primary id or a name, in any case.
        state: Only rows in this state; empty for any. The list to purge has one state and ignores it.
        reason: Only rows with this reason; empty for any; ignored likewise.
        group: Only rows of this user group; empty for any.
        only: Only what is new since an earlier run; empty for everybody. Only the list to purge knows it.
        sort: `column:asc` or `column:desc`; empty for the usual order of the view.
        page: Number of the page, from 1; the last one when there are fewer.
    """

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    view: View = View.TO_PURGE
    text: Annotated[str, Field(max_length=200)] = ""
    state: Literal[""] | RowState = ""
    reason: Literal[""] | Reason = ""
    group: Annotated[str, Field(max_length=200)] = ""
    only: Literal[""] | Only = ""
    sort: Annotated[str, Field(pattern=_SORT_PATTERN)] = ""
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1

    @property
    def filters(self) -> dict[str, str]:
        """Return the wanted value of each column, as far as this view has a choice."""
        wanted = {"group": str(self.group)}
        if self.view is View.OTHERS:
            wanted |= {"state": str(self.state), "reason": str(self.reason)}
        return {column: value for column, value in wanted.items() if value}

    @property
    def news(self) -> Only | None:
        """Return which news is asked for, as far as this view has any."""
        return self.only if self.view is View.TO_PURGE and self.only else None

    @property
    def is_filtered(self) -> bool:
        """Tell whether the page leaves anybody out."""
        return bool(self.text or self.filters or self.news)

    @property
    def order(self) -> Order:
        """Return the order of the rows."""
        column, _, direction = self.sort.partition(":")
        if not column or column not in _OF_VIEW[self.view]:
            return _USUAL[self.view]
        return Order(SortColumn(column), descending=direction == DOWN)

    @property
    def orders(self) -> tuple[Order, ...]:
        """Return the orders to choose from."""
        return tuple(Order(column, down) for column in _OF_VIEW[self.view] for down in (False, True))

    def next_order(self, column: str) -> str:
        """Return the order that a column's heading leads to: the other way round when it decides already.

        Args:
            column: The column.
        """
        order = self.order
        # The odd end of dates and figures is the high one.
        first_down = _WORDS[SortColumn(column)][1:] != _TEXTS
        down = not order.descending if order.column == column else first_down
        return Order(SortColumn(column), down).value

    def direction(self, column: str) -> str:
        """Return what a column's heading says about the order, in the words of ARIA.

        Args:
            column: The column.
        """
        if self.order.column != column:
            return "none"
        return "descending" if self.order.descending else "ascending"
