import time
from collections.abc import Callable

import pytest
from tests.support.tenant import MARKER, advance, calls, change, ids_of, people, regroup, switch

from alma_api.client import AlmaClient
from alma_purge.steps.marker_group import MarkerGroupError, read_marker_group, require_only
from alma_sandbox.control.operator import LegacyPurge, legacy_purge
from alma_sandbox.server import RunningSandbox

Pauses = list[float]


@pytest.fixture
def pauses(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Let a pause move the tenant's clock instead of taking time."""
    taken: Pauses = []

    def pause(seconds: float) -> None:
        taken.append(seconds)
        advance(sandbox, seconds)

    monkeypatch.setattr(time, "sleep", pause)
    return taken


def after_each_pause(monkeypatch: pytest.MonkeyPatch, pauses: Pauses, act: Callable[[int], None]) -> None:
    """Let something happen in Alma during each pause."""

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        act(len(pauses))

    monkeypatch.setattr(time, "sleep", pause)


def listings(sandbox: RunningSandbox) -> int:
    return calls(sandbox, "GET", "/almaws/v1/users")


def test_a_listing_counts_only_when_two_passes_agree(
    sandbox: RunningSandbox, client: AlmaClient, pauses: Pauses
) -> None:
    ids = ids_of(people(sandbox, "clean"))
    regroup(client, ids)
    assert read_marker_group(client, MARKER, 2) == frozenset(ids)
    assert listings(sandbox) == 2
    assert pauses == [2]


def test_an_empty_group_is_read_twice_too(
    sandbox: RunningSandbox, client: AlmaClient, pauses: Pauses
) -> None:
    assert read_marker_group(client, MARKER, 2) == frozenset()
    assert (listings(sandbox), pauses) == (2, [2])


def test_somebody_who_comes_between_two_passes_is_seen(
    sandbox: RunningSandbox, client: AlmaClient, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ids_of(people(sandbox, count=3))

    def move(number: int) -> None:
        if number == 1:
            change(sandbox, ids[2], user_group=MARKER)

    regroup(client, ids[:2])
    after_each_pause(monkeypatch, pauses, move)
    assert read_marker_group(client, MARKER, 1) == frozenset(ids)
    assert len(pauses) == 2


def test_a_group_that_keeps_changing_stops(
    sandbox: RunningSandbox, client: AlmaClient, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ids_of(people(sandbox, count=20))
    after_each_pause(monkeypatch, pauses, lambda number: change(sandbox, ids[number], user_group=MARKER))
    with pytest.raises(MarkerGroupError, match=f"{MARKER} keeps changing. No job was started"):
        read_marker_group(client, MARKER, 1)


def test_the_expected_people_and_nobody_else_pass(
    sandbox: RunningSandbox, client: AlmaClient, pauses: Pauses
) -> None:
    ids = ids_of(people(sandbox, "clean"))
    regroup(client, ids)
    require_only(client, MARKER, ids, 1)
    assert pauses == [1]


def test_an_index_that_lags_is_waited_for(
    sandbox: RunningSandbox, client: AlmaClient, pauses: Pauses
) -> None:
    ids = ids_of(people(sandbox, "clean"))
    switch(sandbox, index_lag_seconds=25)
    regroup(client, ids)
    require_only(client, MARKER, ids, 10)
    assert sum(pauses) >= 25


def test_purged_people_whom_a_lagging_index_still_lists_are_no_strangers_in_the_end(
    sandbox: RunningSandbox, client: AlmaClient, pauses: Pauses
) -> None:
    gone, left = ids_of(people(sandbox, "clean"))[:1], ids_of(people(sandbox, "clean_internal"))[:1]
    regroup(client, gone)
    switch(sandbox, index_lag_seconds=25)
    legacy_purge(sandbox.control, LegacyPurge())
    assert client.users.list_page(f"user_group~{MARKER}", offset=0).total == 1
    regroup(client, left, "second")
    require_only(client, MARKER, left, 10)


def test_an_index_that_never_catches_up_stops_with_counts_only(
    sandbox: RunningSandbox, client: AlmaClient, pauses: Pauses
) -> None:
    ids = ids_of(people(sandbox, count=4))
    switch(sandbox, index_lag_seconds=1_000_000)
    regroup(client, ids)
    with pytest.raises(MarkerGroupError) as stopped:
        require_only(client, MARKER, ids, 10)
    said = str(stopped.value)
    assert "holds 0 people who were not approved" in said
    assert "4 approved people are missing" in said
    assert not any(one in said for one in ids)


def test_a_stranger_stops_with_counts_only(
    sandbox: RunningSandbox, client: AlmaClient, pauses: Pauses
) -> None:
    *ids, stranger = ids_of(people(sandbox, count=4))
    regroup(client, ids)
    change(sandbox, stranger, user_group=MARKER)
    with pytest.raises(MarkerGroupError) as stopped:
        require_only(client, MARKER, ids, 1)
    said = str(stopped.value)
    assert f"The group {MARKER} holds 1 people who were not approved in this run, and 0 approved" in said
    assert "The purge job was not started" in said
    assert stranger not in said


def test_a_search_that_also_looks_in_descriptions_finds_no_strangers(
    sandbox: RunningSandbox, client: AlmaClient, pauses: Pauses
) -> None:
    assert people(sandbox, "review_group_not_due"), "the group REVIEW is described with the marker's code"
    ids = ids_of(people(sandbox, "clean"))
    regroup(client, ids)
    switch(sandbox, group_query_searches_descriptions=True)
    assert client.users.list_page(f"user_group~{MARKER}", offset=0).total > len(ids)
    require_only(client, MARKER, ids, 1)
