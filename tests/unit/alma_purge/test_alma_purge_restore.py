import copy
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.tenant import (
    MARKER,
    arm,
    calls,
    change,
    digest_of,
    disarm,
    ids_of,
    people,
    regroup,
    talking,
)

from alma_api.client import AlmaClient
from alma_api.errors import AlmaAuthError, AlmaDailyLimitError, AlmaUnavailableError
from alma_purge.steps.restore import Home, Restored, restore_person
from alma_sandbox.control.operator import LegacyPurge, legacy_purge
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.people import Person

# Scenarios whose records hold more than the usual: notes, blocks, proxies, roles, linked copies, fees.
RICH = (
    "clean",
    "clean_internal",
    "clean_with_history",
    "blocked",
    "note_do_not_purge",
    "proxy",
    "staff_role",
    "linked_copy",
    "fee_disputed",
    "recent_activity",
    "expiry_missing",
)


def record(sandbox: RunningSandbox, person: Person) -> Any:
    """Return the whole record as the tenant holds it."""
    with sandbox.tenant.lock:
        return copy.deepcopy(sandbox.tenant.record(person, ("loans", "requests", "fees")))


def path_of(primary_id: str) -> str:
    return f"/users/{re.escape(quote(primary_id, safe=''))}(\\?|$)"


def home_of(person: Person) -> Home:
    return Home(person.primary_id, person.user_group)


@pytest.fixture
def moved(sandbox: RunningSandbox, client: AlmaClient) -> Home:
    """Somebody who was moved to the marker group by the job."""
    person = people(sandbox, "clean")[0]
    home = home_of(person)
    regroup(client, [person.primary_id])
    return home


def group_of(sandbox: RunningSandbox, primary_id: str) -> str:
    with sandbox.tenant.lock:
        person = sandbox.tenant.users.find(primary_id, "PRIMARYIDENTIFIER")
        assert person is not None
        return person.user_group


@pytest.mark.parametrize("scenario", RICH)
def test_after_the_restore_the_whole_record_is_what_it_was(
    sandbox: RunningSandbox, client: AlmaClient, scenario: str
) -> None:
    persons = people(sandbox, scenario)
    assert persons
    before = {one.serial: (home_of(one), record(sandbox, one), digest_of(sandbox, one)) for one in persons}
    regroup(client, ids_of(persons))
    assert {one.user_group for one in persons} == {MARKER}
    for one in persons:
        home, whole, digest = before[one.serial]
        assert restore_person(client, home, MARKER).outcome is Restored.RESTORED
        assert record(sandbox, one) == whole
        assert digest_of(sandbox, one) == digest
    assert {one.account_type for one in people(sandbox, "clean")} == {"EXTERNAL"}


def test_a_restore_reads_changes_and_reads_back(
    sandbox: RunningSandbox, client: AlmaClient, moved: Home
) -> None:
    sandbox.tenant.journal.clear()
    assert restore_person(client, moved, MARKER).outcome is Restored.RESTORED
    with sandbox.tenant.lock:
        assert [entry.method for entry in sandbox.tenant.journal.entries] == ["GET", "PUT", "GET"]


def test_a_second_restore_changes_nothing(sandbox: RunningSandbox, client: AlmaClient, moved: Home) -> None:
    restore_person(client, moved, MARKER)
    assert restore_person(client, moved, MARKER).outcome is Restored.NOT_NEEDED
    assert calls(sandbox, "PUT", "/users/") == 1


def test_whoever_somebody_else_moved_is_left_alone(
    sandbox: RunningSandbox, client: AlmaClient, moved: Home
) -> None:
    change(sandbox, moved.primary_id, user_group="DEPT")
    assert restore_person(client, moved, MARKER).outcome is Restored.ALREADY_MOVED
    assert group_of(sandbox, moved.primary_id) == "DEPT"
    assert calls(sandbox, "PUT", "/users/") == 0


def test_whoever_was_purged_is_gone(sandbox: RunningSandbox, client: AlmaClient, moved: Home) -> None:
    legacy_purge(sandbox.control, LegacyPurge())
    assert restore_person(client, moved, MARKER).outcome is Restored.GONE
    assert calls(sandbox, "PUT", "/users/") == 0


