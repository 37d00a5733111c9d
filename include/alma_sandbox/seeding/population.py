"""Fills a tenant with people: first the cast, then enough others to reach the asked size."""

from __future__ import annotations

import random
from datetime import timedelta

from alma_sandbox.seeding.names import AWKWARD, NAMELESS_ROWS, SHAPES, person_name, primary_id
from alma_sandbox.seeding.scenarios import CAST, Scenario, Scene
from alma_sandbox.state.groups import MARKER_GROUP
from alma_sandbox.state.people import PATRON, Expectation, Fee, Json, Loan, Person
from alma_sandbox.state.tenant import Tenant
from alma_sandbox.state.update_notify import role

FULL_SIZE = 2000
SMALL_SIZE = 500
GROUPS = ("10", "10", "10", "11", "20", "30", "40", "COURTESY")
INSTITUTIONS = (
    ("ABC", "Another College"),
    ("QRS", "Quarry State University"),
    ("UVW", "Upper Valley University"),
)
PATRON_ROLES = [role(PATRON, "Patron")]
BARCODE = {"value": "BARCODE", "desc": "Barcode"}


def populate(tenant: Tenant, users: int) -> None:
    """Fill an empty tenant.

    Args:
        tenant: The tenant; its seed and clock decide everything.
        users: How many user records there are in all; the cast comes first even if there are more of them.
    """
    Population(tenant, users).fill()


