"""One rehearsal room for a whole module; each test starts over in it."""

from collections.abc import Iterator

import pytest
from tests.support.rehearsal.room import Room, open_room


@pytest.fixture(scope="session")
def room(airflow_database: None) -> Iterator[Room]:
    with open_room() as opened:
        yield opened
