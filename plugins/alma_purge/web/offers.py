"""What the person at the screen may do on the review page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.steps.job_book import read_job_record
from alma_purge.steps.looked import looked_at
from alma_purge.web.form_token import form_token
from alma_purge.web.loaded_review import LoadedReview
from alma_purge.web.opened_run import OpenedRun
from alma_purge.web.standing import Stage
from patron_purge.decision import Person
from patron_purge.looked import LOOK_AFTER, Looked
from patron_purge.purge_page import VALID_FOR, is_valid, page_criteria
from patron_purge.states import Engine
from patron_purge.taken_off import TakenOff

_BY_HAND: Final = ("ready_to_purge", "purge_users")
_RECORDS: Final = (files.REGROUP_RECORD, files.PURGE_RECORD)


@dataclass(frozen=True, slots=True)
class UnclearJob:
    """A job of which nobody knows whether Alma started it.

    Attributes:
        record: The record of the job.
        looked: What a person saw in Alma; None when nobody looked.
        is_due: Whether enough time has passed to look for it.
    """

    record: JobRecord
    looked: Looked | None
    is_due: bool


@dataclass(frozen=True, slots=True)
class PurgeByHand:
    """What a person is asked to enter in Alma right now.

    Attributes:
        fields: The fields of the page and what to enter.
        until: Until when it may be started.
        is_valid: Whether it may still be started.
    """

    fields: tuple[tuple[str, str], ...]
    until: datetime
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Offers:
    """What a page offers to one person, and what was done so far.

    Attributes:
        is_approver: Whether the person is one of the institution's approvers.
        take_off: Whether the person may take people off the list now.
        taken_off: Who was taken off so far, oldest first; two people may have taken the same person off.
        people_taken_off: How many people these are.
        unclear_jobs: Jobs of which nobody knows whether Alma started them.
        by_hand: The purge that a person is asked to run in Alma; None when nobody is asked.
        asking: The tasks of a purge by hand that wait for an answer, each with why the last answer led to nothing;
            an empty text when there was none.
        token: The token for forms.
    """

    is_approver: bool
    take_off: bool
    taken_off: tuple[TakenOff, ...]
    people_taken_off: int
    unclear_jobs: tuple[UnclearJob, ...]
    by_hand: PurgeByHand | None
    asking: Mapping[str, str]
    token: str


def offers(run: OpenedRun, loaded: LoadedReview, person: Person) -> Offers:
    """Find out what a page offers.

    Args:
        run: The run.
        loaded: Its review.
        person: Who looks at the page.
    """
    is_approver = person.id in run.institution.approvers
    return Offers(
        is_approver=is_approver,
        take_off=is_approver and loaded.review.count > 0 and may_take_off(run, loaded),
        taken_off=loaded.taken_off,
        people_taken_off=len({one.primary_id for one in loaded.taken_off}),
        unclear_jobs=unclear_jobs(run),
        by_hand=purge_by_hand(run),
        asking={
            task: run.records.trouble(task)
            for task in _BY_HAND
            if run.institution.engine is Engine.MANUAL and run.records.state(task) == "awaiting_input"
        },
        token=form_token(run, person) if is_approver else "",
    )


def may_take_off(run: OpenedRun, loaded: LoadedReview) -> bool:
    """Tell whether the list is still open: it was asked about, not answered, and nothing was sent.

    It stays open when nobody is left, so that whoever took the last person off is not told of an answer.

    Args:
        run: The run.
        loaded: Its review.
    """
    sent = read_job_record(run.folder, files.REGROUP_RECORD).stage is not JobStage.NONE
    return loaded.standing.stage in {Stage.ASKED, Stage.EMPTY} and not sent


def purge_by_hand(run: OpenedRun) -> PurgeByHand | None:
    """Return the purge that a person is asked to run in Alma; None when nobody is asked.

    Args:
        run: The run.
    """
    record = read_job_record(run.folder, files.PURGE_RECORD)
    if not record.by_hand or record.stage is not JobStage.INTENDED or record.intended_at is None:
        return None
    shown = record.intended_at
    return PurgeByHand(
        fields=page_criteria(run.institution).fields(),
        until=shown + VALID_FOR,
        is_valid=is_valid(shown, datetime.now(UTC)),
    )


def unclear_jobs(run: OpenedRun) -> tuple[UnclearJob, ...]:
    """List the jobs of a run whose start was unclear.

    Args:
        run: The run.
    """
    records = [read_job_record(run.folder, name) for name in _RECORDS]
    now = datetime.now(UTC)
    return tuple(
        UnclearJob(
            record=record,
            looked=looked_at(run.folder, record),
            is_due=record.intended_at is not None and now >= record.intended_at + LOOK_AFTER,
        )
        for record in records
        if record.stage is JobStage.INTENDED and not record.by_hand
    )
