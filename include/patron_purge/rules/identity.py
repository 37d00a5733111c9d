"""Rules about who the person is: identifiers, lists, user group and kind of record."""

from patron_purge.identifiers import folded, phrase
from patron_purge.patron import Finding, Patron
from patron_purge.rules.context import RuleContext
from patron_purge.states import Reason
from patron_purge.user_groups import is_always_protected


def no_identifier(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a row that has no primary id, since nobody can be looked up by it."""
    if patron.primary_id.strip() and patron.asked_id.strip():
        return None
    return Finding(Reason.NO_IDENTIFIER, "the primary id is empty")


def other_primary_id(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person whom Alma found by another identifier than the primary id.

    Alma's Users API answers any identifier that fits, a barcode for instance, so the answer may be somebody
    else. The two ids must be the same byte for byte.
    """
    if patron.primary_id == patron.asked_id:
        return None
    return Finding(Reason.OTHER_PRIMARY_ID, f"asked for {patron.asked_id}, Alma has {patron.primary_id}")


def excluded(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person whom an exclusion file names by any identifier, or by name where a row has no id.

    Also by the preferred name, and where Alma did not tell the identifiers.
    """
    names = (
        (first, last)
        for first in dict.fromkeys((patron.first_name, patron.preferred_first_name or patron.first_name))
        for last in dict.fromkeys((patron.last_name, patron.preferred_last_name or patron.last_name))
    )
    found = (context.excluded.match(_identifiers_of(patron), first, last) for first, last in names)
    finding = next((one for one in found if one is not None), None)
    if finding is None and patron.identifiers is None:
        return Finding(Reason.NOT_CHECKED, "Alma did not give the identifiers")
    return finding


def protect_list(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person on the institution's protect list."""
    identifiers = _identifiers_of(patron)
    return context.protected.match(identifiers, _names_of(patron.user_group, context), patron.notes)


def protected_group(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person in a group that is never purged, or in no known group at all."""
    if not folded(patron.user_group):
        return Finding(Reason.NOT_CHECKED, "Alma gave no user group")
    names = _names_of(patron.user_group, context)
    protected = {phrase(group) for group in context.rules.protected_groups}
    if is_always_protected(names) or not protected.isdisjoint(map(phrase, names)):
        return Finding(Reason.PROTECTED_GROUP, f"user group {patron.user_group}")
    return None


def linked_copy(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a copy of another institution's patron; its home institution decides about it."""
    return Finding(Reason.LINKED_COPY, "record of another institution") if patron.linked_copy else None


def in_marker_group(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person who is in the marker group before this run put anybody there."""
    if folded(patron.user_group) != folded(context.marker_group):
        return None
    return Finding(Reason.IN_MARKER_GROUP, f"user group {patron.user_group}")


def record_type(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a record of a type that the institution does not purge."""
    if patron.record_type in context.rules.record_types:
        return None
    return Finding(Reason.RECORD_TYPE, f"record type {patron.record_type or 'unknown'}")


def _identifiers_of(patron: Patron) -> tuple[str, ...]:
    return (patron.primary_id, patron.asked_id, *(patron.identifiers or ()))


def _names_of(group: str, context: RuleContext) -> tuple[str, ...]:
    """Return the code of a user group and its description, where Alma's code table has one."""
    descriptions = [text for code, text in context.group_names.items() if folded(code) == folded(group)]
    return (group, *descriptions)
