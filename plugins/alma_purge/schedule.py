"""When an institution's next scheduled run begins."""

from datetime import datetime

from croniter import croniter

from patron_purge.institution import Institution


def next_run_after(institution: Institution, moment: datetime) -> datetime | None:
    """Return the start of the next scheduled run.

    Args:
        institution: The settings.
        moment: A moment in the institution's zone.

    Returns:
        The next time that the cron expression names, or None when the institution has no schedule.
    """
    if institution.schedule is None:
        return None
    following: datetime = croniter(institution.schedule, moment).get_next(datetime)
    return following
