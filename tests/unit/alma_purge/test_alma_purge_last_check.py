from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.exceptions import AirflowException
from tests.support.task_context import purge_run
from tests.support.tenant import MARKER, arm, change, ids_of, people, regroup, whole_state, workbooks

from alma_api.client import AlmaClient
from alma_purge.steps.last_check import LastCheck, check_before_purge, check_before_regroup
from alma_sandbox.server import RunningSandbox
from patron_purge.errors import InputRefusedError
from patron_purge.states import Reason

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

GROUPS = {"10": "Undergraduate", MARKER: "OK to Purge"}


def reasons(check: LastCheck) -> dict[str, Reason]:
    return {key: one.reason for key, one in check.dropped.items()}


@pytest.fixture
def approved(sandbox: RunningSandbox) -> list[str]:
    return ids_of(people(sandbox, "clean"))


@pytest.fixture
def homes(sandbox: RunningSandbox, client: AlmaClient, approved: list[str]) -> dict[str, str]:
    """Everybody approved is in the marker group; this is where they come from."""
    noted = {one.primary_id: one.user_group for one in people(sandbox, "clean")}
    regroup(client, approved)
    return noted


def test_whoever_still_passes_every_rule_stays_on_the_list(
    sandbox: RunningSandbox, client: AlmaClient, approved: list[str]
) -> None:
    before = whole_state(sandbox)
    check = check_before_regroup(purge_run(), client, approved, GROUPS)
    assert check.dropped == {}
    assert not check.is_stale()
    assert whole_state(sandbox) == before


def test_whoever_changed_since_the_approval_is_taken_off(
    sandbox: RunningSandbox, client: AlmaClient, approved: list[str]
) -> None:
    borrower, listed, owing, moved, staff, *others = approved
    change(sandbox, borrower, add_loan=True)
    workbooks(sandbox, "add", ids=[listed])
    change(sandbox, owing, add_fee=0.5)
    change(sandbox, moved, user_group=MARKER)
    change(sandbox, staff, add_role="32")
    check = check_before_regroup(purge_run(), client, [*approved, "nobody"], GROUPS)
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
    sandbox: RunningSandbox, client: AlmaClient, approved: list[str]
) -> None:
    arm(sandbox, "500", method="GET", path=f"/users/{approved[0]}\\?", times=0)
    plain = [key for key in approved if key.isalnum()]
    arm(sandbox, "500", method="GET", path=f"/users/{plain[0]}\\?", times=0)
    assert reasons(check_before_regroup(purge_run(), client, plain, GROUPS))[plain[0]] is Reason.NOT_CHECKED


@pytest.mark.parametrize("action", ["drop", "stale", "truncate", "headless"])
def test_without_trustworthy_exclusion_files_the_check_stops(
    sandbox: RunningSandbox, client: AlmaClient, approved: list[str], action: str
) -> None:
    workbooks(sandbox, action, book="fines")
    with pytest.raises(InputRefusedError, match="Users with fines"):
        check_before_regroup(purge_run(), client, approved, GROUPS)


def test_without_the_server_the_check_is_tried_again(
    sandbox: RunningSandbox, client: AlmaClient, approved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma_purge.steps.exclusions.MAX_FILE_BYTES", 50_000_000)
    sandbox.stop()
    with pytest.raises(AirflowException, match="right now"):
        check_before_regroup(purge_run(), client, approved, GROUPS)


def test_before_the_purge_the_original_group_counts(
    sandbox: RunningSandbox, client: AlmaClient, homes: dict[str, str]
) -> None:
    assert check_before_purge(purge_run(), client, homes, GROUPS).dropped == {}
    protected = dict.fromkeys(list(homes)[:1], "I-Share")
    check = check_before_purge(purge_run(), client, homes | protected, GROUPS)
    assert reasons(check) == dict.fromkeys(protected, Reason.PROTECTED_GROUP)


def test_before_the_purge_whoever_changed_since_the_regroup_is_taken_off(
    sandbox: RunningSandbox, client: AlmaClient, homes: dict[str, str]
) -> None:
    borrower, listed, moved, *_ = homes
    change(sandbox, borrower, add_loan=True)
    workbooks(sandbox, "add", ids=[listed])
    change(sandbox, moved, user_group="10")
    assert reasons(check_before_purge(purge_run(), client, homes, GROUPS)) == {
        borrower: Reason.ACTIVE_LOANS,
        listed: Reason.IN_EXCLUSION_FILE,
        moved: Reason.GROUP_CHANGED,
    }


@pytest.mark.parametrize(("minutes", "stale"), [(14, False), (16, True)])
def test_a_check_is_good_for_a_quarter_of_an_hour(minutes: int, *, stale: bool) -> None:
    finished = datetime.now(UTC) - timedelta(minutes=minutes)
    assert LastCheck({}, finished).is_stale() is stale
