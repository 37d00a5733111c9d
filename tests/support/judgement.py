"""Judges how a run has ended, by the tenant's own state and log and by the files of the run."""

from collections import Counter
from dataclasses import dataclass

from airflow.sdk import ObjectStoragePath
from tests.support.airflow_person import Watch
from tests.support.tenant import MARKER
from tests.support.world import (
    JOB_REFUSES,
    PROTECTED,
    PURGEABLE,
    Person,
    World,
    assert_untouched,
    gone,
    is_there,
    of,
)

from alma_purge import files
from alma_purge.places import DAG_PREFIX, run_folder_name
from alma_purge.run_folder import RunFolder
from patron_purge.certificate import Certificate
from patron_purge.ledger import ids_in_state, read_ledger_csv
from patron_purge.states import RowState

TELLS_WHAT_TO_DO = ("clear", "Clear", "trigger a new run", "Trigger a new run", "Look ", "look ")


@dataclass(frozen=True)
class Before:
    """The tenant before a run."""

    people: dict[str, Person]


def run_folder_of(store: str, watch: Watch) -> RunFolder:
    """Return the folder of a watched run.

    Args:
        store: Address of the store.
        watch: The run.
    """
    code = watch.run.dag_id.removeprefix(DAG_PREFIX)
    return RunFolder(ObjectStoragePath(store) / code / run_folder_name(watch.run.run_id))


def certificate_of(folder: RunFolder) -> Certificate:
    """Read a run's certificate."""
    return Certificate.model_validate_json(folder.read(files.CERTIFICATE))


def assert_complete(world: World, before: dict[str, Person], folder: RunFolder) -> None:
    """Make sure that a run has purged exactly who had to go, and has accounted for everybody."""
    assert world.job_starts() == {"M148": 1, "M20261": 1}
    after = world.people()
    purgeable = {one.primary_id for one in of(before, PURGEABLE)}
    assert purgeable
    assert gone(before, after) == purgeable
    assert_only_approved_touched(world, folder)
    assert_everybody_home(before, after)
    certificate = certificate_of(folder)
    assert certificate.purged == len(purgeable)
    assert certificate.outcome in {"complete", "partly"}, certificate.outcome
    assert_equation_closes(certificate)


def assert_stopped(world: World, before: dict[str, Person], folder: RunFolder, watch: Watch) -> None:
    """Make sure that a stopped run has done no harm and says what to do."""
    after = world.people()
    assert max(world.job_starts().values(), default=0) <= 1
    assert gone(before, after) <= {one.primary_id for one in of(before, PURGEABLE)}
    assert_only_approved_touched(world, folder)
    assert_everybody_home(before, after)
    assert watch.sentences
    for task_id, sentence in watch.sentences:
        assert any(words in sentence for words in TELLS_WHAT_TO_DO), (task_id, sentence)


def assert_only_approved_touched(world: World, folder: RunFolder) -> None:
    """Make sure that whatever was changed in the tenant concerned somebody on the approved list."""
    content = folder.read_if_there(files.LEDGER_REVIEWED)
    approved = set() if content is None else set(ids_in_state(read_ledger_csv(content), RowState.TO_PURGE))
    touched = {change["user"] for change in world.changes() if "user" in change}
    assert touched <= approved, f"{len(touched - approved)} people were touched who were not approved"


def assert_everybody_home(before: dict[str, Person], after: dict[str, Person]) -> None:
    """Make sure that whoever was not purged is as before, and nobody is left in the purge group."""
    stranded = [one.scenario for one in after.values() if is_there(one) and one.user_group == MARKER]
    assert not stranded, f"stranded in the purge group: {Counter(stranded)}"
    kept = {one.primary_id for expectation in (PROTECTED, JOB_REFUSES) for one in of(before, expectation)}
    assert_untouched(before, after, kept)


def assert_equation_closes(certificate: Certificate) -> None:
    """Make sure that every row of the report is accounted for."""
    equation = certificate.equation
    assert equation is not None
    assert sum(part.count for part in equation.parts) == equation.total
    assert not any(part.count for part in equation.parts if part.code == "unknown")
