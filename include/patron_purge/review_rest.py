"""What the approver sees after people were taken off the list."""

from collections.abc import Mapping

from patron_purge.digest import approval_code
from patron_purge.ledger import counts_by_reason, counts_by_state
from patron_purge.list_numbers import list_numbers
from patron_purge.review import build_equation, group_table, reason_counts
from patron_purge.review_model import Count, Money, Review
from patron_purge.taken_off import Rest


def review_of_rest(review: Review, rest: Rest) -> Review:
    """Show what is left of a list; guards, inputs and jobs stay as they were judged for the whole list.

    Args:
        review: The review of the whole list.
        rest: What is left of it.

    Returns:
        The review with count, code, digest, equation, groups, ages and money of the people who are left.

    Raises:
        AccountingError: The states do not add up to the report.
    """
    if rest.digest == review.digest:
        return review
    numbers = list_numbers(rest.ledger, review.created_at.date())
    compared = any(row.last_count is not None for row in review.by_group)
    last = {row.code: row.last_count for row in review.by_group if row.last_count is not None}
    return review.model_copy(
        update={
            "count": rest.count,
            "code": approval_code(rest.digest),
            "digest": rest.digest,
            "equation": build_equation(review.equation.total, counts_by_state(rest.ledger)),
            "by_reason": reason_counts(counts_by_reason(rest.ledger)),
            "by_group": group_table(
                numbers.by_group,
                review.group_names,
                last if compared else None,
            ),
            "by_age": _bands(numbers.by_age),
            "by_expiry": _bands(numbers.by_expiry),
            "money": Money(
                total=numbers.owed_total, largest=numbers.owed_largest, people=numbers.people_who_owe
            ),
        }
    )


def _bands(counts: Mapping[tuple[str, str], int]) -> tuple[Count, ...]:
    return tuple(Count(code=code, label=label, count=each) for (code, label), each in counts.items())
