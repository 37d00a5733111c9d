"""Reads an Analytics report page by page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from alma_api.call import Call, Effect
from alma_api.connection_test import is_permitted
from alma_api.errors import AlmaError, AlmaUnavailableError, ReportInterruptedError, not_understood
from alma_api.report_xml import Answer, ReportColumn, read_answer
from alma_api.transport import Transport

_LIMIT_STEP = 25
_HIGHEST_LIMIT = 1000


@dataclass(frozen=True)
class ReportPage:
    """One page of a report.

    Args:
        number: 1 for the first page.
        columns: The report's columns, the same on every page; empty if an empty report describes none.
        rows: One dict per row from a column's key to the cell's text, None where the cell is empty.
    """

    number: int
    columns: tuple[ReportColumn, ...]
    rows: list[dict[str, str | None]] = field(repr=False)


class AnalyticsApi:
    """The part of the Analytics API that a purge needs.

    Args:
        transport: Sends the calls.
        sleep: Waits the given number of seconds.
    """

    def __init__(self, transport: Transport, *, sleep: Callable[[float], None]) -> None:
        self._transport = transport
        self._sleep = sleep

    def report(
        self,
        path: str,
        *,
        page_size: int = _HIGHEST_LIMIT,
        max_empty_pages: int = 60,
        empty_page_pause: float = 3.0,
    ) -> Iterator[ReportPage]:
        """Reads a report from its first page to its last, holding one page at a time.

        Alma keeps a cursor behind a token: each call with the token moves it on. So such a call is never
        repeated; if one fails, what was read so far is to be thrown away and the report read again.

        Args:
            path: The report's path, such as /shared/Example College/Reports/Purge, not encoded.
            page_size: Rows per page, 25 to 1000 in steps of 25 (Analytics API).
            max_empty_pages: How often in a row Alma may answer that the report is still loading.
            empty_page_pause: Seconds to wait before asking again while it is loading.

        Yields:
            Every page that has rows; an empty report is one page without rows.

        Raises:
            ReportNotFoundError: No report at this path, or it is not in a shared folder.
            ReportInterruptedError: Reading broke off after the first page.
            AlmaUnavailableError: Alma could not be reached, or the report did not finish loading.
            AlmaResponseError: An answer can't be understood.
            AlmaError: Alma refused in another way.
        """
        if not _LIMIT_STEP <= page_size <= _HIGHEST_LIMIT or page_size % _LIMIT_STEP:
            raise ValueError(f"a report page has 25 to 1000 rows in steps of 25, not {page_size}")
        reading = _Reading(self._transport, path, page_size)
        number = empty_pages = 0
        finished = False
        while not finished:
            answer = reading.next()
            finished = answer.finished
            if answer.rows or (finished and number == 0):
                number += 1
                empty_pages = 0
                yield reading.page(number, answer)
            elif not finished:
                empty_pages += 1
                if empty_pages > max_empty_pages:
                    raise reading.still_loading(empty_pages)
                self._sleep(empty_page_pause)

    def test_read(self) -> bool:
        """Tells whether the key may read Analytics; raises AlmaError if that can't be found out."""
        return is_permitted(self._transport, "GET", ("analytics", "test"))

    def test_write(self) -> bool:
        """Tells whether the key may change Analytics, which a purge never does; AlmaError if unknown."""
        return is_permitted(self._transport, "POST", ("analytics", "test"))


class _Reading:
    """One pass through a report: what was learnt from its first answers."""

    def __init__(self, transport: Transport, path: str, page_size: int) -> None:
        self._transport = transport
        self._first = Call(
            "read the Analytics report",
            "GET",
            ("analytics", "reports"),
            params=(("path", path), ("limit", str(page_size)), ("col_names", "true")),
            accept="application/xml",
        )
        self._page_size = page_size
        self._token: str | None = None
        self._columns: tuple[ReportColumn, ...] | None = None

    def next(self) -> Answer:
        """Asks for the next page: by path until Alma gives a token, then by the token alone."""
        if self._token is None:
            answer = self._ask(self._first)
            self._token = answer.token
            if answer.rows and not answer.finished and answer.token is None:
                raise not_understood("the report goes on, but there is no token to go on with")
        else:
            params = (("token", self._token), ("limit", str(self._page_size)))
            answer = self._go_on(replace(self._first, params=params, effect=Effect.CURSOR))
        self._learn_columns(answer)
        return answer

    def page(self, number: int, answer: Answer) -> ReportPage:
        """Puts the cells of an answer under the keys of the remembered columns."""
        columns = self._columns or ()
        keys = {column.name: column.key for column in columns}
        if answer.rows and not keys:
            raise not_understood("the report does not describe its columns")
        return ReportPage(number, columns, [_row(cells, keys) for cells in answer.rows])

    def still_loading(self, times: int) -> AlmaError:
        """Returns the error for a report that Alma never finishes loading."""
        kind = AlmaUnavailableError if self._token is None else ReportInterruptedError
        return kind(
            f"Could not read the Analytics report: Alma was still loading it after {times} calls; "
            "nothing was changed, try again later."
        )

    def _ask(self, call: Call) -> Answer:
        return self._transport.raw(call, lambda body: read_answer(call, body))

    def _go_on(self, call: Call) -> Answer:
        try:
            return self._ask(call)
        except AlmaError as error:
            raise ReportInterruptedError(
                "Reading the Analytics report broke off after its first page; "
                f"read it again from its beginning. {error}",
                message=error.message,
                code=error.code,
                http_status=error.http_status,
                tracking_id=error.tracking_id,
            ) from error

    def _learn_columns(self, answer: Answer) -> None:
        if answer.columns is None:
            return
        if self._columns is not None and answer.columns != self._columns:
            raise ReportInterruptedError(
                "Reading the Analytics report broke off: its columns changed between two pages; "
                "read it again from its beginning."
            )
        self._columns = answer.columns


def _row(cells: tuple[tuple[str, str], ...], keys: dict[str, str]) -> dict[str, str | None]:
    row: dict[str, str | None] = dict.fromkeys(keys.values())
    for name, text in cells:
        if name in keys:
            row[keys[name]] = text
        elif name != "Column0":
            raise not_understood("a row has a column the report does not describe")
    return row
