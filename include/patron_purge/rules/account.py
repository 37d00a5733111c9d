"""Rules about what hangs on the account: roles, loans, requests, money, blocks, notes, proxies."""

from decimal import Decimal
from typing import TypeGuard

from patron_purge.identifiers import says
from patron_purge.patron import Finding, Patron
from patron_purge.rules.context import RuleContext
from patron_purge.states import Reason


def staff_role(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person with any active role that is neither harmless nor the Instructor role.

    A full record always has its roles, if only an empty list of them.
    """
    if patron.active_roles is None:
        return Finding(Reason.NOT_CHECKED, "Alma did not give the roles")
    harmless = {*context.rules.harmless_roles, *context.rules.instructor_roles}
    staff = [role for role in patron.active_roles if role not in harmless]
    return Finding(Reason.STAFF_ROLE, f"role {', '.join(staff)}") if staff else None


def instructor(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back an instructor, where the institution asks for it."""
    if not context.rules.hold_instructors:
        return None
    roles = [role for role in patron.active_roles or () if role in context.rules.instructor_roles]
    return Finding(Reason.INSTRUCTOR, f"role {', '.join(roles)}") if roles else None


def active_loans(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person with a loan, or whose loans Alma did not tell."""
    if patron.loans is None:
        return Finding(Reason.NOT_CHECKED, "Alma did not give the number of loans")
    if patron.loans == 0:
        return None
    return Finding(Reason.ACTIVE_LOANS, "1 loan" if patron.loans == 1 else f"{patron.loans} loans")


def active_requests(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person with a request, or whose requests Alma did not tell.

    Alma's own purge cancels requests without telling the patron, so Alma does not guard this.
    """
    if patron.requests is None:
        return Finding(Reason.NOT_CHECKED, "Alma did not give the number of requests")
    return Finding(Reason.ACTIVE_REQUESTS, f"{patron.requests} request(s)") if patron.requests != 0 else None


def open_fees(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person who owes more than may be waived, or whose fees Alma did not tell."""
    if not _is_amount(patron.open_fees):
        return Finding(Reason.NOT_CHECKED, "Alma gave no sum of the open fees, or sums that differ")
    if patron.open_fees > context.rules.waive_threshold:
        return Finding(Reason.OPEN_FEES, f"owes {patron.open_fees:.2f}")
    return None


def credit_balance(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person to whom the library owes money, or whose credit Alma did not tell."""
    if not _is_amount(patron.credit) or not _is_amount(patron.open_fees):
        return Finding(Reason.NOT_CHECKED, "Alma did not give the credit balance")
    if patron.credit != 0:
        return Finding(Reason.CREDIT_BALANCE, f"credit of {abs(patron.credit):.2f}")
    if patron.open_fees < 0:
        return Finding(Reason.CREDIT_BALANCE, f"credit of {-patron.open_fees:.2f}")
    return None


def blocked(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person with an active block, where the institution asks for it."""
    if not context.rules.hold_blocked or not patron.blocks:
        return None
    return Finding(Reason.BLOCKED, f"block: {patron.blocks[0]}")


def note_text(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person with a note that contains one of the institution's texts."""
    for text in context.rules.hold_note_texts:
        if any(says(note, text) for note in patron.notes):
            return Finding(Reason.NOTE_TEXT, f"a note says {text!r}")
    return None


def proxy(patron: Patron, context: RuleContext) -> Finding | None:
    """Hold back a person who acts for somebody else, where the institution asks for it."""
    if not context.rules.hold_proxies or patron.proxy_for == 0:
        return None
    return Finding(Reason.PROXY, f"proxy for {patron.proxy_for}")


def _is_amount(amount: Decimal | None) -> TypeGuard[Decimal]:
    """Tell whether an amount is known: neither missing nor something that is no number."""
    return amount is not None and amount.is_finite()
