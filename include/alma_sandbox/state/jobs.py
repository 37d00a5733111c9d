"""Starting jobs with Alma's checks and limits, and moving them along with the clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.state.job_catalog import LEGACY_PURGE_JOB, JobDefinition, JobType
from alma_sandbox.state.job_run import JobRun, Outcome, Plan
from alma_sandbox.state.switches import Switches

Effect = Callable[[JobRun, list[int]], Outcome]
MAY_BE_EMPTY = ("_Value", "job_name")


class JobBoard:
    """Job definitions and runs.

    Args:
        next_id: Gives the id of the next run.
        jobs: Gives the job definitions by id.
        switches: Gives the tenant's switches.
        members: Gives the members (internal numbers) of a set by id; raises when there is no such set.
    """

    def __init__(
        self,
        next_id: Callable[[], str],
        jobs: Callable[[], dict[str, JobDefinition]],
        switches: Callable[[], Switches],
        members: Callable[[str], list[int]],
    ) -> None:
        self._next_id = next_id
        self._jobs = jobs
        self._switches = switches
        self._members = members
        self.runs: list[JobRun] = []
        self.plans: dict[str, list[Plan]] = {}
        self.effects: dict[str, Effect] = {}
        self.on_effect: Callable[[JobRun], None] = lambda _run: None

    def definitions(self) -> dict[str, JobDefinition]:
        """Return the jobs by id."""
        return self._jobs()

    def definition(self, job_id: str) -> JobDefinition:
        """Return one job.

        Raises:
            AlmaRefusal: 402215 for an id that cannot be one, 402216 for an unknown one.
        """
        if not re.fullmatch(r"[MSO]\d+", job_id):
            raise AlmaRefusal("402215", f"Invalid job id format: {job_id}.")
        if job_id not in self._jobs():
            raise AlmaRefusal("402216", f"Invalid job id: {job_id}.")
        return self._jobs()[job_id]

    def start(self, job_id: str, parameters: dict[str, str], now: datetime) -> JobRun:
        """Start a job as the API does.

        Args:
            job_id: The job.
            parameters: Parameters as sent.
            now: Submit time.

        Raises:
            AlmaRefusal: The documented code for whatever forbids the start.
        """
        job = self.definition(job_id)
        captured = self._check_start(job, parameters, now)
        switches = self._switches()
        plans = self.plans.get(job_id, [])
        run = JobRun(
            self._next_id(),
            job_id,
            self._run_name(job, parameters, now),
            now,
            dict(parameters),
            switches.job_seconds,
            switches.effect_at,
            captured=captured if switches.set_captured == "start" else None,
            plan=plans.pop(0) if plans else Plan(),
        )
        self.runs.append(run)
        return run

    def settle(self, now: datetime) -> None:
        """Apply effects and ends that are due."""
        for run in self.runs:
            if run.active:
                self._settle_run(run, now)

    def active(self) -> list[JobRun]:
        """Return the runs that have not ended."""
        return [run for run in self.runs if run.active]

    def find(self, job_id: str, instance_id: str) -> JobRun:
        """Return a run.

        Raises:
            AlmaRefusal: 402218 if there is none, 402215 or 402216 for a bad job id.
        """
        if job_id != "ALL":
            self.definition(job_id)
        for run in self.runs:
            if run.instance_id == instance_id and job_id in {"ALL", run.job_id}:
                return run
        raise AlmaRefusal("402218", f"Invalid job instance id: {instance_id}.")

    def add_operator_run(self, name: str, outcome: Outcome, now: datetime) -> JobRun:
        """Record a run that a person started on the Purge User Records page."""
        run = JobRun(self._next_id(), LEGACY_PURGE_JOB, name, now, {}, 0, "end", by_api=False)
        run.outcome = outcome
        run.finish(now, outcome.status)
        self.runs.append(run)
        return run

    def _check_start(self, job: JobDefinition, parameters: dict[str, str], now: datetime) -> list[int]:
        if job.job_type is not JobType.MANUAL:
            raise AlmaRefusal("402248", "Cannot submit scheduled job.")
        if job.chain:
            raise AlmaRefusal(
                "402231",
                "Job consists of more than one task - executing such job is currently not supported "
                "via the API.",
            )
        self._check_parameters(job, parameters)
        self._check_thresholds(job.job_id, now)
        captured = self._members(parameters["set_id"]) if "set_id" in parameters else []
        for other in self.runs:
            if (
                other.active
                and other.job_id == job.job_id
                and other.parameters.get("set_id") == parameters.get("set_id")
            ):
                raise AlmaRefusal("60347", "Job overlaps with running job - cannot execute.")
        return captured

    def _settle_run(self, run: JobRun, now: datetime) -> None:
        if run.effect_due(now):
            run.outcome = self._work(run)
            self.on_effect(run)
        if run.end_due(now) and run.outcome is not None:
            run.finish(run.started(4), run.plan.end_status or run.outcome.status)

    def _work(self, run: JobRun) -> Outcome:
        if run.captured is None:
            try:
                run.captured = self._members(run.parameters["set_id"])
            except AlmaRefusal:
                return Outcome("COMPLETED_FAILED")
        if not run.captured:
            return Outcome("COMPLETED_NO_BULKS")
        effect = self.effects.get(run.job_id)
        chosen = run.captured[: round(len(run.captured) * run.plan.part())]
        if effect is None or not chosen:
            return Outcome("COMPLETED_SUCCESS")
        return effect(run, chosen)

    def _check_parameters(self, job: JobDefinition, parameters: dict[str, str]) -> None:
        known = {name for name, _ in job.parameters}
        if self._switches().unknown_parameters == "refuse":
            unknown = sorted(set(parameters) - known) if known else []
            if unknown:
                raise AlmaRefusal("402228", f"Parameter {unknown[0]} is not defined for job {job.job_id}.")
        for name, _ in job.parameters:
            if name not in parameters and name != "job_name":
                raise AlmaRefusal("402228", f"Mandatory parameter is missing from input: {name}.")
            if not parameters.get(name) and not (name.endswith(MAY_BE_EMPTY) or name in job.may_be_empty):
                raise AlmaRefusal("402229", f"Mandatory parameter value is empty: {name}.")

    def _check_thresholds(self, job_id: str, now: datetime) -> None:
        switches = self._switches()
        if sum(1 for run in self.runs if run.active and run.by_api) >= switches.max_running_jobs:
            raise AlmaRefusal("402222", "Execution threshold reached.")
        hour_ago = now - timedelta(hours=1)
        recent = [
            run for run in self.runs if run.by_api and run.job_id == job_id and run.submitted > hour_ago
        ]
        if len(recent) >= switches.max_starts_per_hour:
            raise AlmaRefusal("402223", "Execution threshold reached.")

    def _run_name(self, job: JobDefinition, parameters: dict[str, str], now: datetime) -> str:
        sent = parameters.get("job_name", "")
        if sent and self._switches().job_name_echoed:
            return sent
        return f"{job.name} - {now:%m/%d/%Y %H:%M:%S} GMT"
