"""User groups by any of their names: people name one by its code or by its description."""

from collections.abc import Iterable, Mapping
from typing import Final

from patron_purge.identifiers import folded_heading, phrase

# The consortium office purges the linked records itself and asks libraries never to touch this group
# (CARLI user purge procedure), so no setting can take it off.
ALWAYS_PROTECTED_GROUPS: Final = ("I-Share",)

_ALWAYS_PROTECTED_KEYS: Final = tuple(folded_heading(name) for name in ALWAYS_PROTECTED_GROUPS)


def group_keys(group: str, group_names: Mapping[str, str]) -> set[str]:
    """Return the match keys of a group's code and description.

    Args:
        group: The group's code or its description.
        group_names: Description of every user group by its code.

    Returns:
        The keys, also of a group that is not among the known ones; none for an empty text.
    """
    given = phrase(group)
    keys = {given}
    for code, description in group_names.items():
        pair = {phrase(code), phrase(description)}
        if given in pair:
            keys |= pair
    return keys - {""}


def is_always_protected(group_names: Iterable[str]) -> bool:
    """Tell whether a group is one that no library purges, whatever it is called besides.

    Args:
        group_names: Code and description of the group, or their match keys.
    """
    keys = [folded_heading(name) for name in group_names]
    return any(protected in key for protected in _ALWAYS_PROTECTED_KEYS for key in keys)


def unknown_groups(wanted: Iterable[str], group_names: Mapping[str, str]) -> list[str]:
    """Return the groups that Alma does not know, neither by code nor by description.

    Args:
        wanted: Groups as a setting or a list names them.
        group_names: Description of every user group by its code.
    """
    known = {phrase(name) for pair in group_names.items() for name in pair}
    return [group for group in dict.fromkeys(wanted) if phrase(group) not in known]