@pytest.mark.parametrize("spell", [str, str.swapcase])
@pytest.mark.parametrize(("group", "outcome"), [(MARKER, Restored.FAILED), ("10", Restored.GONE)])
def test_somebody_else_with_that_barcode_is_never_touched(
    sandbox: RunningSandbox,
    client: AlmaClient,
    *,
    spell: Callable[[str], str],
    group: str,
    outcome: Restored,
) -> None:
    person, other = people(sandbox, "clean")[0], people(sandbox, "clean_internal")[0]
    home = home_of(person)
    regroup(client, ids_of([person]))
    legacy_purge(sandbox.control, LegacyPurge())
    with sandbox.tenant.lock, sandbox.tenant.users.changing(other):
        other.user_group = group
        other.identifiers = [{**other.identifiers[0], "value": spell(home.primary_id)}]
    before = digest_of(sandbox, other)
    assert restore_person(client, home, MARKER).outcome is outcome
    assert digest_of(sandbox, other) == before
    assert calls(sandbox, "PUT", "/users/") == 0


def test_a_record_that_can_not_be_understood_is_reported_and_left_alone(
    sandbox: RunningSandbox, client: AlmaClient, moved: Home
) -> None:
    with sandbox.tenant.lock:
        person = sandbox.tenant.users.find(moved.primary_id)
        assert person is not None
        person.details["linking_id"] = {"odd": 1}
    assert restore_person(client, moved, MARKER).outcome is Restored.FAILED
    assert calls(sandbox, "PUT", "/users/") == 0


@pytest.mark.parametrize("kind", ["reset_after", "502_after", "truncated", "xml_instead"])
def test_a_change_that_came_through_unheard_counts(
    sandbox: RunningSandbox, client: AlmaClient, moved: Home, kind: str
) -> None:
    arm(sandbox, kind, method="PUT")
    assert restore_person(client, moved, MARKER).outcome is Restored.RESTORED
    assert group_of(sandbox, moved.primary_id) == moved.group
    assert calls(sandbox, "PUT", "/users/") == 1


@pytest.mark.parametrize("kind", ["reset_before", "500", "502_html", "503_general_error", "refusal"])
def test_a_change_that_did_not_come_through_is_seen_and_can_be_tried_again(
    sandbox: RunningSandbox, client: AlmaClient, moved: Home, kind: str
) -> None:
    arm(sandbox, kind, method="PUT")
    assert restore_person(client, moved, MARKER).outcome is Restored.FAILED
    assert group_of(sandbox, moved.primary_id) == MARKER
    assert restore_person(client, moved, MARKER).outcome is Restored.RESTORED


def test_a_record_with_an_outdated_code_stays_and_is_reported(
    sandbox: RunningSandbox, client: AlmaClient, moved: Home
) -> None:
    change(sandbox, moved.primary_id, add_stale_phone_type=True)
    assert restore_person(client, moved, MARKER).outcome is Restored.FAILED
    assert group_of(sandbox, moved.primary_id) == MARKER


def test_somebody_who_vanishes_during_the_restore_is_gone(
    sandbox: RunningSandbox, client: AlmaClient, moved: Home
) -> None:
    arm(sandbox, "refusal", method="GET", path=path_of(moved.primary_id), nth=2, code="401861")
    assert restore_person(client, moved, MARKER).outcome is Restored.GONE


def test_trouble_that_concerns_everybody_is_an_error(
    sandbox: RunningSandbox, client: AlmaClient, moved: Home
) -> None:
    with talking(sandbox, sandbox.read_key) as reader, pytest.raises(AlmaAuthError):
        restore_person(reader, moved, MARKER)
    arm(sandbox, "429_day", method="PUT")
    with pytest.raises(AlmaDailyLimitError):
        restore_person(client, moved, MARKER)
    disarm(sandbox)
    arm(sandbox, "500", method="GET", times=0)
    with pytest.raises(AlmaUnavailableError):
        restore_person(client, moved, MARKER)
    assert group_of(sandbox, moved.primary_id) == MARKER
