"""The list of people behind a review: searched, filtered and paged on the server."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from patron_purge.ledger import read_ledger_csv
from patron_purge.states import Reason, RowState
from patron_purge.taken_off import TakenOff, rest_of

if TYPE_CHECKING:
    import pandas as pd

PAGE_SIZE: Final = 100
_LEDGERS_KEPT = 2
_REASONS: Final = {reason.value: reason.label for reason in Reason}
_STATES: Final = {state.value: state.label for state in RowState}


class View(StrEnum):
    """The two halves of the report."""

    TO_PURGE = "to_purge"
    OTHERS = "others"


class PeopleQuery(BaseModel):
    """Which people a page shows.

    Attributes:
        view: The list to purge, or everybody else in the report.
        text: Part of a primary id or a name, in any case.
        state: Only rows in this state; empty for any.
        reason: Only rows with this reason; empty for any.
        group: Only rows of this user group; empty for any.
        page: Number of the page, from 1; the last one when there are fewer.
    """

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    view: View = View.TO_PURGE
    text: Annotated[str, Field(max_length=200)] = ""
    state: Literal[""] | RowState = ""
    reason: Literal[""] | Reason = ""
    group: Annotated[str, Field(max_length=200)] = ""
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1

    @property
    def is_filtered(self) -> bool:
        """Tell whether the page leaves anybody out."""
        return bool(self.text or self.state or self.reason or self.group)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One row of the report, as text for a person.

    Attributes:
        row: Number of the row.
        primary_id: Primary id.
        name: Last name, first name.
        group: User group before the run.
        expiry_date: `YYYY-MM-DD` or empty, like the next two.
        purge_date: Purge date.
        last_activity: Day of the last activity.
        fees: Open fees in the institution's currency.
        loans: Number of active loans.
        state: State in words.
        reason: Reason in words.
        detail: The value that decided.
    """

    row: int
    primary_id: str
    name: str
    group: str
    expiry_date: str
    purge_date: str
    last_activity: str
    fees: str
    loans: str
    state: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a filter.

    Attributes:
        value: What the form sends.
        label: What the person reads.
        count: Rows behind it.
    """

    value: str
    label: str
    count: int


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


class People:
    """The parsed ledger of one review.

    Args:
        ledger: The ledger.
    """

    def __init__(self, ledger: "pd.DataFrame") -> None:
        rows = ledger.assign(
            group=ledger["original_group"].where(ledger["original_group"] != "", ledger["report_group"])
        )
        searched = rows["primary_id"] + " " + rows["first_name"] + " " + rows["last_name"]
        rows["searched"] = searched.str.casefold()
        listed = rows["state"] == RowState.TO_PURGE.value
        self._rows = {View.TO_PURGE: rows.loc[listed], View.OTHERS: rows.loc[~listed]}

    def count(self, view: View) -> int:
        """Return the number of rows in a view."""
        return len(self._rows[view])

    def page(self, query: PeopleQuery) -> PeoplePage:
        """Select one page of people.

        Args:
            query: Which people.

        Returns:
            The page; the last one when the query asks for a later one.
        """
        whole = self._rows[query.view]
        found = _select(whole, query)
        pages = max(1, -(-len(found) // PAGE_SIZE))
        page = min(query.page, pages)
        start = (page - 1) * PAGE_SIZE
        shown = found.iloc[start : start + PAGE_SIZE]
        return PeoplePage(
            rows=tuple(
                _person({str(key): value for key, value in row.items()}) for row in shown.to_dict("records")
            ),
            total=len(found),
            page=page,
            pages=pages,
            first=start + 1 if len(shown) else 0,
            last=start + len(shown),
            states=_choices(whole, "state", _STATES),
            reasons=_choices(whole, "reason", _REASONS),
            groups=_choices(whole, "group", {}),
        )


class LedgerCache:
    """Keeps the ledgers that were looked at last, by checksum, so that turning a page is quick."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, tuple[TakenOff, ...]], People] = OrderedDict()
        self._lock = Lock()

    def people(self, sha256: str, content: bytes, taken_off: tuple[TakenOff, ...] = ()) -> People:
        """Return the parsed ledger.

        Args:
            sha256: Checksum of the content.
            content: The ledger's bytes, already checked against it.
            taken_off: Who was taken off since.

        Raises:
            RunFileError: The bytes are no ledger.
        """
        key = (sha256, taken_off)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = People(rest_of(read_ledger_csv(content), "", taken_off).ledger)
            self._kept.move_to_end(key)
            while len(self._kept) > _LEDGERS_KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]


def _select(rows: "pd.DataFrame", query: PeopleQuery) -> "pd.DataFrame":
    for column, value in (("state", query.state), ("reason", query.reason), ("group", query.group)):
        if value:
            rows = rows.loc[rows[column] == str(value)]
    for word in query.text.casefold().replace(",", " ").split():
        rows = rows.loc[rows["searched"].str.contains(word, regex=False)]
    return rows


def _choices(rows: "pd.DataFrame", column: str, labels: Mapping[str, str]) -> tuple[Choice, ...]:
    """List the values of a column, in the order of their labels, or by the alphabet without labels."""
    counts = {str(value): int(count) for value, count in rows[column].value_counts().items() if value}
    order = [value for value in labels if value in counts] if labels else sorted(counts, key=str.casefold)
    return tuple(Choice(value, labels.get(value, value), counts[value]) for value in order)


def _person(cells: dict[str, object]) -> PersonRow:
    text = {name: str(value) for name, value in cells.items()}
    return PersonRow(
        row=int(text["row"]),
        primary_id=text["primary_id"],
        name=", ".join(part for part in (text["last_name"], text["first_name"]) if part),
        group=text["group"],
        expiry_date=text["expiry_date"],
        purge_date=text["purge_date"],
        last_activity=text["last_activity"],
        fees=text["fees"],
        loans=text["loans"],
        state=_STATES[text["state"]],
        reason=_REASONS.get(text["reason"], text["reason"]),
        detail=text["detail"],
    )
