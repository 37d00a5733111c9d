"""The sets that this run has made in Alma, so that none of them is left behind."""

import json
import logging

from alma_api.client import AlmaClient
from alma_api.errors import AlmaError
from alma_purge import files
from alma_purge.operators.base import PurgeRun
from alma_purge.run_folder import HasFolder

log = logging.getLogger(__name__)


def note_set(run: PurgeRun, name: str) -> None:
    """Write down the name of a set before it is made.

    Args:
        run: The run.
        name: Exact name of the set; it holds the run and the digest, so it is nobody else's.
    """
    names = made_sets(run)
    if name not in names:
        run.folder.write(files.SETS, json.dumps([*names, name]).encode())


def made_sets(run: HasFolder) -> tuple[str, ...]:
    """Return the names of all sets that this run may have made."""
    content = run.folder.read_if_there(files.SETS)
    return () if content is None else tuple(str(name) for name in json.loads(content))


def delete_sets(run: PurgeRun, client: AlmaClient, keep: str = "") -> None:
    """Delete this run's sets, which hold ids of people; a leftover does no harm, so trouble is only logged.

    Args:
        run: The run.
        client: The Alma client.
        keep: Name of a set that is still needed.
    """
    for name in made_sets(run):
        if name == keep:
            continue
        try:
            leftover = client.sets.find_by_name(name)
            if leftover is not None:
                client.sets.delete(leftover.id)
        except AlmaError as error:
            log.warning("The set %s could not be deleted; delete it in Alma. %s", name, error)
