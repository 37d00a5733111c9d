"""Turns what Alma answers about a person into the facts that the rules look at."""

from dataclasses import replace

from alma_api.client import AlmaClient
from alma_api.models import User
from patron_purge.patron import Patron


def patron_without_fees(user: User, asked_id: str) -> Patron:
    """Return the facts about one person; the money is not known yet.

    The sum on the user record covers active fees only, and a credit hides a debt in it, so it is not used.

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
        active_roles=tuple(role.code for role in user.roles if role.is_active),
        identifiers=tuple(identifier.value for identifier in user.identifiers),
        linked_copy=bool(user.source_link_id or user.source_institution_code),
        blocks=user.blocks,
        notes=user.notes,
        proxy_for=user.proxy_for_count,
    )


def with_fees(client: AlmaClient, patron: Patron) -> Patron:
    """Add a person's fees in every open status (active, disputed, exported).

    Args:
        client: The Alma client.
        patron: The facts so far.

    Raises:
        AlmaError: A read failed.
    """
    fees = client.users.fees_total(patron.primary_id)
    return replace(patron, open_fees=fees.open_balance, credit=fees.credit)
