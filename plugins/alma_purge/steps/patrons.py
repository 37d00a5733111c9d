"""Turns what Alma answers about a person into the facts that the rules look at."""

from decimal import Decimal

from alma_api.client import AlmaClient
from alma_api.models import FeeSummary, User
from patron_purge.patron import Patron

# For people whose fees need not, or not yet, be read.
NO_FEES = FeeSummary(open_balance=Decimal(0), credit=Decimal(0), largest=Decimal(0))


def patron_of(user: User, asked_id: str, fees: FeeSummary) -> Patron:
    """Return the facts about one person.

    Args:
        user: Alma's record.
        asked_id: The id that was asked for.
        fees: Sums over the fees in every open status.
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
        open_fees=fees.open_balance,
        credit=fees.credit,
        active_roles=tuple(role.code for role in user.roles if role.is_active),
        identifiers=tuple(identifier.value for identifier in user.identifiers),
        linked_copy=bool(user.source_link_id or user.source_institution_code),
        blocks=user.blocks,
        notes=user.notes,
        proxy_for=user.proxy_for_count,
    )


def read_without_fees(client: AlmaClient, primary_id: str) -> Patron:
    """Read one person, without the money.

    Args:
        client: The Alma client.
        primary_id: The primary id to ask for.

    Raises:
        NotFoundError: Alma knows nobody by this id.
        AlmaError: The read failed.
    """
    return patron_of(client.users.get(primary_id), primary_id, NO_FEES)
