import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest
from tests.support.tenant import arm, calls, change, ids_of, people, talking

from alma_api.client import AlmaClient
from alma_api.errors import AlmaAuthError, AlmaDailyLimitError, AlmaUnavailableError
from alma_purge.steps.live_check import LiveResult, check_people, check_person
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.people import Fee, Person
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.institution import RuleSettings
from patron_purge.patron import Finding, Patron
from patron_purge.protect_list import ProtectList
from patron_purge.rules import RuleContext, evaluate
from patron_purge.states import Reason


def judge(patron: Patron, waive: str = "0") -> Finding | None:
    today = datetime.now(UTC).date()
    context = RuleContext(
        today=today,
        rules=RuleSettings(waive_threshold=Decimal(waive)),
        marker_group="OKTOPURGE",
        excluded=ExclusionIndex.build(()),
        protected=ProtectList.build((), today=today),
        group_names={},
    )
    return evaluate(patron, context)


def check(client: AlmaClient, person: Person | str, waive: str = "0") -> LiveResult:
    key = person if isinstance(person, str) else person.primary_id
    return check_person(client, key, lambda patron: judge(patron, waive))


def reason(result: LiveResult) -> Reason | None:
    return result.finding.reason if result.finding else None


def path_of(primary_id: str) -> str:
    return f"/users/{re.escape(quote(primary_id, safe=''))}[/?]"


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("clean", None),
        ("clean_with_history", None),
        ("active_loan", Reason.ACTIVE_LOANS),
        ("active_request", Reason.ACTIVE_REQUESTS),
        ("ishare_group", Reason.PROTECTED_GROUP),
        ("linked_copy", Reason.LINKED_COPY),
        ("expiry_future", Reason.EXPIRY_DATE),
        ("expiry_missing", Reason.EXPIRY_DATE),
        ("purge_date_missing", Reason.PURGE_DATE),
        ("staff_role", Reason.STAFF_ROLE),
        ("record_type_staff", Reason.RECORD_TYPE),
        ("stale_extended", Reason.EXPIRY_DATE),
        ("fee_active", Reason.OPEN_FEES),
        ("fee_disputed", Reason.OPEN_FEES),
        ("fee_exported", Reason.OPEN_FEES),
        ("credit_balance", Reason.CREDIT_BALANCE),
    ],
)
def test_everybody_is_judged_by_what_alma_shows_now(
    sandbox: RunningSandbox, client: AlmaClient, scenario: str, expected: Reason | None
) -> None:
    for person in people(sandbox, scenario):
        result = check(client, person)
        assert reason(result) is expected
        assert result.patron is not None
        assert result.patron.primary_id == person.primary_id


def set_fees(sandbox: RunningSandbox, person: Person, *fees: Fee) -> None:
    with sandbox.tenant.lock:
        person.fees = list(fees)


@pytest.mark.parametrize(
    ("fees", "owed", "credit", "expected"),
    [
        ((Fee("1", 5.0), Fee("2", -50.0, fee_type="CREDIT")), "5", "50", Reason.OPEN_FEES),
        ((Fee("1", 5.0, "EXPORTED"), Fee("2", -5.0, fee_type="CREDIT")), "5", "5", Reason.OPEN_FEES),
        (
            (Fee("1", 0.1), Fee("2", 0.2, "INDISPUTE"), Fee("3", 0.3, "EXPORTED")),
            "0.6",
            "0",
            Reason.OPEN_FEES,
        ),
        ((Fee("1", 0.01, "INDISPUTE"),), "0.01", "0", Reason.OPEN_FEES),
        ((Fee("1", 80.0, "CLOSED"),), "0", "0", None),
        ((Fee("1", 0.0),), "0", "0", None),
    ],
)
def test_every_open_fee_counts_and_a_credit_hides_no_debt(
    sandbox: RunningSandbox,
    client: AlmaClient,
    *,
    fees: tuple[Fee, ...],
    owed: str,
    credit: str,
    expected: Reason | None,
) -> None:
    person = people(sandbox, "clean")[0]
    set_fees(sandbox, person, *fees)
    result = check(client, person)
    assert reason(result) is expected
    assert result.patron is not None
    assert (result.patron.open_fees, result.patron.credit) == (Decimal(owed), Decimal(credit))


@pytest.mark.parametrize(("owed", "expected"), [(10.0, None), (10.01, Reason.OPEN_FEES)])
def test_the_waive_threshold_is_a_limit_for_the_sum(
    sandbox: RunningSandbox, client: AlmaClient, owed: float, expected: Reason | None
) -> None:
    person = people(sandbox, "clean")[0]
    set_fees(sandbox, person, Fee("1", 4.0), Fee("2", owed - 4.0, "EXPORTED"))
    assert reason(check(client, person, waive="10")) is expected


def test_money_is_read_only_for_people_whom_every_other_rule_lets_go(
    sandbox: RunningSandbox, client: AlmaClient
) -> None:
    check(client, people(sandbox, "active_loan")[0])
    assert calls(sandbox, "GET", "/fees") == 0
    check(client, people(sandbox, "clean")[0])
    assert calls(sandbox, "GET", "/fees") == 3


