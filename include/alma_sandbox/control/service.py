"""What the control API does to the stage."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path

from alma_sandbox.stage import Plot, Stage
from alma_sandbox.state.people import Json, Person
from alma_sandbox.state.tenant import Tenant
from alma_sandbox.state.user_record import to_record
from alma_sandbox.workbooks import write_workbooks


class Control:
    """The stage hand.

    Args:
        stage: The stage.
        sftp_folder: Where the workbooks are.
    """

    def __init__(self, stage: Stage, sftp_folder: Path) -> None:
        self.stage = stage
        self.sftp_folder = sftp_folder
        stage.on_new_day = self._new_day
        with stage.tenant.lock:
            stage.settle()

    @property
    def tenant(self) -> Tenant:
        """The tenant that is playing."""
        return self.stage.tenant

    def reset(self, users: int | None, seed: int | None) -> Json:
        """Start over, with another size or seed if given."""
        old = self.stage.plot
        plot = Plot(
            users if users is not None else old.users,
            seed if seed is not None else old.seed,
            old.switches,
            old.start,
            old.frozen,
        )
        with self.tenant.lock:
            tenant = self.stage.reset(plot)
        return {"users": len(tenant.users), "seed": tenant.seed}

    def clock(self) -> Json:
        """Tell the time."""
        return {"now": self.tenant.clock.now().isoformat(), "frozen": self.tenant.clock.frozen}

    def set_clock(self, moment: datetime | None, advance: float, *, frozen: bool | None) -> Json:
        """Set, advance, freeze or release the clock, then bring everything up to it."""
        with self.tenant.lock:
            clock = self.tenant.clock
            clock.set((moment or clock.now()), frozen=frozen)
            if advance:
                clock.advance(advance)
            self.stage.settle()
        return self.clock()

    def state(self, *, compact: bool, digests: bool) -> Json:
        """Write the whole state, hidden facts included."""
        tenant = self.tenant
        with tenant.lock:
            self.stage.settle()
            groups = tenant.group_names()
            people = [
                self._person(person, gone=False, compact=compact, digests=digests) for person in tenant.users
            ]
            people += [
                self._person(person, gone=True, compact=compact, digests=digests)
                for person in tenant.users.gone.values()
            ]
            now = tenant.clock.now()
            return {
                "now": now.isoformat(),
                "seed": tenant.seed,
                "institution": tenant.institution,
                "environment": tenant.environment,
                "report_path": tenant.reports.path,
                "groups": groups,
                "users": people,
                "sets": [
                    {"id": held.set_id, "name": held.name, "members": len(held.members)}
                    for held in tenant.sets.all()
                ],
                "jobs": [
                    {
                        "id": run.instance_id,
                        "job_id": run.job_id,
                        "name": run.name,
                        "status": run.status(now),
                        "by_api": run.by_api,
                        "submitted": run.submitted.isoformat(),
                        "parameters": run.parameters,
                    }
                    for run in tenant.jobs.runs
                ],
                "switches": tenant.switches.model_dump(),
                "exclusion_rows": len(tenant.exclusions),
            }

    def log(self, since: int = 0) -> Json:
        """Write the journal from an entry number on."""
        with self.tenant.lock:
            self.stage.settle()
            entries = [entry.to_json() for entry in self.tenant.journal.entries[since:]]
        starts = [entry for entry in entries if entry["job_started"]]
        return {"entries": entries, "job_starts": len(starts)}

    def campus_load(self, *, undo_groups: bool | None, extend: list[str], recreate: list[str]) -> Json:
        """Play the student system's load.

        Args:
            undo_groups: Whether external users get their campus group back; the switch decides when None.
            extend: Primary ids whose expiry and purge date move into the future.
            recreate: Primary ids of purged people who come back.
        """
        tenant = self.tenant
        with tenant.lock:
            self.stage.settle()
            undo = tenant.switches.campus_load_undoes_groups if undo_groups is None else undo_groups
            moved = [person for person in tenant.users if undo and _can_move_back(person)]
            for person in moved:
                with tenant.users.changing(person):
                    tenant.journal.note("campus load", user=person.primary_id, group=person.campus_group)
                    person.user_group = person.campus_group
                    person.manual_fields.discard("user_group")
            extended = [person for person in tenant.users if person.primary_id in extend]
            for person in extended:
                with tenant.users.changing(person):
                    person.expiry_date = tenant.clock.today() + timedelta(days=365)
                    person.purge_date = tenant.clock.today() + timedelta(days=730)
                    tenant.journal.note("campus load", user=person.primary_id, dates="extended")
            back = [person for person in tenant.users.gone.values() if person.primary_id in recreate]
            for person in back:
                person.user_group = person.campus_group
                tenant.users.bring_back(person)
                tenant.journal.note("campus load", user=person.primary_id, recreated=True)
            tenant.journal.event(tenant.clock.now(), "campus load", tenant.journal.take_changes())
        return {"groups_undone": len(moved), "extended": len(extended), "recreated": len(back)}

    def _person(self, person: Person, *, gone: bool, compact: bool, digests: bool) -> Json:
        shown: Json = {
            "primary_id": person.primary_id,
            "user_id": str(person.serial),
            "user_group": person.user_group,
            "exists": not gone,
            "deleted": gone or person.status == "DELETED",
            "scenario": person.scenario,
            "expectation": person.expectation.value,
            "depends_on": person.depends_on,
        }
        if digests:
            shown["record_digest"] = record_digest(self.tenant, person)
        if not compact:
            shown["record"] = self.tenant.record(person, ("loans", "requests", "fees"))
            shown["blockers"] = [blocker.value for blocker in person.blockers]
            shown["campus_group"] = person.campus_group
        return shown

    def _new_day(self, tenant: Tenant) -> None:
        write_workbooks(tenant, self.sftp_folder)


def record_digest(tenant: Tenant, person: Person) -> str:
    """Condense everything the tenant holds about a person, so that a change of any kind shows."""
    facts = {
        "record": to_record(person, tenant.group_names(), ""),
        "loans": [(loan.loan_id, loan.active) for loan in person.loans],
        "requests": [(request.request_id, request.active, request.outcome) for request in person.requests],
        "fees": [(fee.fee_id, fee.status, fee.balance) for fee in person.fees],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _can_move_back(person: Person) -> bool:
    moved = bool(person.campus_group) and person.user_group != person.campus_group
    return moved and person.account_type == "EXTERNAL" and person.status != "DELETED"
