"""How a run ended, in one or two sentences for its certificate and its last mail."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from patron_purge.amounts import number, people
from patron_purge.run_outcome import Outcome
from patron_purge.states import Engine

if TYPE_CHECKING:
    from patron_purge.certificate import CertificateContent


def headline(outcome: Outcome, content: "CertificateContent") -> str:
    """Say how a run ended.

    Args:
        outcome: How it ended.
        content: The numbers of the run.
    """
    return _HEADLINES[outcome](content)


def _all_purged(one: "CertificateContent") -> str:
    approved = f"{number(one.approved)} {_was(one.approved)} approved."
    if one.sent == 1:
        return f"The one person who was sent to the purge job was purged; {approved}"
    return f"All {people(one.sent)} who were sent to the purge job were purged; {approved}"


def _partly(one: "CertificateContent") -> str:
    purged = f"{_was(one.purged)} purged"
    return f"{number(one.purged)} of {people(one.sent)} who were sent to the purge job {purged}."


def _all_kept(one: "CertificateContent") -> str:
    if one.sent == 1:
        return "The one person who was sent to the purge job is still in Alma; nobody was purged."
    return f"All {people(one.sent)} who were sent to the purge job are still in Alma; nobody was purged."


def _nobody(one: "CertificateContent") -> str:
    if one.approved:
        return "The last check took everybody off the approved list. Nobody was purged."
    return "There was nobody to purge. Nobody was purged."


def _not_sent(one: "CertificateContent") -> str:
    why = "nobody ran the purge in Alma" if one.engine is Engine.MANUAL else "the purge was not started"
    return f"The list was approved, but {why}. Nobody was purged."


def _failed(one: "CertificateContent") -> str:
    if one.purged:
        known = f"{people(one.purged)} {_was(one.purged)} verified as purged."
    elif not one.sent:
        known = "Nobody was sent to the purge job."
    elif one.equation is None:
        known = (
            f"It is not known yet what became of the {people(one.sent)} who {_was(one.sent)} to be purged."
        )
    else:
        known = "Nobody was verified as purged."
    return f"The run failed. {known}"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


_HEADLINES: dict[Outcome, Callable[["CertificateContent"], str]] = {
    Outcome.PURGED: _all_purged,
    Outcome.PARTLY: _partly,
    Outcome.ALL_KEPT: _all_kept,
    Outcome.REPORT_ONLY: lambda _: "This run was a report. Nothing was changed in Alma.",
    Outcome.NOBODY_TO_PURGE: _nobody,
    Outcome.NOT_SENT: _not_sent,
    Outcome.REJECTED: lambda _: "The list was rejected. Nobody was purged.",
    Outcome.TIMED_OUT: lambda _: "Nobody answered in time, which counts as a reject. Nobody was purged.",
    Outcome.STOPPED: lambda _: "A check stopped the run. Nobody was purged.",
    Outcome.FAILED: _failed,
}
