"""One run of a job and its way through Alma's statuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

PHASES = ("QUEUED", "INITIALIZING", "RUNNING", "FINALIZING")
GOOD_ENDS = {"COMPLETED_SUCCESS", "COMPLETED_WARNING", "COMPLETED_NO_BULKS"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has been told to do by the control API.

    Args:
        end_status: Final status; decided by the job itself when empty.
        stuck_in: Phase the run never leaves; empty for none.
        share: Part of the set the job works on before it stops, 0 to 1. None: nothing before a bad end,
            everything otherwise.
    """

    end_status: str = ""
    stuck_in: str = ""
    share: float | None = None

    def part(self) -> float:
        """Tell which part of its set the job works on."""
        if self.share is not None:
            return self.share
        return 0.0 if self.end_status and self.end_status not in GOOD_ENDS else 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job did: its final status and its counters (label, description, value)."""

    status: str
    counters: tuple[tuple[str, str, int], ...] = ()


@dataclass(slots=True)
class JobRun:
    """One job instance."""

    instance_id: str
    job_id: str
    name: str
    submitted: datetime
    parameters: dict[str, str]
    phase_seconds: float
    effect_at: str
    by_api: bool = True
    captured: list[int] | None = None
    plan: Plan = field(default_factory=Plan)
    outcome: Outcome | None = None
    ended: datetime | None = None
    final_status: str = ""

    def status(self, now: datetime) -> str:
        """Tell the status at a moment."""
        if self.final_status:
            return self.final_status
        return self._phase(now)

    def effect_due(self, now: datetime) -> bool:
        """Whether the job should have changed the records by now."""
        if self.outcome is not None or self.final_status:
            return False
        phases_before = 2 if self.effect_at == "start" else len(PHASES)
        return self._elapsed(now) >= phases_before * self.phase_seconds and not self._held_before(
            phases_before
        )

    def end_due(self, now: datetime) -> bool:
        """Whether the run should have ended by now."""
        over = self._elapsed(now) >= len(PHASES) * self.phase_seconds
        return not self.final_status and over and not self.plan.stuck_in

    def effect_moment(self) -> datetime:
        """Tell when the records change."""
        return self.started(2 if self.effect_at == "start" else len(PHASES))

    def started(self, phase: int) -> datetime:
        """Tell when a phase (by number) begins; phase 4 is the end."""
        return self.submitted + timedelta(seconds=self.phase_seconds * phase)

    def finish(self, moment: datetime, status: str) -> None:
        """End the run."""
        self.final_status = status
        self.ended = moment

    @property
    def active(self) -> bool:
        """Whether the run has not ended."""
        return not self.final_status

    def _phase(self, now: datetime) -> str:
        if self.phase_seconds <= 0:
            number = len(PHASES) - 1
        else:
            number = min(int(self._elapsed(now) / self.phase_seconds), len(PHASES) - 1)
        if self.plan.stuck_in:
            number = min(number, PHASES.index(self.plan.stuck_in))
        return PHASES[number]

    def _held_before(self, phases: int) -> bool:
        return bool(self.plan.stuck_in) and PHASES.index(self.plan.stuck_in) < phases

    def _elapsed(self, now: datetime) -> float:
        return (now - self.submitted).total_seconds()
