"""The order in which the rules are applied, and the ways to apply them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from patron_purge.patron import Finding, Patron
from patron_purge.rules import account, dates, identity
from patron_purge.rules.context import RuleContext
from patron_purge.states import Reason


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        reason: The code that the rule gives when it holds a person back.
        check: The rule itself; None as a result lets the person through.
        sentence: What the rule does, for the person who reads the rules table.
        settings: Names of the institution's settings that the rule looks at.
    """

    reason: Reason
    check: Callable[[Patron, RuleContext], Finding | None]
    sentence: str
    settings: tuple[str, ...] = ()


RULES: tuple[Rule, ...] = (
    Rule(Reason.NO_IDENTIFIER, identity.no_identifier, "A row without a primary id is held back."),
    Rule(
        Reason.OTHER_PRIMARY_ID,
        identity.other_primary_id,
        "A person whom Alma finds under another primary id than the report's is held back.",
    ),
    Rule(
        Reason.IN_EXCLUSION_FILE,
        identity.excluded,
        "A person whom an exclusion file lists, by the primary id or any other identifier, is held back.",
        ("exclusion_files", "exclusion_id_headings"),
    ),
    Rule(
        Reason.PROTECT_LIST,
        identity.protect_list,
        "A person on the institution's protect list is held back.",
        ("protect_list", "protect_list_sftp"),
    ),
    Rule(
        Reason.PROTECTED_GROUP,
        identity.protected_group,
        "A person in an I-Share group or in another protected group is held back.",
        ("rules.protected_groups",),
    ),
    Rule(
        Reason.LINKED_COPY,
        identity.linked_copy,
        "A linked copy of another institution's patron is held back.",
    ),
    Rule(
        Reason.IN_MARKER_GROUP,
        identity.in_marker_group,
        "A person who is in the purge group already, before this run, is held back.",
        ("marker_group",),
    ),
    Rule(
        Reason.RECORD_TYPE,
        identity.record_type,
        "A record of a type that is not purged is held back.",
        ("rules.record_types",),
    ),
    Rule(
        Reason.EXPIRY_DATE,
        dates.expiry_date,
        "A person whose expiry date is today, later or missing is held back.",
    ),
    Rule(
        Reason.PURGE_DATE,
        dates.purge_date,
        "A person whose purge date is missing, or not yet enough days ago, is held back.",
        ("rules.days_after_purge_date",),
    ),
    Rule(
        Reason.STAFF_ROLE,
        account.staff_role,
        "A person with an active role other than the harmless ones is held back.",
        ("rules.harmless_roles", "rules.instructor_roles"),
    ),
    Rule(
        Reason.INSTRUCTOR,
        account.instructor,
        "An instructor is held back, if the institution asks for it.",
        ("rules.hold_instructors", "rules.instructor_roles"),
    ),
    Rule(Reason.ACTIVE_LOANS, account.active_loans, "A person with an active loan is held back."),
    Rule(Reason.ACTIVE_REQUESTS, account.active_requests, "A person with an active request is held back."),
    Rule(
        Reason.OPEN_FEES,
        account.open_fees,
        "A person who owes more than the waive threshold, in any open status, is held back.",
        ("rules.waive_threshold",),
    ),
    Rule(
        Reason.CREDIT_BALANCE,
        account.credit_balance,
        "A person to whom the library owes money is held back.",
    ),
    Rule(
        Reason.BLOCKED,
        account.blocked,
        "A person with an active block is held back, if the institution asks for it.",
        ("rules.hold_blocked",),
    ),
    Rule(
        Reason.NOTE_TEXT,
        account.note_text,
        "A person with a note that contains one of the institution's texts is held back.",
        ("rules.hold_note_texts",),
    ),
    Rule(
        Reason.PROXY,
        account.proxy,
        "A person who is a proxy for somebody is held back, if the institution asks for it.",
        ("rules.hold_proxies",),
    ),
    Rule(
        Reason.RECENT_ACTIVITY,
        dates.recent_activity,
        "A person who was active lately is held back, if the institution asks for it.",
        ("rules.recent_activity_days",),
    ),
)


def evaluate(patron: Patron, context: RuleContext) -> Finding | None:
    """Apply every rule to a person as Alma shows them now.

    Args:
        patron: The facts of a live read; what Alma did not tell is None and holds the person back.
        context: The day, the settings and the lists.

    Returns:
        The first finding in the order of the rules, or None when nothing speaks for keeping the person.
    """
    findings = (rule.check(patron, context) for rule in RULES)
    return next((finding for finding in findings if finding is not None), None)


def after_regroup(patron: Patron, original_group: str, marker_group: str) -> Patron | Finding:
    """Prepare a person for the rules after the run has moved them to the marker group.

    Args:
        patron: The facts of a live read after the regroup job.
        original_group: Code of the group that the person was in at the live check, from the snapshot.
        marker_group: Code of the marker group.

    Returns:
        The person with the original group back in place, ready for `evaluate`; or a finding when the person
        is not in the marker group any more, since somebody else moved them.
    """
    if patron.user_group != marker_group:
        return Finding(Reason.GROUP_CHANGED, f"user group is {patron.user_group or 'empty'}")
    return replace(patron, user_group=original_group)
