import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.alma_api.scripted_alma import Reply, ScriptedAlma, json_reply, xml_error
from tests.unit.alma_api.user_sample import user_record

from alma_api.client import AlmaClient
from alma_api.errors import AlmaAuthError, AlmaResponseError, AlmaUnavailableError, AlmaUnclearError
from alma_api.json_text import decode
from alma_api.models import GroupMember, Role, User
from alma_api.user_record import read_user


def as_user(record: dict[str, Any]) -> User:
    return read_user(decode(json.dumps(record)))


def test_user_is_read_with_everything_the_rules_need(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_reply(user_record()))
    user = client.users.get("9900112233")
    assert alma.seen[0].query == {"view": "full", "expand": "loans,requests,fees"}
    assert user.primary_id == "9900112233"
    assert (user.user_group, user.user_group_desc) == ("10", "Undergraduate")
    assert (user.record_type, user.account_type, user.status) == ("PUBLIC", "EXTERNAL", "INACTIVE")
    assert user.expiry_date == date(2024, 12, 31)
    assert user.purge_date == date(2025, 10, 31)
    assert user.last_activity == date(2024, 5, 2)
    assert (user.loans, user.requests, user.fees) == (1, 0, Decimal("12.5"))
    assert user.roles == (Role("200", "ACTIVE"), Role("26", "INACTIVE"))
    assert user.active_roles == (Role("200", "ACTIVE"),)
    assert [(item.type_code, item.value, item.status) for item in user.identifiers] == [
        ("BARCODE", "21234000123456", "ACTIVE")
    ]
    assert user.blocks == ("02-GLOBAL",)
    assert user.notes == ("keep until spring",)
    assert user.proxy_for_count == 1
    assert (user.source_link_id, user.source_institution_code, user.linking_id) == ("", "", "")
    assert (user.first_name, user.last_name) == ("Pat", "Sample")
    assert user.raw == user_record()


def test_absent_facts_are_none_or_empty() -> None:
    user = read_user({"primary_id": "x"})
    assert user.user_group == ""
    assert (user.expiry_date, user.purge_date, user.last_activity) == (None, None, None)
    assert (user.loans, user.requests, user.fees) == (None, None, None)
    assert (user.roles, user.identifiers, user.blocks, user.notes, user.proxy_for_count) == (
        (),
        (),
        (),
        (),
        0,
    )


def test_role_and_block_of_unknown_status_count() -> None:
    user = as_user(user_record(user_role=[{"role_type": {"value": "26"}}], user_block=[{"block_note": "x"}]))
    assert [role.code for role in user.active_roles] == ["26"]
    assert user.blocks == ("block",)


def test_linked_copy_is_recognised() -> None:
    user = as_user(user_record(source_link_id="77", source_institution_code={"value": "01CARLI_ABC"}))
    assert (user.source_link_id, user.source_institution_code) == ("77", "01CARLI_ABC")
    assert (
        as_user(user_record(source_institution_code="01CARLI_ABC")).source_institution_code == "01CARLI_ABC"
    )


MALFORMED: list[tuple[str, Any]] = [
    ("primary_id", ""),
    ("primary_id", None),
    ("primary_id", ["x"]),
    ("user_group", {"value": ["x"]}),
    ("user_group", ["x"]),
    ("purge_date", "soon"),
    ("loans", {"value": -1}),
    ("fees", {"value": "much"}),
    ("user_role", "text"),
    ("user_identifier", [None]),
]


@pytest.mark.parametrize(("field", "value"), MALFORMED)
def test_malformed_user_is_a_response_error(
    alma: ScriptedAlma, client: AlmaClient, field: str, value: object
) -> None:
    alma.will_reply(json_reply(user_record(**{field: value})))
    with pytest.raises(AlmaResponseError):
        client.users.get("9900112233")
    assert len(alma.seen) == 1


@pytest.mark.parametrize("document", [[], "text", None, 5])
def test_answer_that_is_no_user_is_a_response_error(
    alma: ScriptedAlma, client: AlmaClient, document: object
) -> None:
    alma.will_reply(json_reply(document))
    with pytest.raises(AlmaResponseError):
        client.users.get("9900112233")


def test_repr_shows_nobody() -> None:
    text = repr(as_user(user_record(source_link_id="SECRET1", linking_id="SECRET2"))) + repr(
        GroupMember("9900112233", "10")
    )
    for personal in ("9900112233", "Pat", "Sample", "21234000123456", "pat@example", "spring", "SECRET"):
        assert personal not in text


# Written out so that the exact digits and letters that must survive can be seen.
FAITHFUL = (
    b'{"primary_id": "99/1@x", "user_group": {"value": "10", "desc": "Undergraduate"},'
    b' "contact_info": {"email": []},'
    b' "user_identifier": [], "fees": {"value": 12.50}, "big": 123456789012345678901234567890,'
    b' "long": 0.1234567890123456789012345, "text": "\\ud83d\\ude00 \\u00e9 \\"", "none": null, "yes": true}'
)


