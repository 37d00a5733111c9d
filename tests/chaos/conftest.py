"""One rehearsal room for a whole module; each test starts over in it."""

from collections.abc import Iterator

import pytest
from tests.support.rehearsal.bookmark import Bookmark, bookmark_of
from tests.support.rehearsal.room import Room, open_room
from tests.support.rehearsal.run import Run


@pytest.fixture(scope="session")
def room(airflow_database: None) -> Iterator[Room]:
    with open_room() as opened:
        yield opened


@pytest.fixture(scope="session")
def approved(room: Room) -> Bookmark:
    """A run whose list is approved, and that has changed nothing yet."""
    room.fresh()
    return bookmark_of(Run(room).go(until="regroup_users"))
