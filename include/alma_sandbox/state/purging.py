"""Which users a purge takes, and what remains of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from alma_sandbox.state.job_catalog import PURGE_DAYS, PURGE_GROUP, PURGE_RECORD_TYPE, PURGE_WAIVE
from alma_sandbox.state.job_run import JobRun, Outcome
from alma_sandbox.state.journal import Journal
from alma_sandbox.state.people import Person
from alma_sandbox.state.sets import SetShelf
from alma_sandbox.state.switches import Switches
from alma_sandbox.state.user_record import OPEN_FEES
from alma_sandbox.state.users import UserShelf


@dataclass(frozen=True, slots=True)
class Criteria:
    """What the operator typed on the purge page.

    Args:
        days: Number of days after the purge date.
        record_type: PUBLIC, STAFF, CONTACT or ALL.
        group: User group code; empty for any.
        waive: Balance up to which fees are waived.
    """

    days: int = 0
    record_type: str = "PUBLIC"
    group: str = ""
    waive: float = 0.0


def read_criteria(parameters: dict[str, str]) -> Criteria:
    """Read the criteria out of the set-based job's parameters.

    Raises:
        ValueError: If a number is none.
    """
    return Criteria(
        int(parameters[PURGE_DAYS] or 0),
        parameters[PURGE_RECORD_TYPE],
        parameters[PURGE_GROUP],
        float(parameters[PURGE_WAIVE] or 0),
    )


class Purge:
    """Purges users as Alma does: refuses some, cancels requests, leaves what the policy says.

    Args:
        shelf: The user records.
        sets: The sets, which lose purged members.
        journal: Where changes are recorded.
        switches: Gives the tenant's switches.
        today: Gives the tenant's date.
    """

    def __init__(
        self,
        shelf: UserShelf,
        sets: SetShelf,
        journal: Journal,
        switches: Callable[[], Switches],
        today: Callable[[], date],
    ) -> None:
        self._shelf = shelf
        self._sets = sets
        self._journal = journal
        self._switches = switches
        self._today = today

    def __call__(self, run: JobRun, members: list[int]) -> Outcome:
        """Purge the members of a set that the criteria allow."""
        try:
            criteria = read_criteria(run.parameters)
        except ValueError:
            return Outcome("COMPLETED_FAILED")
        people = [self._shelf.by_serial(serial) for serial in members]
        return self.run([person for person in people if person is not None], criteria)

    def run_legacy(self, criteria: Criteria) -> Outcome:
        """Purge everyone in the tenant that the criteria allow, as the Purge User Records page does."""
        chosen = [
            person
            for person in self._shelf
            if (not criteria.group or person.user_group == criteria.group)
            and criteria.record_type in {"ALL", person.record_type}
            and self._due(person, criteria)
            and person.status != "DELETED"
        ]
        return self.run(chosen, criteria)

    def run(self, people: list[Person], criteria: Criteria) -> Outcome:
        """Purge people one by one and count."""
        purged = 0
        for person in people:
            reason = self.refusal(person, criteria)
            if reason:
                self._journal.note("purge refused", user=person.primary_id, reason=reason)
                continue
            self.remove(person)
            purged += 1
        kept = len(people) - purged
        counters = (
            ("label.users.purged", "Users purged", purged),
            ("label.users.not.purged", "Users not purged", kept),
        )
        return Outcome("COMPLETED_WARNING" if kept else "COMPLETED_SUCCESS", counters)

    def refusal(self, person: Person, criteria: Criteria) -> str:
        """Tell why a purge keeps a person; empty when it does not."""
        switches = self._switches()
        if person.status == "DELETED":
            return "already deleted"
        if criteria.record_type not in {"ALL", person.record_type}:
            return "record type"
        if criteria.group and person.user_group != criteria.group and not switches.purge_ignores_group:
            return "user group"
        if not switches.purge_ignores_dates and not self._due(person, criteria):
            return "purge date"
        return self.blocked(person, criteria.waive)

    def blocked(self, person: Person, waive: float) -> str:
        """Tell what ties a person to the library; empty when nothing does."""
        switches = self._switches()
        if person.active_loans and not switches.purge_ignores_loans:
            return "active loans"
        statuses = ("ACTIVE",) if switches.purge_counts_fees == "active" else OPEN_FEES
        if person.balance(*statuses) > waive and not switches.purge_ignores_waive:
            return "balance above the waive threshold"
        return str(person.blockers[0]) if person.blockers else ""

    def remove(self, person: Person) -> None:
        """Purge one person: cancel requests, take them out of sets, leave what the policy says."""
        policy = self._switches().delete_user_policy
        for request in person.active_requests:
            request.active, request.outcome = False, "CANCELLED"
            self._journal.note("request cancelled", user=person.primary_id, request=request.request_id)
        self._journal.note(
            "purged", user=person.primary_id, policy=policy, waived=max(person.balance("ACTIVE"), 0)
        )
        self._sets.forget(person.serial)
        if policy == "keep_fully_reportable":
            self._shelf.touch(person)
            person.status = "DELETED"
        else:
            self._shelf.remove(person)

    def _due(self, person: Person, criteria: Criteria) -> bool:
        if person.purge_date is None:
            return False
        # Days 0: purge date of yesterday or earlier (CARLI user purge procedure); newer texts say today.
        days = criteria.days
        if days == 0 and self._switches().zero_days_mean == "yesterday":
            days = 1
        return person.purge_date <= self._today() - timedelta(days=days)
