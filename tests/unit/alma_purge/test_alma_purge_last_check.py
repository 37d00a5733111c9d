from datetime import UTC, datetime, timedelta

import pytest
from tests.support.task_context import purge_run
from tests.support.tenant import MARKER, arm, change, people, regroup, whole_state, workbooks
from tests.unit.patron_purge.output_samples import question

from alma_api.client import AlmaClient
from alma_purge.operators.base import TryAgainError
from alma_purge.steps.authority import Authority
from alma_purge.steps.exclusions import fetch_lists
from alma_purge.steps.job_payloads import checked_payloads
from alma_purge.steps.last_check import LastCheck, check_before_purge, check_before_regroup
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.groups import USER_GROUPS
from patron_purge.decision import ask
from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_file import ExclusionFile
from patron_purge.states import Reason

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

GROUPS = {group.code: group.description for group in USER_GROUPS}


def authority(groups: dict[str, str], exclusions: dict[str, ExclusionFile] | None = None) -> Authority:
    """What was approved: these people, with the group that each came from."""
    return Authority(
        approved=tuple(groups),
        original_groups=groups,
        payloads=checked_payloads(purge_run().institution),
        regroup_job_id="M148",
        purge_job_id="M20261",
        group_names=GROUPS,
        exclusions=exclusions or {},
        digest="",
        decision=ask(question(), datetime.now(UTC), None),
    )


def fetched() -> dict[str, ExclusionFile]:
    """The exclusion files as they are now."""
    run = purge_run()
    return {one.pattern.pattern: one.file for one in fetch_lists(run.institution, run.now).exclusions}


def reasons(check: LastCheck) -> dict[str, Reason]:
    return {key: one.reason for key, one in check.dropped.items()}


@pytest.fixture
def approved(sandbox: RunningSandbox) -> dict[str, str]:
    """Everybody approved, with the group that the snapshot holds."""
    return {one.primary_id: one.user_group for one in people(sandbox, "clean")}


@pytest.fixture
def homes(sandbox: RunningSandbox, client: AlmaClient, approved: dict[str, str]) -> dict[str, str]:
    """Everybody approved is in the marker group; this is where they come from."""
    regroup(client, list(approved))
    return approved


def test_whoever_still_passes_every_rule_stays_on_the_list(
    sandbox: RunningSandbox, client: AlmaClient, approved: dict[str, str]
) -> None:
    before = whole_state(sandbox)
    check = check_before_regroup(purge_run(), client, authority(approved), list(approved))
    assert check.dropped == {}
    assert not check.is_stale()
    assert whole_state(sandbox) == before


def test_whoever_changed_since_the_approval_is_taken_off(
    sandbox: RunningSandbox, client: AlmaClient, approved: dict[str, str]
) -> None:
    borrower, listed, owing, moved, staff, *others = approved
    change(sandbox, borrower, add_loan=True)
    workbooks(sandbox, "add", ids=[listed])
    change(sandbox, owing, add_fee=0.5)
    change(sandbox, moved, user_group=MARKER)
    change(sandbox, staff, add_role="32")
    check = check_before_regroup(
        purge_run(), client, authority(approved | {"nobody": "10"}), [*approved, "nobody"]
    )
    assert reasons(check) == {
        borrower: Reason.ACTIVE_LOANS,
        listed: Reason.IN_EXCLUSION_FILE,
        owing: Reason.OPEN_FEES,
        moved: Reason.IN_MARKER_GROUP,
        staff: Reason.STAFF_ROLE,
        "nobody": Reason.NOT_FOUND,
    }
    assert others


def test_whoever_can_not_be_read_is_taken_off(
    sandbox: RunningSandbox, client: AlmaClient, approved: dict[str, str]
) -> None:
    plain = [key for key in approved if key.isalnum()]
    arm(sandbox, "500", method="GET", path=f"/users/{plain[0]}\\?", times=0)
    assert (
        reasons(check_before_regroup(purge_run(), client, authority(approved), plain))[plain[0]]
        is Reason.NOT_CHECKED
    )