def test_put_sends_the_record_back_with_only_the_group_changed(
    alma: ScriptedAlma, client: AlmaClient
) -> None:
    alma.will_reply(Reply(200, FAITHFUL), json_reply(user_record(user_group={"value": "OKTOPURGE"})))
    user = client.users.get("99/1@x")
    changed = client.users.put_group(user, "OKTOPURGE")
    assert changed.user_group == "OKTOPURGE"
    seen = alma.seen[1]
    assert (seen.method, seen.last_path_part, seen.query) == ("PUT", "99/1@x", {"override": "user_group"})
    assert seen.headers["Content-Type"] == "application/json"
    sent = json.loads(seen.body, parse_float=str)
    read = json.loads(FAITHFUL, parse_float=str)
    assert sent == read | {"user_group": {"value": "OKTOPURGE"}}
    assert b"12.50" in seen.body
    assert list(sent) == list(read)
    assert user.raw["user_group"] == {"value": "10", "desc": "Undergraduate"}


@pytest.mark.parametrize("missing", ["user_group", "contact_info", "user_identifier"])
def test_put_of_a_partial_record_is_refused(alma: ScriptedAlma, client: AlmaClient, missing: str) -> None:
    raw = user_record()
    del raw[missing]
    with pytest.raises(ValueError, match="not complete"):
        client.users.put_group(as_user(raw), "10")
    assert alma.seen == []


def test_put_of_another_persons_record_is_refused(alma: ScriptedAlma, client: AlmaClient) -> None:
    fields = {name: getattr(as_user(user_record()), name) for name in User.__dataclass_fields__}
    with pytest.raises(ValueError, match="not complete"):
        client.users.put_group(User(**fields | {"primary_id": "somebody else"}), "10")
    assert alma.seen == []


def test_put_to_an_empty_group_is_refused(alma: ScriptedAlma, client: AlmaClient) -> None:
    with pytest.raises(ValueError, match="empty code"):
        client.users.put_group(as_user(user_record()), " ")
    assert alma.seen == []


def test_put_answered_with_nonsense_is_unclear(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_reply({"no": "primary id"}))
    with pytest.raises(AlmaUnclearError):
        client.users.put_group(as_user(user_record()), "10")
    assert len(alma.seen) == 1


def members(group: str, *ids: str) -> list[dict[str, Any]]:
    return [user_record(primary_id=identifier, user_group={"value": group}) for identifier in ids]


def test_group_listing_reads_all_pages_and_filters_exactly(alma: ScriptedAlma, client: AlmaClient) -> None:
    first = members("OK TO PURGE", "a", "b") + members("OK TO PURGE 2", "c")
    alma.will_reply(
        json_reply({"user": first, "total_record_count": 5}),
        json_reply({"user": members("OK TO PURGE", "b", "d"), "total_record_count": 5}),
    )
    listing = client.users.in_group("OK TO PURGE")
    assert [member.primary_id for member in listing.users] == ["a", "b", "d"]
    assert {member.group_code for member in listing.users} == {"OK TO PURGE"}
    assert (listing.reported_total, listing.strays) == (5, 1)
    assert not listing.is_complete
    assert [seen.query["offset"] for seen in alma.seen] == ["0", "3"]
    assert alma.seen[0].query["q"] == "user_group~OK_TO_PURGE"
    assert alma.seen[0].query["expand"] == "full"
    assert alma.seen[0].query["limit"] == "100"


def test_a_deleted_record_is_in_no_group(alma: ScriptedAlma, client: AlmaClient) -> None:
    deleted, there = members("X", "a", "b")
    deleted |= {"status": {"value": "DELETED"}}
    alma.will_reply(json_reply({"user": [deleted, there], "total_record_count": 2}))
    listing = client.users.in_group("X")
    assert [member.primary_id for member in listing.users] == ["b"]
    assert (listing.strays, listing.is_complete) == (1, True)


@pytest.mark.parametrize("document", [{"total_record_count": 0}, {"user": None, "total_record_count": "0"}])
def test_empty_group(alma: ScriptedAlma, client: AlmaClient, document: dict[str, object]) -> None:
    alma.will_reply(json_reply(document))
    listing = client.users.in_group("X")
    assert (listing.users, listing.reported_total, listing.strays, listing.is_complete) == ((), 0, 0, True)


def test_listing_without_a_total_is_refused(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_reply({"user": members("X", "a")}))
    with pytest.raises(AlmaResponseError, match="total_record_count"):
        client.users.in_group("X")


def fee(balance: str, kind: str = "OVERDUEFINE") -> dict[str, Any]:
    return {"id": "1", "type": {"value": kind}, "balance": float(balance)}


def fees(*items: dict[str, Any], total_sum: float = 0) -> Reply:
    return json_reply({"fee": list(items), "total_record_count": len(items), "total_sum": total_sum})


NO_FEES = json_reply({"total_record_count": 0, "total_sum": 0, "currency": None})


