"""The run that a notice is about, as tasks, callbacks and the triggerer can all see it."""

from dataclasses import dataclass

from alma_purge.links import airflow_address
from alma_purge.places import institution_of_dag
from alma_purge.run_folder import RunFolder
from patron_purge.institution import Institution
from patron_purge.notices import Place


@dataclass(frozen=True, slots=True)
class NoticeSubject:
    """A run to write about.

    Attributes:
        institution: The settings.
        dag_id: Id of the DAG.
        run_id: Id of the DAG run.
        folder: The run folder.
    """

    institution: Institution
    dag_id: str
    run_id: str
    folder: RunFolder

    @property
    def place(self) -> Place:
        """Return what the words of a notice need to know about the run."""
        return Place(
            institution_name=self.institution.name,
            environment=self.institution.environment,
            zone=self.institution.zone,
            dag_id=self.dag_id,
            run_id=self.run_id,
            base_url=airflow_address(),
        )


def subject_of(dag_id: str, run_id: str) -> NoticeSubject:
    """Put together what is known about a run.

    Args:
        dag_id: Id of the DAG.
        run_id: Id of the DAG run.

    Raises:
        ConfigurationError: The institution's file is missing or has mistakes.
    """
    institution = institution_of_dag(dag_id)
    return NoticeSubject(institution, dag_id, run_id, RunFolder.of_run(institution.code, run_id))