def test_somebody_who_is_gone_is_held_back(sandbox: RunningSandbox, client: AlmaClient) -> None:
    assert check(client, "nobody-of-this-id") == LiveResult(None, Finding(Reason.NOT_FOUND))


def test_an_answer_with_another_primary_id_is_held_back(sandbox: RunningSandbox, client: AlmaClient) -> None:
    for person in people(sandbox, "stale_renamed"):
        former = str(person.identifiers[-1]["value"])
        assert reason(check(client, former)) is Reason.OTHER_PRIMARY_ID
    spelled = next(one for one in people(sandbox, "clean") if one.primary_id.swapcase() != one.primary_id)
    assert reason(check(client, spelled.primary_id.swapcase())) is Reason.OTHER_PRIMARY_ID


@pytest.mark.parametrize("where", ["", "/fees"])
@pytest.mark.parametrize("kind", ["500", "502_html", "reset_before", "truncated", "xml_instead", "refusal"])
def test_whoever_can_not_be_read_is_held_back(
    sandbox: RunningSandbox, client: AlmaClient, kind: str, where: str
) -> None:
    person = people(sandbox, "clean")[0]
    path = f"/users/{re.escape(quote(person.primary_id, safe=''))}{where}\\?"
    arm(sandbox, kind, method="GET", path=path, times=0)
    assert reason(check(client, person)) is Reason.NOT_CHECKED


def test_a_short_outage_holds_nobody_back(sandbox: RunningSandbox, client: AlmaClient) -> None:
    arm(sandbox, "503_general_error", method="GET", times=2)
    assert reason(check(client, people(sandbox, "clean")[0])) is None


@pytest.mark.parametrize("odd", [".", "..", " ", ""])
def test_an_id_that_can_not_be_asked_for_is_held_back(
    sandbox: RunningSandbox, client: AlmaClient, odd: str
) -> None:
    clean = people(sandbox, "clean")[0].primary_id
    results = check_people(client, [odd, clean], judge)
    assert reason(results[odd]) is Reason.NOT_CHECKED
    assert reason(results[clean]) is None


def test_everybody_gets_a_result(sandbox: RunningSandbox, client: AlmaClient) -> None:
    ids = ids_of(people(sandbox))
    results = check_people(client, ids, judge)
    assert list(results) == ids
    let_go = {key for key, one in results.items() if one.finding is None}
    assert set(ids_of(people(sandbox, "clean"))) <= let_go
    assert let_go.isdisjoint(ids_of(people(sandbox, "active_loan")))


@pytest.mark.parametrize(("unread", "fails"), [(5, False), (6, True)])
def test_too_many_unread_people_make_the_whole_check_worthless(
    sandbox: RunningSandbox, client: AlmaClient, unread: int, fails: bool
) -> None:
    ids = ids_of(people(sandbox, count=40))
    for key in ids[:unread]:
        arm(sandbox, "500", method="GET", path=path_of(key), times=0)
    if not fails:
        results = check_people(client, ids, judge)
        assert sum(1 for one in results.values() if reason(one) is Reason.NOT_CHECKED) == unread
        return
    with pytest.raises(
        AlmaUnavailableError, match=r"6 of 40 people could not be read.*nothing was changed"
    ) as stop:
        check_people(client, ids, judge)
    assert not any(key in str(stop.value) for key in ids)


def test_one_in_twenty_may_be_unread(sandbox: RunningSandbox, client: AlmaClient) -> None:
    ids = ids_of(people(sandbox, count=160))
    for key in ids[:8]:
        arm(sandbox, "500", method="GET", path=path_of(key), times=0)
    assert len(check_people(client, ids, judge)) == 160
    arm(sandbox, "500", method="GET", path=path_of(ids[8]), times=0)
    with pytest.raises(AlmaUnavailableError, match="9 of 160"):
        check_people(client, ids, judge)


def unknown_key(sandbox: RunningSandbox) -> str:
    del sandbox
    return "a-key-nobody-has"


def good_key(sandbox: RunningSandbox) -> str:
    arm(sandbox, "429_day", method="GET", nth=20, times=0)
    return sandbox.key


@pytest.mark.parametrize(("key", "error"), [(unknown_key, AlmaAuthError), (good_key, AlmaDailyLimitError)])
def test_trouble_with_the_key_or_the_quota_ends_the_check_at_once(
    sandbox: RunningSandbox, key: Callable[[RunningSandbox], str], error: type[Exception]
) -> None:
    ids = ids_of(people(sandbox))
    with talking(sandbox, key(sandbox)) as client, pytest.raises(error):
        check_people(client, ids, judge)
    assert calls(sandbox, "GET", "/users/") < len(ids)


def test_a_person_changed_since_the_report_is_judged_anew(
    sandbox: RunningSandbox, client: AlmaClient
) -> None:
    person = people(sandbox, "clean")[0]
    assert reason(check(client, person)) is None
    change(sandbox, person.primary_id, add_loan=True)
    assert reason(check(client, person)) is Reason.ACTIVE_LOANS
