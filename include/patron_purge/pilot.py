"""Whom a pilot purges: a few people, the same ones however often the list is made."""

from typing import TYPE_CHECKING

from patron_purge.ledger import set_state
from patron_purge.states import RowState

if TYPE_CHECKING:
    import pandas as pd


def limit_to_pilot(ledger: "pd.DataFrame", size: int) -> "pd.DataFrame":
    """Leave only the people with the oldest purge dates on the list.

    Args:
        ledger: The checked ledger.
        size: How many people the pilot may purge.

    Returns:
        A new ledger, in which everybody else who could be purged is `not_in_pilot`. People with the same purge
        date are taken by primary id.
    """
    listed = ledger[ledger["state"] == RowState.TO_PURGE].sort_values(["purge_date", "primary_id"])
    return set_state(ledger, listed["primary_id"].iloc[size:].tolist(), RowState.NOT_IN_PILOT)
