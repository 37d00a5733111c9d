"""Refuse rows in which somebody may stand who can't be read: formulas without a result, added letters."""

from collections.abc import Sequence

from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_cells import cell_name
from patron_purge.exclusion_ids import no_sure_id
from patron_purge.exclusion_lines import cell_text
from patron_purge.exclusion_sheet import Cell, Sheet


class OddRows:
    """The odd cells of a sheet by row."""

    def __init__(self, sheet: Sheet, file_name: str) -> None:
        self._where = f"{file_name}, sheet {sheet.name}"
        self._last = len(sheet.rows)
        self._formulas: dict[int, set[int]] = {}
        self._lettered: dict[int, set[int]] = {}
        for cells, by_row in (
            (sheet.odd.empty_formulas, self._formulas),
            (sheet.odd.lettered, self._lettered),
        ):
            for row, column in cells:
                by_row.setdefault(row, set()).add(column)

    def check(self, number: int, row: Sequence[Cell], identifier: int | None) -> None:
        """Refuse a row whose person can't be known.

        Args:
            number: The row's number.
            row: Its cells.
            identifier: Position of the id column; None outside a table.

        Raises:
            InputRefusedError: A formula has no result where the id, or the name in its place, would stand; or
                the id is shown with letters or digits that are not in its cell.
        """
        if number in self._formulas and not _has_id(row, identifier):
            raise self._formula(number)
        if number in self._lettered:
            self._check_formats(number, row, identifier)

    def check_end(self) -> None:
        """Refuse a sheet with formulas below the last row that was read.

        Raises:
            InputRefusedError: There is one; the workbook reader stops at the last cell that is not empty.
        """
        below = [number for number in self._formulas if number > self._last]
        if below:
            raise self._formula(min(below))

    def _formula(self, number: int) -> InputRefusedError:
        cell = cell_name(number, min(self._formulas[number]))
        return InputRefusedError(
            f"{self._where}: cell {cell} holds a formula without its result, and there is no id beside it, so "
            "somebody may be missing. Ask for a file with values instead of formulas. Nothing was changed."
        )

    def _check_formats(self, number: int, row: Sequence[Cell], identifier: int | None) -> None:
        # Outside a table only numbers matter: a date may well be shown as "as of …" by its format.
        looked_at = (
            {place + 1 for place, cell in enumerate(row) if type(cell) in (int, float)}
            if identifier is None
            else {identifier + 1}
        )
        shown = looked_at & self._lettered[number]
        if shown:
            raise InputRefusedError(
                f"{self._where}: cell {cell_name(number, min(shown))} shows letters or digits that are not in it, "
                "by its number format, so the id is unknown. Ask for a file whose id column is text. Nothing was "
                "changed."
            )


def _has_id(row: Sequence[Cell], identifier: int | None) -> bool:
    """Tell whether a row has an id, so that nobody depends on its formulas; one without a result is no id."""
    text = "" if identifier is None else cell_text(row[identifier])
    return bool(text) and not no_sure_id(text)
