"""The rows of one list, with what searching and sorting need made ready once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alma_purge.web.people_query import Order, SortColumn

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Positions = NDArray[np.intp]

SEARCHED: Final = "searched"
_NUMBERS: Final = frozenset({SortColumn.FEES, SortColumn.LOANS})
_AS_THEY_ARE: Final = frozenset(
    {SortColumn.ROW, SortColumn.EXPIRY_DATE, SortColumn.PURGE_DATE, SortColumn.LAST_ACTIVITY}
)


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


class PeopleTable:
    """The rows of one list.

    Args:
        rows: The rows, as text except `row`, with the columns `name`, `group` and `searched` besides those of
            the ledger.
    """

    def __init__(self, rows: "pd.DataFrame") -> None:
        self.rows = rows.reset_index(drop=True)
        self._orders: dict[str, Positions] = {}
        self._counts: dict[str, dict[str, int]] = {}

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def containing(self, text: str) -> "Flags":
        """Tell which rows contain every word of a text in the id or the name.

        Args:
            text: Words in any case.
        """
        import numpy as np

        found = np.ones(len(self.rows), dtype=bool)
        for word in text.casefold().replace(",", " ").split():
            found &= self.rows[SEARCHED].str.contains(word, regex=False).to_numpy(dtype=bool)
        return found

    def having(self, wanted: Mapping[str, str]) -> "Flags":
        """Tell which rows have the wanted values.

        Args:
            wanted: Value by column.
        """
        import numpy as np

        found = np.ones(len(self.rows), dtype=bool)
        for column, value in wanted.items():
            found &= (self.rows[column] == value).to_numpy(dtype=bool)
        return found

    def among(self, column: str, values: Collection[str]) -> "Flags":
        """Tell which rows have one of some values.

        Args:
            column: The column.
            values: The values.
        """
        return self.rows[column].isin(list(values)).to_numpy(dtype=bool)

    def in_order(self, order: Order) -> "Positions":
        """Return the positions of all rows in an order; rows without a value come last.

        Args:
            order: The order.
        """
        if order.value not in self._orders:
            self._orders[order.value] = self._sorted(order)
        return self._orders[order.value]

    def counts(self, column: str) -> Mapping[str, int]:
        """Count the rows by the values of a column, without the empty one.

        Args:
            column: The column.
        """
        if column not in self._counts:
            counts = self.rows[column].value_counts()
            self._counts[column] = {str(value): int(count) for value, count in counts.items() if value}
        return self._counts[column]

    def choices(self, column: str, labels: Mapping[str, str]) -> tuple[Choice, ...]:
        """List the values of a column for a filter, in the order of their labels.

        Args:
            column: The column.
            labels: Words by value.
        """
        counts = self.counts(column)
        return tuple(
            Choice(value, label, counts[value]) for value, label in labels.items() if value in counts
        )

    def _sorted(self, order: Order) -> "Positions":
        import numpy as np
        import pandas as pd

        values = self.rows[order.column]
        if order.column in _NUMBERS:
            keys = pd.to_numeric(values, errors="coerce")
        elif order.column in _AS_THEY_ARE:
            keys = values
        else:
            keys = values.str.casefold()
        known = keys.notna() & (values != "")
        ordered = keys[known].sort_values(ascending=not order.descending, kind="stable").index
        return np.concatenate([ordered.to_numpy(), keys.index[~known].to_numpy()]).astype(np.intp)
