"""The words of each notice.

No notice names a person of the tenant. Those that ask for an approval name neither the count nor the code, which
stand only on the review page, and none repeats a comment that somebody has typed, because it may hold names.
"""

from collections.abc import Sequence
from datetime import datetime

from patron_purge.amounts import number, people
from patron_purge.certificate import Certificate
from patron_purge.notices.notice import Link, Notice, NoticeKind, Place
from patron_purge.run_outcome import Outcome

NOBODY_IS_PURGED = "Nobody is purged."
GROUPS_GO_BACK = (
    "People whom this run had already moved to the purge group get their user group back; the run goes on until "
    "that is done."
)
TO_TRY_AGAIN = "To make a new list, trigger a new run."


def approval_wanted(place: Place, deadline: datetime, approvers: Sequence[str]) -> Notice:
    """Ask the approvers to look at the list and answer.

    Args:
        place: The run.
        deadline: Last moment for an answer.
        approvers: Airflow user ids who may approve.
    """
    return Notice(
        kind=NoticeKind.APPROVAL_WANTED,
        place=place,
        headline=f"approval wanted by {place.moment(deadline)}",
        sentences=(
            "A list of expired patrons is ready to be purged from Alma. A purge can't be undone.",
            _how_to_answer(),
            _silence(place, deadline),
            _who(approvers),
        ),
        links=(place.review("Open the review page"), place.form("Open the form"), _on_a_phone(place)),
    )


def reminder(place: Place, deadline: datetime, approvers: Sequence[str]) -> Notice:
    """Remind the approvers that nobody has answered yet.

    Args:
        place: The run.
        deadline: Last moment for an answer.
        approvers: Airflow user ids who may approve.
    """
    return Notice(
        kind=NoticeKind.REMINDER,
        place=place,
        headline=f"reminder, approval wanted by {place.moment(deadline)}",
        sentences=(
            "Nobody has answered yet whether a list of expired patrons may be purged from Alma.",
            _how_to_answer(),
            _silence(place, deadline),
            _who(approvers),
        ),
        links=(place.review("Open the review page"), place.form("Open the form"), _on_a_phone(place)),
    )


def approved(place: Place, user_id: str, valid_until: datetime | None) -> Notice:
    """Tell that the list was approved.

    Args:
        place: The run.
        user_id: Airflow user id of whoever approved.
        valid_until: Last moment at which the approval allows anything to be sent.
    """
    until = f" The approval is valid until {place.moment(valid_until)}." if valid_until else ""
    return Notice(
        kind=NoticeKind.APPROVED,
        place=place,
        headline=f"approved by {user_id}",
        sentences=(
            "The run now moves the people on the approved list to the purge group; the purge itself comes after "
            "that. Right before each step everybody is checked once more; that can only take people off."
            + until,
            "There will be one more mail when everybody is accounted for.",
        ),
        links=(place.review("Follow the run on its review page"),),
    )


def rejected(place: Place, user_id: str, *, people_were_moved: bool) -> Notice:
    """Tell that the list was rejected.

    Args:
        place: The run.
        user_id: Airflow user id of whoever rejected.
        people_were_moved: Whether the run had already moved people to the purge group.
    """
    return Notice(
        kind=NoticeKind.REJECTED,
        place=place,
        headline=f"rejected by {user_id}, nobody is purged",
        sentences=_not_approved("The list was rejected.", people_were_moved=people_were_moved),
        links=(place.review("Open the review page"),),
    )


def timed_out(place: Place, deadline: datetime, *, people_were_moved: bool) -> Notice:
    """Tell that nobody answered in time.

    Args:
        place: The run.
        deadline: Last moment for an answer.
        people_were_moved: Whether the run had already moved people to the purge group.
    """
    said = f"Nobody answered until {place.moment(deadline)}, which counts as a reject."
    return Notice(
        kind=NoticeKind.TIMED_OUT,
        place=place,
        headline="nobody answered in time, nobody is purged",
        sentences=_not_approved(said, people_were_moved=people_were_moved),
        links=(place.review("Open the review page"),),
    )


