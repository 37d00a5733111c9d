"""Where the package finds institution files, job payloads and run folders."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from airflow.sdk import CronTriggerTimetable, ObjectStoragePath

import patron_purge
from patron_purge.errors import ConfigurationError
from patron_purge.institution import Institution, load_institution
from patron_purge.states import Engine

DAG_PREFIX = "alma_user_purge_"
HOUSEKEEPING_DAG = "alma_purge_housekeeping"
CONFIG_VARIABLE = "ALMA_PURGE_CONFIG"
STORE_VARIABLE = "ALMA_PURGE_STORE"


def config_folder() -> Path:
    """Return the folder that holds `institutions/` and `jobs/`.

    It is `include/` of the project; the environment variable ALMA_PURGE_CONFIG names another one.
    """
    configured = os.environ.get(CONFIG_VARIABLE)
    return Path(configured) if configured else Path(patron_purge.__file__).resolve().parent.parent


def institution_files() -> list[Path]:
    """Return the settings file of every institution, sorted by name."""
    return sorted((config_folder() / "institutions").glob("*.yaml"))


def dag_id_of(institution_code: str) -> str:
    """Return the DAG id of an institution."""
    return f"{DAG_PREFIX}{institution_code}"


def institution_of_dag(dag_id: str) -> Institution:
    """Read the settings of the institution that a DAG belongs to.

    Args:
        dag_id: Id of the DAG, `alma_user_purge_` and the name of the institution's file.

    Returns:
        The checked settings.

    Raises:
        ConfigurationError: There is no such institution, or its file has mistakes.
    """
    code = dag_id.removeprefix(DAG_PREFIX)
    known = {path.stem: path for path in institution_files()}
    if not dag_id.startswith(DAG_PREFIX) or code not in known:
        raise ConfigurationError(f"No institution file belongs to the DAG {dag_id}. Nothing was changed.")
    institution = load_institution(known[code])
    if institution.code != code:
        raise ConfigurationError(
            f"{code}.yaml says code: {institution.code}. Name the file after the code; nothing was changed."
        )
    return institution


def job_payload(file_name: str) -> bytes:
    """Read a job payload, as pasted from the job's "API information" panel in Alma.

    Args:
        file_name: Name of a file in `include/jobs`.

    Returns:
        The file's bytes.

    Raises:
        ConfigurationError: The file is missing or lies outside `include/jobs`.
    """
    folder = (config_folder() / "jobs").resolve()
    path = (folder / file_name).resolve()
    if path.parent != folder:
        raise ConfigurationError(f"The payload {file_name} must lie in include/jobs. Nothing was changed.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The job payload include/jobs/{file_name} can't be read. Paste it from the job's "
            '"API information" panel in Alma; nothing was changed.'
        ) from error


def store_root() -> ObjectStoragePath:
    """Return the root of all run folders.

    It is an object-store URL in the environment variable ALMA_PURGE_STORE; by default the folder
    `alma_purge_store` in Airflow's home.
    """
    configured = os.environ.get(STORE_VARIABLE)
    if configured:
        return ObjectStoragePath(configured)
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    return ObjectStoragePath(f"file://{home / 'alma_purge_store'}")


def run_folder_name(run_id: str) -> str:
    """Turn a DAG run id into a folder name that is safe everywhere and still unique.

    Args:
        run_id: The DAG run's id; people may choose it freely.

    Returns:
        The readable part of the id and the first 8 characters of its sha256.
    """
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", run_id)[:60].strip("_")
    return f"{readable}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class InstitutionEntry:
    """What the DAG file needs to know about an institution.

    Attributes:
        code: Short code, the stem of the file's name.
        name: Name shown to people.
        environment: `production`, `sandbox`, or `settings need correction`.
        schedule: Cron expression, or None.
        timezone: Zone of the schedule.
        approvers: Airflow user ids who may answer.
        engine: How the purge is started; a person's part in it changes the flow.
        approval_hours: How long an answer is waited for, in hours.
        wants_reminders: Whether approvers are reminded by mail.
        approval_hours: How long an answer is waited for, in hours.
    """

    code: str
    name: str
    environment: str
    schedule: str | None
    timezone: str
    approvers: tuple[str, ...]
    approval_hours: int
    engine: Engine = Engine.JOB
    wants_reminders: bool = False

    def timetable(self) -> CronTriggerTimetable | None:
        """Return the schedule in the institution's zone."""
        return CronTriggerTimetable(self.schedule, timezone=self.timezone) if self.schedule else None


def institution_entries() -> list[InstitutionEntry]:
    """Return an entry for every institution file.

    A file with mistakes gets an entry too, without a schedule: its DAG stays visible and its preflight says
    what is wrong, and the other institutions are not affected.
    """
    return [_entry(path) for path in institution_files()]


def _entry(path: Path) -> InstitutionEntry:
    try:
        settings = load_institution(path)
    except ConfigurationError:
        return InstitutionEntry(path.stem, path.stem, "settings need correction", None, "UTC", (), 72)
    return InstitutionEntry(
        code=path.stem,
        name=settings.name,
        environment=settings.environment,
        schedule=settings.schedule,
        timezone=settings.timezone,
        approvers=settings.approvers,
        engine=settings.engine,
        wants_reminders=settings.notices is not None and bool(settings.notices.reminder_hours),
        approval_hours=settings.approval_hours,
    )
