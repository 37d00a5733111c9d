"""Turns what Alma answers about a person into the facts that the rules look at."""

from dataclasses import replace

from alma_api.client import AlmaClient
from alma_api.models import User
from patron_purge.patron import Patron


def patron_without_fees(user: User, asked_id: str) -> Patron:
    """Return the facts about one person; the money is not known yet.

    The sum on the user record covers active fees only, and a credit hides a debt in it, so it only serves to
    check what the lists of fees add up to.

    Args:
        user: Alma's record.
        asked_id: The id that was asked for.
    """
    return Patron(
        primary_id=user.primary_id,
        asked_id=asked_id,
        first_name=user.first_name,
        last_name=user.last_name,
        user_group=user.user_group,
        record_type=user.record_type,
        expiry_date=user.expiry_date,
        purge_date=user.purge_date,
        last_activity=user.last_activity,
        loans=user.loans,
        requests=user.requests,
        open_fees=None,
        credit=None,
        active_roles=tuple(role.code for role in user.active_roles) if user.tells("user_role") else None,
        identifiers=tuple(identifier.value for identifier in user.identifiers)
        if user.tells("user_identifier")
        else None,
        linked_copy=bool(user.source_link_id or user.source_institution_code),
        blocks=user.blocks,
        notes=user.notes,
        proxy_for=user.proxy_for_count,
        preferred_first_name=user.preferred_first_name,
        preferred_last_name=user.preferred_last_name,
        fees_on_record=user.fees,
    )


def with_fees(client: AlmaClient, patron: Patron) -> Patron:
    """Add a person's fees in every open status (active, disputed, exported).

    They stay unknown when the user record shows no balance, or more money owed or credited than the fees that
    Alma lists: a list may lack one.

    Args:
        client: The Alma client.
        patron: The facts so far.

    Raises:
        AlmaError: A read failed.
    """
    fees = client.users.fees_total(patron.primary_id)
    recorded = patron.fees_on_record
    if recorded is None or not -fees.credit <= recorded <= fees.open_balance:
        return replace(patron, open_fees=None, credit=None)
    return replace(patron, open_fees=fees.open_balance, credit=fees.credit)
