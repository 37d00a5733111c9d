"""Says in a run folder which run it belongs to, since the folder's name can't be turned back into a run id."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from alma_purge import files
from alma_purge.run_folder import RunFolder
from patron_purge.errors import RunFileError


class RunNote(BaseModel):
    """Which run a folder belongs to.

    Attributes:
        dag_id: Id of the DAG.
        run_id: Id of the DAG run.
        started_at: When its first task began.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dag_id: str
    run_id: str
    started_at: datetime


def note_run(folder: RunFolder, dag_id: str, run_id: str, now: datetime) -> None:
    """Write down which run a folder belongs to; the first note stays.

    Args:
        folder: The run folder.
        dag_id: Id of the DAG.
        run_id: Id of the DAG run.
        now: When the task began.
    """
    if folder.read_if_there(files.RUN) is None:
        note = RunNote(dag_id=dag_id, run_id=run_id, started_at=now)
        folder.write(files.RUN, note.model_dump_json(indent=1).encode())


def read_run_note(folder: RunFolder) -> RunNote | None:
    """Return the note; None when there is none.

    Args:
        folder: The run folder.

    Raises:
        RunFileError: The note can't be read.
    """
    content = folder.read_if_there(files.RUN)
    if content is None:
        return None
    try:
        return RunNote.model_validate_json(content)
    except ValidationError as error:
        raise RunFileError(
            f"{files.RUN} in {folder.path} can't be read, so it is not known which run the folder belongs to. Bring "
            "it back from a backup, or delete it if its certificate names the run; nothing was deleted."
        ) from error
