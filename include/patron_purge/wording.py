"""Small parts of the sentences in messages."""

from collections.abc import Sequence
from typing import Final

_QUOTED_ROWS: Final = 5


def numbers_quoted(numbers: Sequence[int]) -> str:
    """Return row numbers for a message, the first few only.

    Args:
        numbers: Row numbers.

    Returns:
        Such as `5, 9, 12 and 40 more`.
    """
    shown = ", ".join(str(number) for number in numbers[:_QUOTED_ROWS])
    more = len(numbers) - _QUOTED_ROWS
    return f"{shown} and {more:,} more" if more > 0 else shown