def test_fees_of_every_open_status_are_added(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(fees(fee("0.10"), fee("0.20")), fees(fee("7.05")), fees(fee("1")))
    summary = client.users.fees_total("x/y")
    assert (summary.open_balance, summary.credit, summary.largest) == (
        Decimal("8.35"),
        Decimal(0),
        Decimal("7.05"),
    )
    assert [seen.query["status"] for seen in alma.seen] == ["ACTIVE", "INDISPUTE", "EXPORTED"]
    assert alma.seen[0].path == "/almaws/v1/users/x%2Fy/fees"


@pytest.mark.parametrize("credit", [fee("-3.50"), fee("3.50", "CREDIT"), fee("-3.50", "CREDIT")])
def test_credit_does_not_hide_a_debt(alma: ScriptedAlma, client: AlmaClient, credit: dict[str, Any]) -> None:
    alma.will_reply(fees(fee("3.50"), credit), NO_FEES, NO_FEES)
    summary = client.users.fees_total("x")
    assert (summary.open_balance, summary.credit) == (Decimal("3.50"), Decimal("3.50"))


def test_higher_sum_of_alma_counts(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(fees(fee("1"), total_sum=40.5), NO_FEES, NO_FEES)
    assert client.users.fees_total("x").open_balance == Decimal("40.5")


@pytest.mark.parametrize(("listed", "credit"), [((), "12.5"), ((fee("1"),), "12.5"), ((fee("-20"),), "20")])
def test_a_sum_below_zero_is_a_credit(
    alma: ScriptedAlma, client: AlmaClient, listed: tuple[dict[str, Any], ...], credit: str
) -> None:
    alma.will_reply(fees(*listed, total_sum=-12.5), NO_FEES, NO_FEES)
    assert client.users.fees_total("x").credit == Decimal(credit)


def test_no_fees(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(NO_FEES, NO_FEES, NO_FEES)
    summary = client.users.fees_total("x")
    assert {summary.open_balance, summary.credit, summary.largest} == {Decimal(0)}


@pytest.mark.parametrize(
    "document",
    [
        {"fee": [fee("1")], "total_record_count": 2, "total_sum": 1},
        {"fee": [{"id": "1"}], "total_record_count": 1, "total_sum": 1},
        {"fee": [fee("1")]},
    ],
)
def test_incomplete_fees_are_refused(
    alma: ScriptedAlma, client: AlmaClient, document: dict[str, Any]
) -> None:
    alma.will_reply(json_reply(document))
    with pytest.raises(AlmaResponseError):
        client.users.fees_total("x")


ROOMS = [("users", "/almaws/v1/users/operation/test"), ("conf", "/almaws/v1/conf/test")]


@pytest.mark.parametrize(("room", "path"), ROOMS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_permission_is_asked_of_alma(
    alma: ScriptedAlma, client: AlmaClient, room: str, path: str, method: str
) -> None:
    ask = getattr(getattr(client, room), "test_read" if method == "GET" else "test_write")
    alma.will_reply(
        Reply(200, f"<test>{method} - OK - institutionCode: 01CARLI_XYZ</test>".encode()),
        Reply(200, f'{{"test": "{method} - OK"}}'.encode()),
        xml_error("UNAUTHORIZED", "API-key not defined or not configured to allow this API."),
        Reply(403, b""),
    )
    assert [ask(), ask(), ask(), ask()] == [True, True, False, False]
    assert {(seen.method, seen.path) for seen in alma.seen} == {(method, path)}


def test_permission_is_not_guessed(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(*[Reply(503)] * 4, *[Reply(200, b"<html>Log in</html>")] * 4)
    with pytest.raises(AlmaUnavailableError):
        client.users.test_write()
    with pytest.raises(AlmaResponseError, match="does not sound like Alma"):
        client.users.test_write()
    assert not issubclass(AlmaUnavailableError, AlmaAuthError)


def request(number: int, **fields: Any) -> dict[str, Any]:
    return {"request_id": str(number), "request_type": "HOLD", **fields}


def test_active_requests_tell_resource_sharing_on_the_hold_shelf(
    alma: ScriptedAlma, client: AlmaClient
) -> None:
    listed = [
        request(1, request_status="IN_PROCESS", request_sub_type={"value": "PATRON_PHYSICAL"}),
        request(2, request_status="ON_HOLD_SHELF", request_sub_type={"value": "PATRON_PHYSICAL"}),
        request(3, request_status="ON_HOLD_SHELF", request_sub_type={"value": "RESOURCE_SHARING_P2D"}),
        request(4, task_name="On Hold Shelf", resource_sharing={"partner": {"value": "ABC"}}),
        request(5, request_status="NOT_STARTED", resource_sharing=None),
    ]
    alma.will_reply(json_reply({"user_request": listed, "total_record_count": 5}))
    found = client.users.active_requests("a b")
    assert [(one.resource_sharing, one.on_hold_shelf) for one in found] == [
        (False, False),
        (False, True),
        (True, True),
        (True, True),
        (False, False),
    ]
    assert alma.seen[0].query["status"] == "active"


def test_a_list_of_requests_that_is_cut_short_is_refused(alma: ScriptedAlma, client: AlmaClient) -> None:
    for _ in range(3):
        alma.will_reply(json_reply({"user_request": [request(1)], "total_record_count": 2}))
        alma.will_reply(json_reply({"total_record_count": 2}))
    with pytest.raises(AlmaResponseError, match="requests of a user"):
        client.users.active_requests("a")
