"""Checks every approved person once more, in the same execution as the change in Alma that follows."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alma_api.client import AlmaClient
from alma_purge.operators.base import PurgeRun
from alma_purge.steps.authority import Authority
from alma_purge.steps.exclusions import fetch_lists
from alma_purge.steps.live_check import Judge, check_people
from alma_purge.steps.rule_context import protect_list_of, rule_context
from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_file import ExclusionFile
from patron_purge.guards.checks import ROWS_WORTH_COMPARING
from patron_purge.patron import Finding, Patron
from patron_purge.rules import RuleContext, after_regroup, evaluate
from patron_purge.states import Reason

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
    run: PurgeRun, client: AlmaClient, authority: Authority, primary_ids: Sequence[str]
) -> LastCheck:
    """Fetch the exclusion files again, read everybody again, and apply the same rules.

    Whoever is not in the group any more that the snapshot holds is taken off: the group would be put back
    wrongly, and somebody is working on the record.

    Args:
        run: The run.
        client: The Alma client.
        authority: What was approved.
        primary_ids: The approved people to check.

    Raises:
        InputRefusedError: An exclusion file is missing, stale, damaged or much shorter than at the approval,
            or the protect list is missing or unreadable.
        AlmaError: Alma can't be read.
    """
    context = _fresh_context(run, authority)

    def judge(patron: Patron) -> Finding | None:
        finding = evaluate(patron, context)
        if finding is None and patron.user_group != authority.original_groups[patron.asked_id]:
            return Finding(Reason.GROUP_CHANGED, f"user group is {patron.user_group or 'empty'}")
        return finding

    return _check(client, primary_ids, judge)


def check_before_purge(
    run: PurgeRun, client: AlmaClient, authority: Authority, primary_ids: Sequence[str]
) -> LastCheck:
    """Check people who have been moved to the marker group; their original group counts for the rules.

    Args:
        run: The run.
        client: The Alma client.
        authority: What was approved.
        primary_ids: The approved people to check.

    Raises:
        InputRefusedError: An exclusion file is missing, stale, damaged or much shorter than at the approval,
            or the protect list is missing or unreadable.
        AlmaError: Alma can't be read.
    """
    context = _fresh_context(run, authority)
    marker_group = run.institution.marker_group

    def judge(patron: Patron) -> Finding | None:
        at_home = after_regroup(patron, authority.original_groups[patron.asked_id], marker_group)
        return at_home if isinstance(at_home, Finding) else evaluate(at_home, context)

    return _check(client, primary_ids, judge)


def _fresh_context(run: PurgeRun, authority: Authority) -> RuleContext:
    """Fetch exclusion files and protect list anew; whoever stood in the approved files stays excluded.

    Their age counts from this moment, not from the task's start.
    """
    lists = fetch_lists(run.institution, datetime.now(run.institution.zone))
    fresh = {one.pattern.pattern: one.file for one in lists.exclusions}
    for pattern, stored in authority.exclusions.items():
        _refuse_shrunken(run, stored, fresh.get(pattern))
    return rule_context(
        run,
        (*authority.exclusions.values(), *fresh.values()),
        protect_list_of(run, lists.protect_list.entries if lists.protect_list else None),
        authority.group_names,
    )


def _refuse_shrunken(run: PurgeRun, stored: ExclusionFile, fresh: ExclusionFile | None) -> None:
    """Stop when a file has lost more rows since the approval than the institution lets pass between runs."""
    rows = fresh.row_count if fresh else 0
    limit = run.institution.guards.max_exclusion_drop_percent
    lost = stored.row_count - rows
    if stored.row_count >= ROWS_WORTH_COMPARING and 100 * lost > limit * stored.row_count:
        raise InputRefusedError(
            f"{stored.file_name} had {stored.row_count:,} rows when the list was made and has {rows:,} now; at most "
            f"{limit} % may be lost. People who must be kept may be missing from it. Ask the file's producer; "
            "nothing was sent to Alma."
        )


def _check(client: AlmaClient, primary_ids: Sequence[str], judge: Judge) -> LastCheck:
    results = check_people(client, primary_ids, judge)
    dropped = {
        primary_id: result.finding for primary_id, result in results.items() if result.finding is not None
    }
    log.info("Last check: %s of %s people are taken off", f"{len(dropped):,}", f"{len(primary_ids):,}")
    return LastCheck(dropped=dropped, finished_at=datetime.now(UTC))
