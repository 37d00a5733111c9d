"""Numbers and amounts of money as people write them."""

from decimal import Decimal


def number(value: Decimal | int) -> str:
    """Write a number with thousands separators and without trailing zeros: `1,240`, `9.5`."""
    if isinstance(value, int):
        return f"{value:,}"
    if value == value.to_integral_value():
        return f"{int(value):,}"
    return f"{value.normalize():,f}"


def people(count: int) -> str:
    """Write a number of people: `1 person`, `1,240 people`."""
    return f"{number(count)} {'person' if count == 1 else 'people'}"


def money(value: Decimal) -> str:
    """Write an amount in the institution's currency with two decimals: `1,240.50`."""
    return f"{value:,.2f}"
