import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import pytest

from alma_api.client import AlmaClient
from alma_api.errors import (
    AlmaAuthError,
    AlmaDailyLimitError,
    AlmaRateError,
    AlmaUnavailableError,
    AlmaUnclearError,
    AlmaUnreadableError,
    JobLimitError,
    NotFoundError,
    ReportInterruptedError,
    ReportNotFoundError,
    SetMemberError,
    SetNameTakenError,
)
from alma_api.job_status import JobStatus
from alma_api.models import CodeRow
from alma_api.transport import Timing
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.faults import Fault, FaultKind
from alma_sandbox.state.job_catalog import UPDATE_PARAMETERS
from alma_sandbox.testing import running_sandbox

MARKER = "OKTOPURGE"


@contextmanager
def talking(sandbox: RunningSandbox, key: str | None = None) -> Iterator[AlmaClient]:
    timing = Timing(sleep=lambda _seconds: None)
    with AlmaClient(
        sandbox.base_url, key or sandbox.key, calls_per_second=10_000, timing=timing, attempts=3
    ) as client:
        yield client


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(users=150) as running:
        yield running


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[AlmaClient]:
    with talking(sandbox) as made:
        yield made


def people(sandbox: RunningSandbox, count: int) -> list[str]:
    with sandbox.tenant.lock:
        return [person.primary_id for person in sandbox.tenant.users][:count]


def started(sandbox: RunningSandbox, method: str, path: str) -> int:
    """Counts the calls that reached the tenant."""
    with sandbox.tenant.lock:
        return sum(
            1 for entry in sandbox.tenant.journal.entries if entry.method == method and path in entry.path
        )


def update_payload(set_id: str, name: str) -> bytes:
    values = dict(UPDATE_PARAMETERS) | {
        "UPDATE_User_Information_UserGroup_Active": "true",
        "UPDATE_User_Information_UserGroup_Value": MARKER,
        "set_id": set_id,
        "job_name": name,
    }
    return json.dumps(
        {"parameter": [{"name": {"value": key}, "value": value} for key, value in values.items()]}
    ).encode()


def test_every_user_is_read_as_the_tenant_has_it(sandbox: RunningSandbox, client: AlmaClient) -> None:
    with sandbox.tenant.lock:
        everyone = list(sandbox.tenant.users)
    for person in everyone:
        user = client.users.get(person.primary_id)
        assert user.primary_id == person.primary_id
        assert user.user_group == person.user_group
        assert (user.expiry_date, user.purge_date) == (person.expiry_date, person.purge_date)
        assert user.last_activity == person.last_activity
        assert user.loans == len(person.active_loans)
        assert user.requests == len(person.active_requests)
        assert user.fees == Decimal(str(person.balance("ACTIVE")))
        assert {item.value for item in user.identifiers} == {item["value"] for item in person.identifiers}
    assert client.remaining_calls is not None


def test_fees_in_every_open_status_count(sandbox: RunningSandbox, client: AlmaClient) -> None:
    with sandbox.tenant.lock:
        everyone = [
            (person.primary_id, [fee for fee in person.fees if fee.status != "CLOSED"])
            for person in sandbox.tenant.users
        ]
    owing = [(key, fees) for key, fees in everyone if fees]
    assert owing
    for primary_id, fees in owing:
        summary = client.users.fees_total(primary_id)
        assert summary.open_balance == sum(
            (Decimal(str(fee.balance)) for fee in fees if fee.balance > 0), Decimal(0)
        )
        assert summary.credit == -sum(
            (Decimal(str(fee.balance)) for fee in fees if fee.balance < 0), Decimal(0)
        )