class Population:
    """Makes the people of one tenant.

    Args:
        tenant: The tenant.
        users: How many user records there are in all.
    """

    def __init__(self, tenant: Tenant, users: int) -> None:
        self._tenant = tenant
        self._users = users
        self._rng = random.Random(f"people {tenant.seed}")  # noqa: S311 - a rehearsal, not a secret
        self._today = tenant.clock.today()
        self._serial = 1000
        self._scene = Scene(self._today, self._rng, tenant.next_id)

    def fill(self) -> None:
        """Make everyone, let Analytics copy them, then play what happened since."""
        cast = [(scenario, self._play(scenario, number)) for scenario, number in self._roles()]
        while len(self._tenant.users) < self._users:
            self._bystander()
        self._exclude_bystanders()
        self._tenant.reports.take_copy()
        for scenario, person in cast:
            self._happen_since(scenario, person)

    def _roles(self) -> list[tuple[Scenario, int]]:
        scale = self._users / FULL_SIZE
        least = 1 if self._users < SMALL_SIZE else 2
        roles = [
            (scenario, number)
            for scenario in CAST
            for number in range(max(least, round(scenario.count * scale)))
        ]
        self._rng.shuffle(roles)
        return roles

    def _play(self, scenario: Scenario, number: int) -> Person:
        person = self._due_person(scenario.shape or self._rng.choice(SHAPES))
        person.scenario = scenario.name
        person.expectation = scenario.expectation
        person.depends_on = scenario.depends_on
        if scenario.name == "clean" and number < len(AWKWARD):
            person.first_name, person.last_name = AWKWARD[number]
        if scenario.excluded == "name":
            person.last_name = (
                f"{NAMELESS_ROWS[number % len(NAMELESS_ROWS)]}{'' if number < len(NAMELESS_ROWS) else number}"
            )
        self._scene.number = number
        scenario.change(person, self._scene)
        self._tenant.users.add(person)
        if scenario.oddity:
            self._tenant.reports.oddities[person.serial] = scenario.oddity
        if scenario.excluded:
            self._exclude(person, scenario.excluded)
        return person

    def _due_person(self, shape: str) -> Person:
        rng, today = self._rng, self._today
        person = self._blank_person(shape)
        person.expiry_date = today - timedelta(rng.randint(200, 900))
        person.purge_date = today - timedelta(rng.randint(10, 150))
        person.status = rng.choice(("ACTIVE", "INACTIVE"))
        person.last_activity = today - timedelta(rng.randint(800, 1500))
        return person

    def _blank_person(self, shape: str) -> Person:
        self._serial += 1
        serial = self._serial
        first, last = person_name(self._rng)
        group = self._rng.choice(GROUPS)
        return Person(
            serial,
            primary_id(serial, shape),
            first,
            last,
            group,
            None,
            None,
            identifiers=[
                {
                    "segment_type": "External",
                    "value": f"2{serial:013d}",
                    "id_type": BARCODE,
                    "note": None,
                    "status": "ACTIVE",
                }
            ],
            roles=PATRON_ROLES,
            campus_group=group,
        )

    def _bystander(self) -> None:
        rng, today = self._rng, self._today
        person = self._blank_person(rng.choice(SHAPES))
        person.expiry_date = today + timedelta(rng.randint(-100, 900))
        person.purge_date = today + timedelta(rng.randint(60, 1400))
        person.last_activity = today - timedelta(rng.randint(0, 700))
        if rng.random() < 0.2:  # noqa: PLR2004 - a fifth of them have books out
            loaned = today - timedelta(rng.randint(1, 60))
            person.loans.append(
                Loan(self._tenant.next_id(), "A book on loan", loaned, loaned + timedelta(90))
            )
        if rng.random() < 0.05:  # noqa: PLR2004 - one in twenty owes money
            person.fees.append(Fee(self._tenant.next_id(), round(rng.uniform(1, 60), 2)))
        self._tenant.users.add(person)

    def _happen_since(self, scenario: Scenario, person: Person) -> None:
        if scenario.after is None:
            return
        users = self._tenant.users
        with users.changing(person):
            scenario.after(person, self._scene)
        if scenario.name == "stale_gone":
            users.remove(person)
        users.forget_old_entries()

    def _exclude(self, person: Person, how: str) -> None:
        ids: dict[str, object] = {
            "as_is": person.primary_id,
            "without_zeros": int(person.primary_id) if person.primary_id.isdigit() else person.primary_id,
            "other_case": person.primary_id.swapcase(),
            "trailing_space": f"{person.primary_id} ",
            "number": f"{person.primary_id}.0" if person.serial % 2 else float(person.serial + 9_900_000_000),
            "barcode": str(person.identifiers[0]["value"]),
            "name": None,
        }
        self._add_row(person, ids[how])

    def _exclude_bystanders(self) -> None:
        """List people with activity elsewhere who are not due, and rows whose home record was not found."""
        others = [person for person in self._tenant.users if person.scenario == "not_due"]
        for person in self._rng.sample(others, min(len(others), max(3, self._users // 8))):
            self._add_row(person, person.primary_id)
        for number in range(max(2, self._users // 400)):
            stranger = Person(0, "", "Unknown", f"Strangeways{number}", "", None, None)
            self._add_row(stranger, None)

    def _add_row(self, person: Person, shown_id: object) -> None:
        rng = self._rng
        code, name = rng.choice(INSTITUTIONS)
        kinds = rng.choice((["loans"], ["loans"], ["fines"], ["loans", "fines"]))
        books = kinds if shown_id is None else ["pids", *kinds]
        row: Json = {
            "books": books,
            "id": shown_id,
            "last_name": person.last_name,
            "first_name": person.first_name,
            "institution": code,
            "institution_name": name,
            "loans": rng.randint(1, 7),
            "expiry_date": person.expiry_date.isoformat() if shown_id and person.expiry_date else None,
            "purge_date": _purge_text(person) if shown_id else "Could not find user's home record",
        }
        self._tenant.exclusions.append(row)


def add_leftovers(tenant: Tenant, count: int) -> list[str]:
    """Put people who are due into the marker group, as an earlier run that was broken off would leave them.

    Args:
        tenant: The tenant.
        count: How many.

    Returns:
        Their primary ids.
    """
    moved = []
    for person in [person for person in tenant.users if person.scenario == "clean"][:count]:
        with tenant.users.changing(person):
            person.user_group = MARKER_GROUP
            person.scenario, person.expectation = "already_in_marker_group", Expectation.PROTECTED
        moved.append(person.primary_id)
    return moved


def _purge_text(person: Person) -> str | None:
    return person.purge_date.isoformat() if person.purge_date else None