def ready_wanted(place: Place) -> Notice:
    """Ask who has time to run the purge in Alma by hand."""
    return Notice(
        kind=NoticeKind.HAND_WANTED,
        place=place,
        headline="somebody is wanted to run the purge in Alma",
        sentences=(
            "The approved people are in the purge group. The purge itself must be run by a person, on the page Purge "
            "User Records in Alma.",
            "Whoever has time for it now opens the form and chooses Ready. Everybody is then checked once more, and a "
            "second form says what to enter.",
            "Without an answer until the approval expires nobody is purged, and everybody gets their user group back.",
        ),
        links=(
            place.form("Open the form", "ready_to_purge"),
            place.review("Open the review page"),
            _on_a_phone(place),
        ),
    )


def purge_by_hand_wanted(place: Place) -> Notice:
    """Tell that the purge is to be run in Alma right now."""
    return Notice(
        kind=NoticeKind.HAND_WANTED,
        place=place,
        headline="run the purge in Alma now",
        sentences=(
            "Everybody was checked once more. What to enter on the page Purge User Records in Alma stands on the form, "
            "and until when it may be started.",
            "When Alma's job has ended, type its two counts into the form. Nothing else of this run happens before.",
        ),
        links=(
            place.form("Open the form", "purge_users"),
            place.review("Open the review page"),
            _on_a_phone(place),
        ),
    )


def counts_wanted_again(place: Place) -> Notice:
    """Ask for the counts of a purge by hand again, which somebody wants to correct."""
    return Notice(
        kind=NoticeKind.HAND_WANTED,
        place=place,
        headline="the counts of the purge in Alma are asked for again",
        sentences=(
            "The purge was run and its counts were typed. The task was cleared since, to correct them. Do not run the "
            "purge again.",
            "Open the report of the job in Alma and type its two counts into the form. Without an answer the earlier "
            "counts stay.",
        ),
        links=(
            place.form("Open the form", "purge_users"),
            place.review("Open the review page"),
            _on_a_phone(place),
        ),
    )


def stopped_by_guard(place: Place, said: str) -> Notice:
    """Tell that the list is outside a limit, so that nobody is asked.

    Args:
        place: The run.
        said: The guard's sentence with the remedy.
    """
    return Notice(
        kind=NoticeKind.STOPPED_BY_GUARD,
        place=place,
        headline="stopped by a limit, nobody is purged",
        sentences=("A check over the whole list has stopped the run before anybody was asked.",),
        quote=said,
        links=(place.review("Open the review page"),),
    )


def failed(place: Place, task_id: str, said: str) -> Notice:
    """Tell that a task failed, with the remedy.

    Args:
        place: The run.
        task_id: Id of the task.
        said: What the task said, with the remedy; empty when it could say nothing.
    """
    sentences: tuple[str, ...] = (f"The task {task_id} has failed and is not tried again by itself.",)
    if not said:
        sentences += (
            "It left no explanation here; its log holds one. Mend the cause; which task to clear then stands in the "
            "DAG's documentation under “If something is red”. Clearing never starts a job in Alma twice.",
        )
    return Notice(
        kind=NoticeKind.FAILED,
        place=place,
        headline=f"{task_id} failed",
        sentences=sentences,
        quote=said,
        links=(place.task(task_id, "Open the task and its log"), place.review("Open the review page")),
    )


def nobody_to_purge(place: Place) -> Notice:
    """Tell that the run ended without anybody to purge."""
    return Notice(
        kind=NoticeKind.NOBODY_TO_PURGE,
        place=place,
        headline="nobody to purge",
        sentences=(
            "After all rules and checks nobody was left on the list. Nobody was purged, and there is nothing to do.",
        ),
        links=(place.certificate("Open the certificate"), place.review("See who was held back, and why")),
    )


