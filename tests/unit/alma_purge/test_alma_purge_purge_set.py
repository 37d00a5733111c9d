from collections.abc import Iterator

import pytest
from tests.support.tenant import arm, calls, ids_of, members_of, people, set_of, talking

from alma_api.client import AlmaClient
from alma_purge.operators.base import TryAgainError
from alma_purge.steps.purge_set import SetMismatchError, ensure_set, fill_set, require_members
from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox

NAME = "regroup-demo-manual__2026.03-0123456789abcdef"
CHANGES = "op=(add|delete)_members"
UNCLEAR = ["reset_before", "reset_after", "502_after", "truncated", "xml_instead", "500", "503_general_error"]


@pytest.fixture(scope="module")
def crowd() -> Iterator[RunningSandbox]:
    """A tenant with more people than one call takes."""
    with running_sandbox(users=1250) as running:
        yield running


@pytest.fixture
def crowd_client(crowd: RunningSandbox) -> Iterator[AlmaClient]:
    with talking(crowd) as made:
        yield made
    with crowd.tenant.lock:
        crowd.tenant.faults.clear()
        for held in crowd.tenant.sets.all():
            crowd.tenant.sets.delete(held.set_id)
        crowd.tenant.journal.clear()


def set_names(sandbox: RunningSandbox) -> list[str]:
    with sandbox.tenant.lock:
        return [held.name for held in sandbox.tenant.sets.all()]


def test_a_new_set_is_made_once_and_found_again(sandbox: RunningSandbox, client: AlmaClient) -> None:
    first, again = ensure_set(client, NAME), ensure_set(client, NAME)
    assert first.id == again.id
    assert set_names(sandbox) == [NAME]
    assert first.content == "USER"
    assert calls(sandbox, "POST", "/conf/sets") == 1


def test_a_set_of_a_similar_name_is_another_set(sandbox: RunningSandbox, client: AlmaClient) -> None:
    other = client.sets.create_itemized_user_set(f"{NAME} copy", "")
    assert ensure_set(client, NAME).id != other.id
    assert set_names(sandbox) == [f"{NAME} copy", NAME]


@pytest.mark.parametrize("kind", ["reset_after", "502_after", "truncated", "xml_instead"])
def test_a_set_made_in_spite_of_an_unclear_answer_is_used(
    sandbox: RunningSandbox, client: AlmaClient, kind: str
) -> None:
    arm(sandbox, kind, method="POST", path="/conf/sets$")
    made = ensure_set(client, NAME)
    assert set_names(sandbox) == [NAME]
    assert members_of(sandbox, made.id) == []
    assert calls(sandbox, "POST", "/conf/sets") == 1


@pytest.mark.parametrize("kind", ["reset_before", "500", "502_html"])
def test_a_set_that_was_not_made_is_made_by_another_try(
    sandbox: RunningSandbox, client: AlmaClient, kind: str
) -> None:
    arm(sandbox, kind, method="POST", path="/conf/sets$")
    with pytest.raises(TryAgainError, match=f"looks for the set {NAME} again"):
        ensure_set(client, NAME)
    assert set_names(sandbox) == []
    ensure_set(client, NAME)
    assert set_names(sandbox) == [NAME]


def test_a_name_that_alma_calls_taken_is_looked_up(sandbox: RunningSandbox, client: AlmaClient) -> None:
    arm(sandbox, "refusal", method="POST", path="/conf/sets$", code="402263")
    with pytest.raises(TryAgainError, match="look for it in Alma"):
        ensure_set(client, NAME)
    assert set_names(sandbox) == []


def test_more_people_than_one_call_takes_are_all_in_the_set(
    crowd: RunningSandbox, crowd_client: AlmaClient
) -> None:
    wanted = ids_of(people(crowd, count=1150))
    made = ensure_set(crowd_client, NAME)
    fill_set(crowd_client, made.id, wanted)
    assert sorted(members_of(crowd, made.id)) == sorted(wanted)
    assert calls(crowd, "POST", f"/conf/sets/{made.id}") == 2
    fill_set(crowd_client, made.id, wanted)
    assert calls(crowd, "POST", f"/conf/sets/{made.id}") == 2, "a set that is right is left alone"


def test_strangers_are_taken_out_and_only_they(crowd: RunningSandbox, crowd_client: AlmaClient) -> None:
    everybody = ids_of(people(crowd, count=1200))
    wanted = everybody[:30]
    set_id = set_of(crowd_client, everybody[20:], NAME)
    fill_set(crowd_client, set_id, wanted)
    assert sorted(members_of(crowd, set_id)) == sorted(wanted)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("kind", UNCLEAR)
def test_unclear_answers_lose_nobody_and_add_nobody_twice(
    crowd: RunningSandbox, crowd_client: AlmaClient, kind: str, nth: int
) -> None:
    everybody = ids_of(people(crowd, count=1160))
    wanted = everybody[:1120]
    set_id = set_of(crowd_client, everybody[1120:], NAME)
    arm(crowd, kind, method="POST", path=CHANGES, nth=nth)
    fill_set(crowd_client, set_id, wanted)
    assert sorted(members_of(crowd, set_id)) == sorted(wanted)


def test_an_id_that_alma_does_not_know_stops_with_counts_only(
    sandbox: RunningSandbox, client: AlmaClient
) -> None:
    wanted = [*ids_of(people(sandbox, count=5)), "nobody-1", "nobody-2"]
    made = ensure_set(client, NAME)
    with pytest.raises(SetMismatchError) as stopped:
        fill_set(client, made.id, wanted)
    said = str(stopped.value)
    assert "lacks 2 of the approved people and holds 0 others" in said
    assert "No job was started" in said
    assert not any(one in said for one in wanted)


def test_an_id_in_another_spelling_is_not_the_same_person(
    sandbox: RunningSandbox, client: AlmaClient
) -> None:
    spelled = next(one.primary_id for one in people(sandbox) if one.primary_id.swapcase() != one.primary_id)
    made = ensure_set(client, NAME)
    with pytest.raises(SetMismatchError, match=r"lacks 1 .* holds 1 others"):
        fill_set(client, made.id, [spelled.swapcase()])


def test_a_set_that_does_not_change_stops(sandbox: RunningSandbox, client: AlmaClient) -> None:
    made = ensure_set(client, NAME)
    arm(sandbox, "500", method="POST", path=CHANGES, times=0)
    with pytest.raises(SetMismatchError, match="lacks 3"):
        fill_set(client, made.id, ids_of(people(sandbox, count=3)))


def test_reading_back_finds_a_stranger_and_a_missing_person(
    sandbox: RunningSandbox, client: AlmaClient
) -> None:
    first, second, third = ids_of(people(sandbox, count=3))
    set_id = set_of(client, [first, second], NAME)
    require_members(client, set_id, {first, second})
    with pytest.raises(SetMismatchError, match=f"set {set_id} in Alma lacks 1 .* holds 1 others"):
        require_members(client, set_id, {second, third})
