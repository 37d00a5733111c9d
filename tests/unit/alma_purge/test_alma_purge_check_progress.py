import os
import stat
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import pytest
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk.exceptions import AirflowException, TaskDeferred
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.chain import TO_THE_REVIEW, Chain
from tests.support.config import own_config
from tests.support.task_context import MemoryStore
from tests.support.tenant import arm, change, disarm

from alma_purge import files
from alma_purge.run_folder import RunFolder
from alma_purge.steps import read_progress
from alma_purge.steps.check_progress import CheckProgress
from alma_purge.steps.live_check import LiveResult
from alma_purge.steps.read_progress import basis_of, store_key
from alma_sandbox.server import RunningSandbox
from patron_purge.ledger import ids_in_state, read_ledger_csv
from patron_purge.patron import Finding
from patron_purge.snapshot import read_snapshot_csv
from patron_purge.states import Reason, RowState

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

ONE_USER = r"/users/[^/?]+(\?|$)"


def chain_to_the_check() -> Chain:
    """Run every task before the live check."""
    chain = Chain()
    for task_id in list(TO_THE_REVIEW)[:4]:
        TO_THE_REVIEW[task_id](task_id=task_id).execute(chain.context(task_id))
    return chain


@pytest.fixture
def chain(sandbox: RunningSandbox) -> Chain:
    del sandbox
    return chain_to_the_check()


def check(chain: Chain) -> None:
    TO_THE_REVIEW["check_live"](task_id="check_live").execute(chain.context("check_live"))


def reads(sandbox: RunningSandbox) -> Counter[str]:
    """Count how often Alma was asked for each person and answered."""
    with sandbox.tenant.lock:
        entries = list(sandbox.tenant.journal.entries)
    return Counter(
        one.path.rpartition("/")[2]
        for one in entries
        if one.method == "GET" and "/users/" in one.path and "/fees" not in one.path and one.status != 429
    )


def break_off(sandbox: RunningSandbox, chain: Chain, after: int) -> None:
    """Let the check end in the middle: from one read on, Alma gives nobody out any more."""
    arm(sandbox, "429_day", method="GET", path=ONE_USER, nth=after + 1, times=0)
    with pytest.raises(TaskDeferred) as waiting:
        check(chain)
    assert isinstance(waiting.value.trigger, DateTimeTrigger), "the task waits for a new day's calls"
    disarm(sandbox)


def parts(chain: Chain) -> list[Path]:
    return sorted(Path(chain.open().folder.path.path).glob("check-progress-*"))


def ledger(chain: Chain) -> bytes:
    return chain.open().folder.read(files.LEDGER_CHECKED)


def snapshot(chain: Chain) -> dict[str, str]:
    rows = read_snapshot_csv(chain.open().folder.read(files.SNAPSHOT))
    return {row.primary_id: row.original_group for row in rows}


def candidates(chain: Chain) -> tuple[str, ...]:
    selected = read_ledger_csv(chain.open().folder.read(files.LEDGER_SELECTED))
    return ids_in_state(selected, RowState.CANDIDATE)


@pytest.mark.parametrize("breaks", [(0,), (1,), (17,), (5, 3, 20)])
def test_after_a_crash_the_check_goes_on_and_reads_nobody_twice(
    sandbox: RunningSandbox, chain: Chain, breaks: tuple[int, ...]
) -> None:
    check(chain)
    undisturbed, groups = ledger(chain), snapshot(chain)
    assert undisturbed.count(b'"to_purge"') > 5
    chain.open().folder.remove(files.SNAPSHOT)
    chain.open().folder.remove(files.LEDGER_CHECKED)
    before = reads(sandbox)
    for after in breaks:
        break_off(sandbox, chain, after)
    assert bool(parts(chain)) is any(breaks)
    check(chain)
    again = reads(sandbox) - before
    assert sum(again.values()) == len(candidates(chain))
    assert set(again.values()) == {1}, "somebody was read twice"
    assert ledger(chain) == undisturbed
    assert snapshot(chain) == groups
    assert parts(chain) == [], "what was kept about people is gone when it is not needed any more"