def report_ready(place: Place) -> Notice:
    """Tell that the list of a report-only run can be looked at."""
    return Notice(
        kind=NoticeKind.REPORT_READY,
        place=place,
        headline="the report is ready, nothing was changed",
        sentences=(
            "This run was a report only: nobody was asked, and nothing was changed in Alma.",
            "Compare its list with the one you would have made by hand.",
        ),
        links=(place.review("Open the list"), place.certificate("Open the certificate")),
    )


def run_ended(place: Place, certificate: Certificate) -> Notice:
    """Tell how a run ended that had sent something to Alma.

    Args:
        place: The run.
        certificate: The certificate.
    """
    sentences = [certificate.headline]
    if certificate.equation is not None:
        sentences.append(f"Everybody in the report is accounted for: {certificate.equation.text}.")
    if certificate.restored is None:
        sentences.append("It is not known yet whether everybody who was moved has the user group back.")
    sentences += [f"{people(one.count)}: {one.label}." for one in certificate.restored or ()]
    sentences += _closing(certificate)
    return Notice(
        kind=NoticeKind.ENDED,
        place=place,
        headline=f"{_result(certificate)}, the certificate is ready",
        sentences=tuple(sentences),
        quote=" ".join(certificate.problems),
        links=(place.certificate("Open the certificate"), place.review("Open the review page")),
    )


def _result(certificate: Certificate) -> str:
    match certificate.outcome:
        case Outcome.PURGED:
            return f"{'' if certificate.sent == 1 else 'all '}{people(certificate.sent)} purged"
        case Outcome.PARTLY:
            return f"{number(certificate.purged)} of {people(certificate.sent)} purged"
        case Outcome.ALL_KEPT:
            return f"nobody purged, Alma kept {'' if certificate.sent == 1 else 'all '}{people(certificate.sent)}"
        case Outcome.REJECTED | Outcome.TIMED_OUT | Outcome.STOPPED as other:
            return f"{other.label.lower()}, nobody purged"
        case other:
            return other.label.lower()


_NOT_WELL = "Not everything went as planned; what went wrong stands below and in the certificate."
_NAMES_NOBODY = "The certificate says what was done, and names no patron."
_WITHOUT_A_PURGE = frozenset({Outcome.NOT_SENT, Outcome.REJECTED, Outcome.TIMED_OUT})


def _closing(certificate: Certificate) -> tuple[str, ...]:
    """Say whether something is left to do."""
    if certificate.problems:
        return (_NOT_WELL,)
    if certificate.outcome in {Outcome.FAILED, Outcome.STOPPED}:
        return ("Not everything went as planned. Look at the certificate and at the run.",)
    restored = certificate.restored or ()
    at_home = restored and all(one.code != "failed" for one in restored)
    said = ("Nobody whom this run had moved to the purge group is left there.",) if at_home else ()
    if certificate.outcome in _WITHOUT_A_PURGE:
        return (*said, TO_TRY_AGAIN, _NAMES_NOBODY)
    if certificate.outcome is Outcome.NOBODY_TO_PURGE:
        return (*said, _NAMES_NOBODY)
    return (_NAMES_NOBODY,)


def _on_a_phone(place: Place) -> Link:
    return place.review_alone("On a phone, open the review page here")


def _how_to_answer() -> str:
    return (
        "Open the review page, read who would be purged and why, then answer on the form: to approve, type the count "
        "and the code that stand on the review page; in doubt, reject."
    )


def _silence(place: Place, deadline: datetime) -> str:
    return f"The deadline is {place.moment(deadline)}. No answer counts as a reject: nobody is purged."


def _who(approvers: Sequence[str]) -> str:
    return f"Who may approve: {' or '.join(approvers) or 'nobody, because the settings name no approvers'}."


def _not_approved(said: str, *, people_were_moved: bool) -> tuple[str, ...]:
    followed = (GROUPS_GO_BACK,) if people_were_moved else ()
    return (f"{said} {NOBODY_IS_PURGED}", *followed, TO_TRY_AGAIN)
