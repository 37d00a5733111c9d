"""Whether a job may be started right now."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from alma_api.client import AlmaClient
from alma_purge.operators.base import ASK_FOR_CALLS_AFTER, PurgeRun
from alma_purge.steps.job_start import AnotherJobError, JobMustWaitError
from patron_purge.amounts import number
from patron_purge.guards.checks import API_CALLS, CALLS_FOR_THE_RUN
from patron_purge.institution import Institution
from patron_purge.quiet_hours import quiet_until

LOOK_BACK = timedelta(days=3)
LOOK_AGAIN_AFTER = timedelta(minutes=10)


def require_right_moment(
    institution: Institution, client: AlmaClient, job_id: str, own_name: str = ""
) -> None:
    """Make sure that these are no quiet hours and that Alma runs no job of the same kind.

    One institution's users must not be moved or purged by two runs at once, also not by two installations of
    Airflow or by a person in Alma.

    Args:
        institution: The settings.
        client: The Alma client.
        job_id: Id of the job that is to be started.
        own_name: The name that this run gives to its job; an instance of this name is not another run's.

    Raises:
        JobMustWaitError: These are quiet hours, or such a job is running and the institution wants to wait.
        AnotherJobError: Such a job is running and the institution wants to stop then.
        AlmaError: Alma can't be read.
    """
    require_loud_hours(institution)
    require_alone(institution, client, (job_id,), own_name)


def require_alone(
    institution: Institution, client: AlmaClient, job_ids: Iterable[str], own_name: str = ""
) -> None:
    """Make sure that Alma runs none of these jobs for anybody else.

    Args:
        institution: The settings.
        client: The Alma client.
        job_ids: Ids of the jobs.
        own_name: The name that this run gives to its job; an instance of this name is not another run's.

    Raises:
        JobMustWaitError: Such a job is running and the institution wants to wait.
        AnotherJobError: Such a job is running and the institution wants to stop then.
        AlmaError: Alma can't be read.
    """
    since = (datetime.now(UTC) - LOOK_BACK).date()
    others = [
        (job_id, one)
        for job_id in job_ids
        for one in client.jobs.instances(job_id, since)
        if not one.status.is_terminal and not (own_name and own_name in one.name)
    ]
    if not others:
        return
    job_id, other = others[0]
    said = (
        f"Alma already runs a job of the same kind ({job_id}, instance {other.id}, {other.status_text}) that this run "
        "did not start. Nothing was started beside it."
    )
    if institution.if_job_is_running == "stop":
        raise AnotherJobError(
            f"{said} Find out on the Monitor Jobs page in Alma whose it is, and wait for its end."
        )
    raise JobMustWaitError(said, datetime.now(UTC) + LOOK_AGAIN_AFTER)


def require_loud_hours(institution: Institution) -> None:
    """Make sure that these are no quiet hours of the institution.

    Args:
        institution: The settings.

    Raises:
        JobMustWaitError: These are quiet hours.
    """
    now = datetime.now(institution.zone)
    over_at = quiet_until(institution.quiet_hours, now)
    if over_at is not None:
        raise JobMustWaitError(
            f"These are quiet hours of {institution.name} ({', '.join(institution.quiet_hours)}): no job is started.",
            over_at,
        )


def require_calls(run: PurgeRun, client: AlmaClient, needed: int) -> None:
    """Make sure that Alma leaves enough calls today for what is about to begin.

    Args:
        run: The run; a limit for the guard `api_calls` in its trigger form replaces the number.
        client: The Alma client, after at least one call.
        needed: Calls that the people on the list may cost from here on; a reserve is added.

    Raises:
        JobMustWaitError: Too few are left; they return at midnight.
    """
    left = client.remaining_calls
    wanted = run.guard_overrides.get(API_CALLS, Decimal(needed + CALLS_FOR_THE_RUN))
    if left is not None and left < wanted:
        raise JobMustWaitError(
            f"Alma leaves {number(left)} calls for today, and {number(wanted)} may be needed. They return at midnight.",
            datetime.now(UTC) + ASK_FOR_CALLS_AFTER,
        )