def test_only_the_owner_may_read_what_is_kept_and_it_holds_no_notes(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    break_off(sandbox, chain, 30)
    assert parts(chain)
    for part in parts(chain):
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        assert b'"notes":[]' in part.read_bytes()
    shown = str(list(chain.xcoms.values())) + str(chain.stores["check_live"].values)
    assert not any(f"'{key}'" in shown or f'"{key}"' in shown for key in candidates(chain))


def test_whoever_could_not_be_read_is_read_again(sandbox: RunningSandbox, chain: Chain) -> None:
    unread = [key for key in candidates(chain) if key.isalnum()][:6]
    for key in unread:
        arm(sandbox, "xml_instead", method="GET", path=f"/users/{key}\\?", times=0)
    with pytest.raises(AirflowException, match="people could not be read"):
        check(chain)
    disarm(sandbox)
    first = reads(sandbox)
    check(chain)
    second = reads(sandbox) - first
    assert sorted(second) == sorted(unread)
    assert Reason.NOT_CHECKED not in set(read_ledger_csv(ledger(chain))["reason"])


def settings_change(_chain: Chain, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    own_config(monkeypatch, folder, rules={"days_after_purge_date": 2})


def protect_list_change(_chain: Chain, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    config = own_config(monkeypatch, folder)
    with (config / "institutions" / "demo-protect.csv").open("a", encoding="utf-8") as stream:
        stream.write("id,nobody,Olga,a new entry,\n")


def ledger_change(chain: Chain, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    content = chain.open().folder.read(files.LEDGER_SELECTED)
    changed = content + b'999999,"","","","","","","","","","","held_back","no_identifier","",""\n'
    ref = chain.open().folder.write(files.LEDGER_SELECTED, changed)
    chain.xcoms["select_candidates", f"file:{files.LEDGER_SELECTED}"] = ref.sha256


def another_day(_chain: Chain, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    from alma_purge.operators import base

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(days=1)

    monkeypatch.setattr(base, "datetime", Tomorrow)


def edited_part(chain: Chain, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    part = parts(chain)[0]
    part.write_bytes(part.read_bytes().replace(b'"loans":1', b'"loans":0'))


def lost_part(chain: Chain, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    parts(chain)[0].unlink()


def spoiled_record(chain: Chain, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    chain.stores["check_live"].values[store_key("check")] = '{"parts": "many"}'


def an_hour_later(_chain: Chain, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    monkeypatch.setattr(read_progress, "GOOD_FOR", timedelta(0))


@pytest.mark.parametrize(
    "happens",
    [
        settings_change,
        protect_list_change,
        ledger_change,
        another_day,
        edited_part,
        lost_part,
        spoiled_record,
        an_hour_later,
    ],
)
def test_results_that_may_not_hold_any_more_are_thrown_away(
    sandbox: RunningSandbox,
    chain: Chain,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    happens: Callable[[Chain, pytest.MonkeyPatch, Path], None],
) -> None:
    break_off(sandbox, chain, 20)
    first = reads(sandbox)
    assert len(first) >= 17
    happens(chain, monkeypatch, tmp_path / "config")
    check(chain)
    again = reads(sandbox) - first
    assert len(again) == len(candidates(chain))


def test_a_finished_check_that_is_cleared_reads_everybody_anew(sandbox: RunningSandbox, chain: Chain) -> None:
    check(chain)
    passed = ids_in_state(read_ledger_csv(ledger(chain)), RowState.TO_PURGE)
    change(sandbox, passed[0], add_loan=True)
    check(chain)
    assert ids_in_state(read_ledger_csv(ledger(chain)), RowState.TO_PURGE) == passed[1:]


def result(number: int) -> LiveResult:
    return LiveResult(None, Finding(Reason.NOT_FOUND, f"{number}"))


def test_results_are_saved_while_the_check_goes_on(folder: RunFolder) -> None:
    store, now = MemoryStore(), datetime.now(UTC)
    progress = CheckProgress(folder, store, "b")
    for number in range(250):
        progress.note(str(number), result(number), now)
        progress.save_if_due()
    assert len(CheckProgress(folder, store, "b").known()) == 200


def test_after_some_seconds_a_few_results_are_saved_too(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    progress = CheckProgress(folder, store, "b")
    progress.note("1", result(1), datetime.now(UTC))
    progress.save_if_due()
    assert CheckProgress(folder, store, "b").known() == {}
    monkeypatch.setattr(read_progress, "SAVE_SECONDS", 0.0)
    progress.save_if_due()
    assert CheckProgress(folder, store, "b").known() == {"1": result(1)}


@pytest.mark.parametrize(
    ("age", "holds"),
    [(timedelta(minutes=59), True), (timedelta(minutes=60), False), (timedelta(minutes=-1), False)],
)
def test_results_hold_for_an_hour(folder: RunFolder, age: timedelta, *, holds: bool) -> None:
    store = MemoryStore()
    progress = CheckProgress(folder, store, "b")
    progress.note("1", result(1), datetime.now(UTC) - age)
    progress.save()
    assert bool(CheckProgress(folder, store, "b").known()) is holds


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("note"), st.text(max_size=8)), st.sampled_from([("save", ""), ("crash", "")])
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_whatever_was_saved_is_known_to_the_next_try(
    folder: RunFolder, actions: list[tuple[str, str]]
) -> None:
    store, basis = MemoryStore(), os.urandom(8).hex()
    progress = CheckProgress(folder, store, basis)
    saved: dict[str, LiveResult] = {}
    noted: dict[str, LiveResult] = {}
    for number, (action, key) in enumerate(actions):
        if action == "note":
            noted[key] = result(number)
            progress.note(key, result(number), datetime.now(UTC))
        elif action == "save":
            progress.save()
            saved |= noted
        else:
            progress, noted = CheckProgress(folder, store, basis), {}
            assert progress.known() == saved
    assert CheckProgress(folder, store, basis).known() == saved
    assert CheckProgress(folder, store, basis + "another").known() == {}


def test_every_part_of_the_basis_counts() -> None:
    first = basis_of(a="1", b={"x": "y"})
    assert first == basis_of(b={"x": "y"}, a="1")
    assert first not in {basis_of(a="2", b={"x": "y"}), basis_of(a="1", b={"x": "z"}), basis_of(a="1")}