@pytest.mark.parametrize("action", ["drop", "stale", "truncate", "headless"])
def test_without_trustworthy_exclusion_files_the_check_stops(
    sandbox: RunningSandbox, client: AlmaClient, approved: dict[str, str], action: str
) -> None:
    workbooks(sandbox, action, book="fines")
    with pytest.raises(InputRefusedError, match="Users with fines"):
        check_before_regroup(purge_run(), client, authority(approved), list(approved))


def test_without_the_server_the_check_is_tried_again(
    sandbox: RunningSandbox, client: AlmaClient, approved: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma_purge.steps.sftp_folder.MAX_FILE_BYTES", 50_000_000)
    sandbox.stop()
    with pytest.raises(TryAgainError, match="right now"):
        check_before_regroup(purge_run(), client, authority(approved), list(approved))


def test_before_the_purge_the_original_group_counts(
    sandbox: RunningSandbox, client: AlmaClient, homes: dict[str, str]
) -> None:
    assert check_before_purge(purge_run(), client, authority(homes), list(homes)).dropped == {}
    protected = dict.fromkeys(list(homes)[:1], "I-Share")
    check = check_before_purge(purge_run(), client, authority(homes | protected), list(homes))
    assert reasons(check) == dict.fromkeys(protected, Reason.PROTECTED_GROUP)


def test_before_the_purge_whoever_changed_since_the_regroup_is_taken_off(
    sandbox: RunningSandbox, client: AlmaClient, homes: dict[str, str]
) -> None:
    borrower, listed, moved, *_ = homes
    change(sandbox, borrower, add_loan=True)
    workbooks(sandbox, "add", ids=[listed])
    change(sandbox, moved, user_group="10")
    assert reasons(check_before_purge(purge_run(), client, authority(homes), list(homes))) == {
        borrower: Reason.ACTIVE_LOANS,
        listed: Reason.IN_EXCLUSION_FILE,
        moved: Reason.GROUP_CHANGED,
    }


def test_whoever_was_moved_to_another_group_since_the_snapshot_is_taken_off(
    sandbox: RunningSandbox, client: AlmaClient, approved: dict[str, str]
) -> None:
    moved = next(iter(approved))
    change(sandbox, moved, user_group="30" if approved[moved] != "30" else "20")
    check = check_before_regroup(purge_run(), client, authority(approved), list(approved))
    assert reasons(check) == {moved: Reason.GROUP_CHANGED}


def test_whoever_stood_in_the_approved_files_stays_excluded(
    sandbox: RunningSandbox, client: AlmaClient, approved: dict[str, str]
) -> None:
    listed = next(iter(approved))
    workbooks(sandbox, "add", ids=[listed])
    stored = fetched()
    workbooks(sandbox, "rewrite")
    check = check_before_regroup(purge_run(), client, authority(approved, stored), list(approved))
    assert reasons(check) == {listed: Reason.IN_EXCLUSION_FILE}


def test_an_exclusion_file_that_has_shrunk_since_the_approval_stops_the_check(
    sandbox: RunningSandbox, client: AlmaClient, approved: dict[str, str]
) -> None:
    workbooks(sandbox, "add", book="fines", ids=[f"more{number}" for number in range(40)])
    stored = fetched()
    workbooks(sandbox, "shrink", book="fines", keep=4)
    with pytest.raises(InputRefusedError, match="rows when the list was made and has 15 now"):
        check_before_regroup(purge_run(), client, authority(approved, stored), list(approved))


@pytest.mark.parametrize(("minutes", "stale"), [(14, False), (16, True)])
def test_a_check_is_good_for_a_quarter_of_an_hour(minutes: int, *, stale: bool) -> None:
    finished = datetime.now(UTC) - timedelta(minutes=minutes)
    assert LastCheck({}, finished).is_stale() is stale
