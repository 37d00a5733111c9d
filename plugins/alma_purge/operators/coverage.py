"""The task of the coverage check: has every institution had its scheduled run?"""

from datetime import UTC, datetime

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from alma_purge.coverage import coverage


class CoverageOperator(BaseOperator):
    """Compares schedules with certificates, and fails when an institution was left out."""

    def execute(self, context: Context) -> str:
        """Compare, and say what was found in one sentence."""
        del context
        found = coverage(datetime.now(UTC))
        if found.left_out:
            raise AirflowFailException(
                f"{found.sentence} Look at those DAGs: one that is paused or waits in the queue does not run. "
                "Nothing was changed."
            )
        self.log.info("%s", found.sentence)
        return found.sentence
