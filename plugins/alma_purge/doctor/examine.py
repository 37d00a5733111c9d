"""Runs every check of the doctor, one after the other, whatever the earlier ones have found."""

from collections.abc import Iterator

from alma_api.errors import AlmaDailyLimitError, AlmaError, AlmaUnavailableError
from alma_purge.doctor.alma_checks import ALMA_CHECKS
from alma_purge.doctor.findings import Finding, Status
from alma_purge.doctor.sftp_checks import SFTP_CHECKS
from alma_purge.doctor.site_checks import SITE_CHECKS, mistakes_of
from alma_purge.doctor.visit import Check, NotCheckedError, Visit, finding
from patron_purge.errors import PurgeError

CHECKS = (*SITE_CHECKS, *ALMA_CHECKS, *SFTP_CHECKS)


def examine(visit: Visit) -> Iterator[Finding]:
    """Run every check.

    Args:
        visit: The institution, and when.

    Yields:
        The findings, as they come.
    """
    try:
        for name, check in CHECKS:
            yield from _lines_of(visit, name, check)
    finally:
        visit.close()


def settings_alone(code: str) -> list[Finding]:
    """Say what is wrong with settings that can't be used, and that nothing else could be checked.

    Args:
        code: The institution's code.
    """
    wrong = [finding("settings", line) for line in mistakes_of(f"{code}.yaml")]
    skipped = "The settings need correction first."
    return wrong + [Finding(name, Status.NOT_CHECKED, skipped) for name, _ in CHECKS if name != "settings"]


def _lines_of(visit: Visit, name: str, check: Check) -> Iterator[Finding]:
    """Run one check; what it refuses is a finding, and the next check runs all the same."""
    try:
        for line in check(visit):
            yield finding(name, line)
    except NotCheckedError as error:
        yield Finding(name, Status.NOT_CHECKED, str(error))
    except (AlmaUnavailableError, AlmaDailyLimitError) as error:
        # Every further question would wait as long for no answer.
        visit.alma_trouble = "Alma does not answer."
        yield Finding(name, Status.FAILED, str(error))
    except (PurgeError, AlmaError) as error:
        yield Finding(name, Status.FAILED, str(error))
    except OSError as error:
        # Its own text may name a file with a person's id in it, or an address with a password.
        yield Finding(name, Status.FAILED, f"This could not be read ({type(error).__name__}).")
