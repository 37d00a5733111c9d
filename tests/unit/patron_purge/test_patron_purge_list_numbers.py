from datetime import date

import pandas as pd
import pytest

from patron_purge.list_numbers import list_numbers

TODAY = date(2026, 11, 2)


def by_expiry(*dates: str) -> dict[str, int]:
    rows = [
        {
            "row": row,
            "original_group": "UG",
            "purge_date": "2024-01-01",
            "fees": "0",
            "state": "to_purge",
            "expiry_date": day,
        }
        for row, day in enumerate(dates, start=1)
    ]
    columns = ["row", "original_group", "purge_date", "fees", "state", "expiry_date"]
    numbers = list_numbers(pd.DataFrame(rows, columns=columns), TODAY)
    return {label: count for (_, label), count in numbers.by_expiry.items()}


@pytest.mark.parametrize(
    ("day", "label"),
    [
        ("2026-11-01", "less than a year ago"),
        ("2025-11-03", "less than a year ago"),
        ("2025-11-02", "1 year ago"),
        ("2024-11-03", "1 year ago"),
        ("2024-11-02", "2 years ago"),
        ("2016-11-02", "10 years ago or more"),
        ("1999-01-01", "10 years ago or more"),
        ("", "expiry date not on file"),
        ("soon", "expiry date not on file"),
    ],
)
def test_years_change_on_the_day(day: str, label: str) -> None:
    assert {name: count for name, count in by_expiry(day).items() if count} == {label: 1}


def test_years_without_anybody_stay_visible() -> None:
    assert by_expiry("2026-10-01", "2023-10-01", "2023-10-02", "") == {
        "less than a year ago": 1,
        "1 year ago": 0,
        "2 years ago": 0,
        "3 years ago": 2,
        "expiry date not on file": 1,
    }


def test_nobody() -> None:
    assert by_expiry() == {}
