"""What the operators of the housekeeping share: the institution they work for, and its past runs."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from alma_api.client import AlmaClient
from alma_api.errors import AlmaError
from alma_purge.hooks.alma import AlmaHook
from alma_purge.operators.base import fail_or_retry, report_summary
from alma_purge.places import dag_id_of, institution_of_dag
from alma_purge.steps.past_runs import PastRun, past_runs
from patron_purge.errors import PurgeError
from patron_purge.institution import Institution

_UNDER_WAY = ["queued", "running"]


class HousekeepingError(PurgeError):
    """Something is left over that a person must look at."""


@dataclass(frozen=True)
class Household:
    """One institution, its past runs and the time.

    Attributes:
        institution: The settings.
        runs: Every run that has a folder, oldest end first.
        nameless: Run folders of which it is not known to which run they belong.
        now: Now; aware.
    """

    institution: Institution
    runs: list[PastRun]
    nameless: int
    now: datetime

    def client(self) -> AlmaClient:
        """Return a client for the institution's Alma."""
        pace = float(self.institution.calls_per_second)
        return AlmaHook(self.institution.alma_connection, calls_per_second=pace).get_conn()

    def ended(self) -> list[PastRun]:
        """Return the runs that Airflow has neither queued nor running."""
        return [run for run in self.runs if not run.active]


class HousekeepingOperator(BaseOperator):
    """Base of the housekeeping tasks: opens the institution, does the work, and fails with a sentence.

    Args:
        institution_code: Short code of the institution.
    """

    def __init__(self, *, institution_code: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.institution_code = institution_code

    @abstractmethod
    def tidy(self, household: Household, context: Context) -> str:
        """Do the task's work.

        Args:
            household: The institution and its past runs.
            context: The task's context.

        Returns:
            Plain sentences about what was done, with counts and without names.
        """

    def execute(self, context: Context) -> None:
        """Open the institution, do the task's work, and turn errors into what Airflow understands."""
        ti, code = context["ti"], self.institution_code

        def is_active(run_id: str) -> bool:
            return bool(ti.get_dr_count(dag_id=dag_id_of(code), run_ids=[run_id], states=_UNDER_WAY))

        try:
            institution = institution_of_dag(dag_id_of(code))
            runs, nameless = past_runs(code, is_active)
            household = Household(institution, runs, nameless, datetime.now(UTC))
            summary = self.tidy(household, context)
        except (PurgeError, AlmaError) as error:
            raise fail_or_retry(context, error) from error
        report_summary(context, self, summary)
        self._fail_after(context)

    def _fail_after(self, context: Context) -> None:
        """Fail when the task before this one has failed, so that a green end never hides a red task."""
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
        failed = [one for one in sorted(self.upstream_task_ids) if states.get(one) == "failed"]
        if failed:
            raise AirflowFailException(
                f"This task has done its own work, but {', '.join(failed)} failed; look there for what to do."
            )
