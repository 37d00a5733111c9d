"""Rules about dates: expiry, purge date and last activity."""

from datetime import timedelta

from patron_purge.patron import Finding, Patron
from patron_purge.rules.context import RuleContext
from patron_purge.states import Reason


def expiry_date(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back an account that is still valid: Alma's purge job does not look at the expiry date.

    Source: CARLI user purge procedure.
    """
    if patron.expiry_date is None:
        return Finding(Reason.EXPIRY_DATE, "no expiry date")
    if patron.expiry_date >= context.today:
        return Finding(Reason.EXPIRY_DATE, f"expires {patron.expiry_date.isoformat()}")
    return None


def purge_date(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back an account without a purge date, or with one inside the days of grace."""
    if patron.purge_date is None:
        return Finding(Reason.PURGE_DATE, "no purge date")
    days_since = (context.today - patron.purge_date).days
    if days_since < context.rules.days_after_purge_date:
        return Finding(Reason.PURGE_DATE, f"purge date {patron.purge_date.isoformat()}")
    return None


def recent_activity(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person who was active lately, or whose last activity Alma does not tell."""
    days = context.rules.recent_activity_days
    if days == 0:
        return None
    if patron.last_activity is None:
        return Finding(Reason.NOT_CHECKED, "Alma did not give a date of last activity")
    if patron.last_activity >= context.today - timedelta(days=days):
        return Finding(Reason.RECENT_ACTIVITY, f"last activity {patron.last_activity.isoformat()}")
    return None