def test_user_nobody_is(client: AlmaClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.users.get("no such/user@example.edu")
    assert caught.value.code == "401861"
    assert "no such" not in str(caught.value)


def test_put_changes_the_group_and_nothing_else(sandbox: RunningSandbox, client: AlmaClient) -> None:
    (primary_id,) = people(sandbox, 1)
    before = client.users.get(primary_id)
    client.users.put_group(before, MARKER)
    after = client.users.get(primary_id)
    assert after.user_group == MARKER
    assert {key: value for key, value in after.raw.items() if key != "user_group"} == {
        key: value for key, value in before.raw.items() if key != "user_group"
    }
    assert [member.primary_id for member in client.users.in_group(MARKER).users] == [primary_id]


def test_group_listing_filters_what_a_word_search_adds() -> None:
    with running_sandbox(users=400, switches={"group_query_searches_descriptions": True}) as sandbox:
        with sandbox.tenant.lock:
            groups = {person.user_group for person in sandbox.tenant.users}
        with talking(sandbox) as client:
            for group in groups:
                listing = client.users.in_group(group)
                with sandbox.tenant.lock:
                    expected = {
                        person.primary_id for person in sandbox.tenant.users if person.user_group == group
                    }
                assert {member.primary_id for member in listing.users} == expected
                assert listing.is_complete


def test_groups_and_institution(sandbox: RunningSandbox, client: AlmaClient) -> None:
    assert CodeRow(MARKER, "OK to Purge", enabled=True) in client.conf.code_table("UserGroups")
    info = client.conf.general()
    assert (info.institution_code, info.environment) == (sandbox.tenant.institution, "sandbox")


def test_keys(sandbox: RunningSandbox, client: AlmaClient) -> None:
    tests = [client.users.test_read, client.users.test_write, client.conf.test_read, client.conf.test_write]
    assert [ask() for ask in tests] == [True] * 4
    with talking(sandbox, sandbox.read_key) as reader:
        asked = [
            reader.users.test_read(),
            reader.users.test_write(),
            reader.conf.test_read(),
            reader.conf.test_write(),
        ]
        assert asked == [True, False, True, False]
        with pytest.raises(AlmaAuthError):
            reader.sets.create_itemized_user_set("x", "")
    with talking(sandbox, "unknown") as stranger, pytest.raises(AlmaAuthError):
        stranger.conf.general()


def test_set_lives_and_dies(sandbox: RunningSandbox, client: AlmaClient) -> None:
    ids = people(sandbox, 120)
    name = "Purge 01DEMO_XYZ 2025-12 a1/b2_c3"
    assert client.sets.find_by_name(name) is None
    made = client.sets.create_itemized_user_set(name, "For a test")
    assert (made.name, made.content, made.member_count) == (name, "USER", 0)
    assert client.sets.members(made.id) == ()
    with pytest.raises(SetNameTakenError):
        client.sets.create_itemized_user_set(name, "")
    assert client.sets.add_members(made.id, [*ids, "nobody-at-all"]).member_count == 120
    assert set(client.sets.members(made.id)) == set(ids)
    with pytest.raises(SetMemberError) as caught:
        client.sets.add_members(made.id, ids[:1])
    assert ids[0] not in str(caught.value)
    assert client.sets.delete_members(made.id, ids[:20]).member_count == 100
    assert set(client.sets.members(made.id)) == set(ids[20:])
    assert client.sets.find_by_name(name) == client.sets.get(made.id)
    client.sets.delete(made.id)
    with pytest.raises(NotFoundError):
        client.sets.get(made.id)


def test_job_moves_a_set_to_the_marker_group(sandbox: RunningSandbox, client: AlmaClient) -> None:
    ids = people(sandbox, 3)
    made = client.sets.create_itemized_user_set("Three", "")
    client.sets.add_members(made.id, ids)
    (job,) = client.jobs.find_by_name("Update/Notify Users")
    assert client.jobs.get(job.id) == job
    run = client.jobs.run(job.id, update_payload(made.id, "Run 7f3a"))
    instance = client.jobs.instance(run.job_id, run.instance_id)
    while not instance.status.is_terminal:
        instance = client.jobs.instance("ALL", run.instance_id)
    assert instance.status is JobStatus.COMPLETED_SUCCESS
    assert (instance.id, instance.name, instance.job_id) == (run.instance_id, "Run 7f3a", job.id)
    assert instance.submit_time is not None
    assert 3 in [counter.value for counter in instance.counters]
    listed = client.jobs.instances(job.id, instance.submit_time.date())
    assert [item.name for item in listed] == ["Run 7f3a"]
    assert client.jobs.instances(job.id, date(2999, 1, 1)) == ()
    assert {client.users.get(primary_id).user_group for primary_id in ids} == {MARKER}


def test_manual_jobs_of_all_pages(sandbox: RunningSandbox, client: AlmaClient) -> None:
    with sandbox.tenant.lock:
        expected = {
            job.job_id for job in sandbox.tenant.job_definitions().values() if job.job_type == "MANUAL"
        }
    assert {job.id for job in client.jobs.list_manual()} == expected


def test_job_starts_are_limited(sandbox: RunningSandbox, client: AlmaClient) -> None:
    made = client.sets.create_itemized_user_set("Nobody", "")
    client.sets.add_members(made.id, people(sandbox, 1))
    sandbox.tenant.faults.arm(Fault(kind=FaultKind.JOB_THRESHOLD, method="POST"))
    with pytest.raises(JobLimitError):
        client.jobs.run("M148", update_payload(made.id, "x"))


@pytest.mark.parametrize("every_page", [True, False])
@pytest.mark.parametrize(("loading", "with_token"), [(0, False), (3, False), (3, True)])
def test_report_in_all_its_habits(*, every_page: bool, loading: int, with_token: bool) -> None:
    switches: dict[str, object] = {
        "token_on_every_page": every_page,
        "loading_pages": loading,
        "loading_with_token": with_token,
        "days_heading": "formula",
    }
    with running_sandbox(users=300, switches=switches) as sandbox, talking(sandbox) as client:
        with sandbox.tenant.lock:
            expected = [row[0] for row in sandbox.tenant.reports.rows()]
        pages = list(client.analytics.report(sandbox.report_path, page_size=25))
    assert [row["Primary Identifier"] for page in pages for row in page.rows] == expected
    assert len(pages) > 2
    keys = [column.key for column in pages[-1].columns]
    assert keys[0] == "Primary Identifier"
    assert 'TIMESTAMPDIFF(SQL_TSI_DAY, "User Details"."Purge Date", CURRENT_DATE)' in keys


def test_empty_and_missing_reports(sandbox: RunningSandbox, client: AlmaClient) -> None:
    (only,) = client.analytics.report(sandbox.tenant.reports.empty_path)
    assert only.rows == []
    for path in ("/shared/nowhere", "/users/somebody/mine"):
        with pytest.raises(ReportNotFoundError):
            next(client.analytics.report(path))


CHANGE_FAULTS = [
    FaultKind.SERVER_ERROR,
    FaultKind.BAD_GATEWAY_HTML,
    FaultKind.GATEWAY_ERROR,
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_AFTER,
    FaultKind.ERROR_AFTER,
    FaultKind.TRUNCATED,
    FaultKind.XML_INSTEAD,
]


@pytest.mark.parametrize("kind", CHANGE_FAULTS)
def test_unclear_change_is_sent_once(sandbox: RunningSandbox, client: AlmaClient, kind: FaultKind) -> None:
    sandbox.tenant.faults.arm(Fault(kind=kind, method="POST"))
    with pytest.raises(AlmaUnclearError):
        client.sets.create_itemized_user_set("Once", "")
    assert started(sandbox, "POST", "/conf/sets") == 1


@pytest.mark.parametrize("kind", [*CHANGE_FAULTS, FaultKind.RATE_SECOND])
def test_read_is_repeated_through_two_faults(
    sandbox: RunningSandbox, client: AlmaClient, kind: FaultKind
) -> None:
    (primary_id,) = people(sandbox, 1)
    sandbox.tenant.faults.arm(Fault(kind=kind, method="GET", times=2))
    assert client.users.get(primary_id).primary_id == primary_id
    sandbox.tenant.faults.arm(Fault(kind=kind, method="GET", times=0))
    with pytest.raises((AlmaUnavailableError, AlmaUnreadableError, AlmaRateError)) as caught:
        client.users.get(primary_id)
    assert primary_id not in str(caught.value)


def test_change_refused_for_its_pace_happens_once(sandbox: RunningSandbox, client: AlmaClient) -> None:
    sandbox.tenant.faults.arm(Fault(kind=FaultKind.RATE_SECOND, method="POST"))
    client.sets.create_itemized_user_set("Once", "")
    assert started(sandbox, "POST", "/conf/sets") == 2
    with sandbox.tenant.lock:
        assert [held.name for held in sandbox.tenant.sets.all()].count("Once") == 1


def test_daily_limit(sandbox: RunningSandbox, client: AlmaClient) -> None:
    sandbox.tenant.faults.arm(Fault(kind=FaultKind.RATE_DAY))
    with pytest.raises(AlmaDailyLimitError):
        client.conf.general()


@pytest.mark.parametrize("kind", [*CHANGE_FAULTS[:-1], FaultKind.RATE_SECOND])
def test_page_that_fails_is_not_skipped(sandbox: RunningSandbox, client: AlmaClient, kind: FaultKind) -> None:
    sandbox.tenant.faults.arm(Fault(kind=kind, path="token="))
    reading = client.analytics.report(sandbox.report_path, page_size=25)
    next(reading)
    with pytest.raises(ReportInterruptedError):
        list(reading)
    with sandbox.tenant.lock:
        expected = len(sandbox.tenant.reports.rows())
    assert (
        sum(len(page.rows) for page in client.analytics.report(sandbox.report_path, page_size=25)) == expected
    )


def test_silent_alma(sandbox: RunningSandbox) -> None:
    sandbox.tenant.faults.arm(Fault(kind=FaultKind.TIMEOUT_AFTER, times=0, seconds=1))
    with AlmaClient(sandbox.base_url, sandbox.key, attempts=1, timeout=(5.0, 0.2)) as client:
        with pytest.raises(AlmaUnavailableError):
            client.conf.general()
        with pytest.raises(AlmaUnclearError):
            client.sets.create_itemized_user_set("Silent", "")
