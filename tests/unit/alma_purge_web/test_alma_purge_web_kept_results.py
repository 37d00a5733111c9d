import threading
from functools import partial

import pytest

from alma_purge.web.kept_results import KeptResults


def test_result_is_made_once_for_each_key() -> None:
    kept: KeptResults[str] = KeptResults(2)
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return f"result of {key}"

    assert [kept.get(key, partial(make, key)) for key in "aabab"] == [f"result of {key}" for key in "aabab"]
    assert made == ["a", "b"]


def test_what_was_not_used_for_longest_is_dropped() -> None:
    kept: KeptResults[int] = KeptResults(2)
    made: list[str] = []

    def make(key: str) -> int:
        made.append(key)
        return len(made)

    for key in "abacab":
        kept.get(key, partial(make, key))
    assert made == ["a", "b", "c", "b"]


def test_failure_is_not_kept() -> None:
    kept: KeptResults[int] = KeptResults(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 5) == 5


def test_two_who_ask_at_once_share_the_work() -> None:
    kept: KeptResults[int] = KeptResults(2)
    made: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def make() -> int:
        begun.set()
        assert go_on.wait(10)
        made.append(1)
        return len(made)

    results: list[int] = []
    people = [threading.Thread(target=lambda: results.append(kept.get("a", make))) for _ in range(4)]
    for each in people:
        each.start()
    assert begun.wait(10)
    # Somebody else's list does not wait for this one.
    assert kept.get("b", lambda: 7) == 7
    go_on.set()
    for each in people:
        each.join(10)
    assert results == [1, 1, 1, 1]
    assert made == [1]
