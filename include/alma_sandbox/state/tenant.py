"""The whole tenant: one object, one lock."""

from __future__ import annotations

import random
import threading
from datetime import date

from alma_sandbox.state.analytics import ReportRoom
from alma_sandbox.state.clock import Clock
from alma_sandbox.state.faults import FaultBoard
from alma_sandbox.state.groups import IDENTIFIER_TYPES, USER_GROUPS, Group
from alma_sandbox.state.job_catalog import LEGACY_PURGE_JOB, UPDATE_JOB, JobDefinition, catalog
from alma_sandbox.state.job_run import JobRun
from alma_sandbox.state.jobs import JobBoard
from alma_sandbox.state.journal import Journal
from alma_sandbox.state.people import Json, Person
from alma_sandbox.state.purging import Purge
from alma_sandbox.state.search import UserSearch
from alma_sandbox.state.sets import SetShelf
from alma_sandbox.state.switches import Switches
from alma_sandbox.state.update_notify import UpdateNotifyUsers
from alma_sandbox.state.user_record import to_record
from alma_sandbox.state.users import UserShelf

INSTITUTION = "01DEMO_XYZ"
INSTITUTION_NAME = "Example College"
LIBRARY_CODE = "XYZ"
REPORT_FOLDER = f"/shared/{INSTITUTION_NAME} {INSTITUTION}/Reports"


class Tenant:
    """A fake Alma institution.

    Everything that reads or changes it holds `lock` and calls `settle` first, so that jobs and the nightly
    copy are where the clock says they are.

    Args:
        clock: The tenant's clock.
        switches: How it behaves where Alma is unknown.
        seed: Seed of everything random.
    """

    def __init__(self, clock: Clock, switches: Switches, seed: int = 1) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.switches = switches
        self.seed = seed
        self.institution = INSTITUTION
        self.institution_name = INSTITUTION_NAME
        self.library_code = LIBRARY_CODE
        self.environment = "SANDBOX"
        self.base_url = "http://127.0.0.1/almaws/v1"
        self.groups: list[Group] = list(USER_GROUPS)
        self.identifier_types = dict(IDENTIFIER_TYPES)
        self.faults = FaultBoard()
        self.journal = Journal()
        self.generation = 0
        self._number = 27_410_000_000
        self.users = UserShelf(self.clock.now, lambda: self.switches.index_lag_seconds)
        self.sets = SetShelf(self.next_id, self.users.find)
        self.jobs = JobBoard(self.next_id, self.job_definitions, lambda: self.switches, self.set_members)
        self.search = UserSearch(
            self.users,
            self.group_names,
            lambda: self.switches.group_query_searches_descriptions,
            lambda: self.switches.deleted_in_search,
        )
        self.purge = Purge(self.users, self.sets, self.journal, lambda: self.switches, self.clock.today)
        self.reports = ReportRoom(
            self.users,
            lambda: self.switches,
            self.clock.now,
            self.group_names,
            REPORT_FOLDER,
            random.Random(f"tokens {seed}"),  # noqa: S311 - a rehearsal, not a secret
        )
        self.jobs.on_effect = self._record_effect
        self._wire_jobs()
        # The exclusion workbooks' rows: filled by the seeding, written out by the SFTP side.
        self.exclusions: list[Json] = []
        self.workbook_day: date | None = None

    def next_id(self) -> str:
        """Give the next id for a set, a job run or a fee."""
        self._number += 10
        return f"{self._number}003691"

    def group_names(self) -> dict[str, str]:
        """Return group descriptions by code."""
        return {group.code: group.description for group in self.groups}

    def job_definitions(self) -> dict[str, JobDefinition]:
        """Return the jobs on offer by id."""
        jobs = catalog(self.switches.purge_job_id, purge_is_chain=self.switches.purge_job_is_chain)
        if not self.switches.legacy_purge_listed:
            jobs.pop(LEGACY_PURGE_JOB)
        return jobs

    def set_members(self, set_id: str) -> list[int]:
        """Return the internal numbers of a set's members."""
        return list(self.sets.get(set_id).members)

    def settle(self) -> None:
        """Bring jobs and the nightly copy up to the clock."""
        self._wire_jobs()
        self.jobs.settle(self.clock.now())
        self.reports.refresh_if_due()

    def record(self, person: Person, expand: tuple[str, ...] = ()) -> Json:
        """Write a person as the REST record."""
        return to_record(person, self.group_names(), self.base_url, expand, self.switches.expanded_fees)

    def _wire_jobs(self) -> None:
        self.jobs.effects = {UPDATE_JOB: self._update}
        if self.switches.purge_job_id:
            self.jobs.effects[self.switches.purge_job_id] = self.purge

    @property
    def _update(self) -> UpdateNotifyUsers:
        return UpdateNotifyUsers(self.users, self.journal, self.group_names)

    def _record_effect(self, run: JobRun) -> None:
        self.journal.event(
            run.effect_moment(), f"job {run.job_id} {run.instance_id}", self.journal.take_changes()
        )
