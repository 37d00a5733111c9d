"""Reads every page of one of Alma's lists."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from alma_api.errors import AlmaResponseError

PAGE_LIMIT = 100
"""The most items Alma puts on one page of users, sets, members, jobs or instances."""

# An item that arrives while pages are read shifts the pages; another reading settles it.
_READINGS = 3

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list.

    Args:
        items: What is on the page.
        total: How many items Alma says the whole list has.
    """

    items: tuple[T, ...]
    total: int


def page_params(offset: int, limit: int = PAGE_LIMIT) -> tuple[tuple[str, str], ...]:
    """Returns the query parameters for one page.

    Args:
        offset: Number of items to skip.
        limit: Number of items, 1 to 100.
    """
    if not 1 <= limit <= PAGE_LIMIT or offset < 0:
        raise ValueError(f"a page has 1 to {PAGE_LIMIT} items from offset 0 on, not {limit} from {offset}")
    return (("limit", str(limit)), ("offset", str(offset)))


def read_all(fetch: Callable[[int], Page[T]]) -> Page[T]:
    """Reads pages until the total is reached or a page is empty.

    Args:
        fetch: Reads the page that begins at an offset.

    Returns:
        All items in Alma's order, and the total of the last page.
    """
    items: list[T] = []
    while True:
        page = fetch(len(items))
        items.extend(page.items)
        if not page.items or len(items) >= page.total:
            return Page(tuple(items), page.total)


def read_complete(fetch: Callable[[int], Page[T]], what: str, *, key: Callable[[T], object]) -> tuple[T, ...]:
    """Reads all pages of a list that must be complete.

    Args:
        fetch: Reads the page that begins at an offset.
        what: What is listed, for the error text.
        key: What tells two items apart; an item listed twice is returned once.

    Returns:
        All items, each once, in Alma's order.

    Raises:
        AlmaResponseError: Alma listed fewer items than it said there are.
    """
    for _ in range(_READINGS):
        page = read_all(fetch)
        unique: dict[object, T] = {}
        for item in page.items:
            unique.setdefault(key(item), item)
        if len(unique) >= page.total:
            return tuple(unique.values())
    raise AlmaResponseError(
        f"Could not read all {what}: Alma listed {len(unique)} but says there are {page.total}; "
        "nothing was changed, try again later."
    )
