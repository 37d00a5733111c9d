"""Checks every approved person once more, in the same execution as the change in Alma that follows."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airflow.sdk.exceptions import AirflowException

from alma_api.client import AlmaClient
from alma_purge.operators.base import PurgeRun
from alma_purge.steps.exclusions import ExclusionServerError, fetch_exclusion_files
from alma_purge.steps.live_check import Judge, check_people
from alma_purge.steps.rule_context import rule_context
from patron_purge.patron import Finding, Patron
from patron_purge.rules import RuleContext, after_regroup, evaluate

log = logging.getLogger(__name__)

GOOD_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class LastCheck:
    """What the last check found out.

    Attributes:
        dropped: Primary id to why the person is taken off.
        finished_at: When the check was done; it is good for 15 minutes.
    """

    dropped: dict[str, Finding]
    finished_at: datetime

    def is_stale(self) -> bool:
        """Tell whether the check must be made again before anything is sent."""
        return datetime.now(UTC) - self.finished_at > GOOD_FOR


def check_before_regroup(
    run: PurgeRun, client: AlmaClient, primary_ids: Sequence[str], group_names: Mapping[str, str]
) -> LastCheck:
    """Fetch the exclusion files again, read everybody again, and apply the same rules.

    Args:
        run: The run.
        client: The Alma client.
        primary_ids: The approved people.
        group_names: Description of every user group by its code.

    Raises:
        InputRefusedError: An exclusion file is missing, stale or damaged.
        AlmaError: Alma can't be read.
    """
    context = _fresh_context(run, group_names)
    return _check(client, primary_ids, lambda patron: evaluate(patron, context))


def check_before_purge(
    run: PurgeRun, client: AlmaClient, original_groups: Mapping[str, str], group_names: Mapping[str, str]
) -> LastCheck:
    """Check people who have been moved to the marker group; their original group counts for the rules.

    Args:
        run: The run.
        client: The Alma client.
        original_groups: Primary id of each person to the code of the original group.
        group_names: Description of every user group by its code.

    Raises:
        InputRefusedError: An exclusion file is missing, stale or damaged.
        AlmaError: Alma can't be read.
    """
    context = _fresh_context(run, group_names)
    marker_group = run.institution.marker_group

    def judge(patron: Patron) -> Finding | None:
        at_home = after_regroup(patron, original_groups[patron.asked_id], marker_group)
        return at_home if isinstance(at_home, Finding) else evaluate(at_home, context)

    return _check(client, sorted(original_groups), judge)


def _fresh_context(run: PurgeRun, group_names: Mapping[str, str]) -> RuleContext:
    """Fetch the exclusion files anew; their age counts from this moment, not from the task's start."""
    try:
        downloads = fetch_exclusion_files(run.institution, datetime.now(run.institution.zone))
    except ExclusionServerError as error:
        raise AirflowException(str(error)) from error
    return rule_context(run, tuple(one.file for one in downloads), group_names)


def _check(client: AlmaClient, primary_ids: Sequence[str], judge: Judge) -> LastCheck:
    results = check_people(client, primary_ids, judge)
    dropped = {
        primary_id: result.finding for primary_id, result in results.items() if result.finding is not None
    }
    log.info("Last check: %s of %s people are taken off", f"{len(dropped):,}", f"{len(primary_ids):,}")
    return LastCheck(dropped=dropped, finished_at=datetime.now(UTC))
