from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from alma_sandbox.seeding.population import populate
from alma_sandbox.seeding.scenarios import CAST
from alma_sandbox.state.clock import Clock
from alma_sandbox.state.groups import ISHARE_GROUP, MARKER_GROUP
from alma_sandbox.state.people import Expectation
from alma_sandbox.state.switches import Switches
from alma_sandbox.state.tenant import Tenant

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _tenant(users: int = 2000, seed: int = 1) -> Tenant:
    tenant = Tenant(Clock(NOON, frozen=True), Switches(), seed)
    populate(tenant, users)
    return tenant


@pytest.fixture(scope="module")
def tenant() -> Tenant:
    return _tenant()


def _everyone(tenant: Tenant) -> list[tuple[object, ...]]:
    return [
        (p.primary_id, p.last_name, p.user_group, p.expiry_date, p.purge_date, p.scenario)
        for p in tenant.users
    ]


def test_same_seed_same_people_other_seed_other_people() -> None:
    assert _everyone(_tenant(300)) == _everyone(_tenant(300))
    assert _everyone(_tenant(300)) != _everyone(_tenant(300, seed=2))
    assert _tenant(300).exclusions == _tenant(300).exclusions


def test_size_is_as_asked(tenant: Tenant) -> None:
    assert len(tenant.users) + len(tenant.users.gone) == pytest.approx(2000, abs=5)


def test_every_scenario_is_played_by_several(tenant: Tenant) -> None:
    counts = Counter(person.scenario for person in [*tenant.users, *tenant.users.gone.values()])
    assert all(counts[scenario.name] >= 2 for scenario in CAST)


def test_small_tenants_hold_every_scenario_once_at_least() -> None:
    tenant = _tenant(40)
    present = {person.scenario for person in [*tenant.users, *tenant.users.gone.values()]}
    assert present >= {scenario.name for scenario in CAST}


def test_a_plausible_share_is_purgeable(tenant: Tenant) -> None:
    kinds = Counter(person.expectation for person in tenant.users)
    assert 60 <= kinds[Expectation.PURGEABLE] <= 120
    assert kinds[Expectation.JOB_REFUSES] >= 10
    due = len(tenant.reports.rows())
    assert (kinds[Expectation.PURGEABLE] + kinds[Expectation.JOB_REFUSES]) / due < 0.3


def test_marker_group_is_empty_at_the_start(tenant: Tenant) -> None:
    assert not [person for person in tenant.users if person.user_group == MARKER_GROUP]


def test_purgeable_people_have_nothing_that_holds_them(tenant: Tenant) -> None:
    listed = {str(row["id"]).strip().casefold() for row in tenant.exclusions if row["id"] is not None}
    nameless = {(row["last_name"], row["first_name"]) for row in tenant.exclusions if row["id"] is None}
    for person in [p for p in tenant.users if p.expectation is not Expectation.PROTECTED]:
        assert person.expiry_date is not None
        assert person.purge_date is not None
        assert person.expiry_date < NOON.date()
        assert (NOON.date() - person.purge_date).days >= 10
        assert not person.active_loans
        assert not person.active_requests
        assert not person.has_staff_role
        assert person.balance("ACTIVE", "INDISPUTE", "EXPORTED") == 0
        assert person.user_group not in {ISHARE_GROUP, MARKER_GROUP, "DEPT"}
        assert "source_link_id" not in person.details
        assert not {person.primary_id.casefold(), str(person.identifiers[0]["value"])} & listed
        assert (person.last_name, person.first_name) not in nameless


def test_loose_forms_of_ids_do_not_collide(tenant: Tenant) -> None:
    loose = Counter(p.primary_id.casefold().lstrip("0").replace(".", "").split("@")[0] for p in tenant.users)
    assert max(loose.values()) == 1


def test_names_and_ids_are_awkward(tenant: Tenant) -> None:
    names = " ".join(f"{p.first_name} {p.last_name}" for p in tenant.users if p.scenario == "clean")
    assert "<script>" in names
    assert "," in names
    assert not names.isascii()
    ids = [p.primary_id for p in tenant.users if p.expectation is Expectation.PURGEABLE]
    for mark in ("@", "/", " ", "."):
        assert any(mark in identifier for identifier in ids)
    assert any(identifier.startswith("00") for identifier in ids)


@pytest.mark.parametrize(
    "scenario",
    ["excluded_without_zeros", "excluded_other_case", "excluded_trailing_space", "excluded_as_number"],
)
def test_reformatted_ids_differ_from_the_real_ones(tenant: Tenant, scenario: str) -> None:
    shown = [row["id"] for row in tenant.exclusions]
    people = [p for p in tenant.users if p.scenario == scenario]
    assert people
    assert not any(person.primary_id in shown for person in people)


def test_people_of_rows_without_an_id_are_not_in_the_id_list(tenant: Tenant) -> None:
    named = [p for p in tenant.users if p.scenario == "excluded_by_name"]
    rows = [row for row in tenant.exclusions if row["last_name"] in {p.last_name for p in named}]
    assert len(rows) == len(named)
    assert all(row["id"] is None and "pids" not in row["books"] for row in rows)
    assert {row["purge_date"] for row in rows} == {"Could not find user's home record"}


def test_stale_people_look_due_in_the_report_only(tenant: Tenant) -> None:
    rows = {row[5]: row for row in tenant.reports.rows()}
    for person in [p for p in tenant.users if p.scenario == "stale_extended"]:
        shown = rows[str(person.serial)][2]
        assert person.expiry_date is not None
        assert shown is not None
        assert shown < NOON.date().isoformat() < person.expiry_date.isoformat()


def test_a_large_tenant_can_be_seeded() -> None:
    tenant = _tenant(100_000)
    assert len(tenant.users) > 99_000
    assert len(tenant.reports.rows()) > 20_000
