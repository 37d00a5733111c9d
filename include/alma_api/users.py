"""Users in Alma: read one, list a group, put one into another group."""

from collections.abc import Iterator
from decimal import Decimal

from alma_api.call import Call, Effect
from alma_api.connection_test import is_permitted
from alma_api.errors import not_understood
from alma_api.json_text import encode
from alma_api.models import ActiveRequest, FeeSummary, GroupListing, GroupMember, User, UserPage
from alma_api.paging import PAGE_LIMIT, Page, page_params, read_all, read_complete
from alma_api.record import Record
from alma_api.transport import Transport
from alma_api.user_record import read_user, with_group
from alma_api.user_requests import read_requests

_OPEN_FEE_STATUSES = ("ACTIVE", "INDISPUTE", "EXPORTED")
_CREDIT = "CREDIT"


def group_query(group_code: str) -> str:
    """Returns the query for the people of a user group.

    In Alma's query language a blank separates words; an underscore stands for it.

    Args:
        group_code: Code of the user group.
    """
    return f"user_group~{group_code.replace(' ', '_')}"


class UsersApi:
    """The part of the Users API that a purge needs.

    Args:
        transport: Sends the calls.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, primary_id: str) -> User:
        """Reads a user with the numbers of loans and requests and the fee balance.

        Alma looks the id up among all unique identifiers and ignores case, so the answer may be another
        user: compare `primary_id`.

        Args:
            primary_id: The primary id.

        Raises:
            NotFoundError: No user has this identifier.
            AlmaResponseError: The record can't be understood.
            AlmaError: The read failed in another way.
        """
        call = Call(
            "read a user",
            "GET",
            ("users", primary_id),
            params=(("view", "full"), ("expand", "loans,requests,fees")),
            personal=(primary_id,),
        )
        return self._transport.json(call, read_user)

    def fees_total(self, primary_id: str) -> FeeSummary:
        """Adds up a user's fees in every open status; Alma's own balance covers the active ones only.

        Args:
            primary_id: The primary id.

        Raises:
            NotFoundError: No user has this identifier.
            AlmaResponseError: The list of fees is incomplete or can't be understood.
            AlmaError: The read failed in another way.
        """
        summaries = [self._fees(primary_id, status) for status in _OPEN_FEE_STATUSES]
        return FeeSummary(
            open_balance=sum((summary.open_balance for summary in summaries), Decimal(0)),
            credit=sum((summary.credit for summary in summaries), Decimal(0)),
            largest=max(summary.largest for summary in summaries),
        )

    def active_requests(self, primary_id: str) -> tuple[ActiveRequest, ...]:
        """Reads a user's active requests.

        Args:
            primary_id: The primary id.

        Raises:
            NotFoundError: No user has this identifier.
            AlmaResponseError: The list is incomplete or can't be understood.
            AlmaError: The read failed in another way.
        """

        def fetch(offset: int) -> Page[tuple[str, ActiveRequest]]:
            call = Call(
                "read the requests of a user",
                "GET",
                ("users", primary_id, "requests"),
                params=(("status", "active"), *page_params(offset)),
                personal=(primary_id,),
            )
            return self._transport.json(call, read_requests)

        found = read_complete(fetch, "requests of a user", key=lambda item: item[0])
        return tuple(request for _, request in found)

    def list_page(self, query: str, *, offset: int, limit: int = PAGE_LIMIT) -> UserPage:
        """Reads one page of the full records that match a query.

        Args:
            query: Such as user_group~10; Alma searches words, so more than wanted may match. Empty for everybody.
            offset: Number of users to skip.
            limit: Number of users, 1 to 100.

        Raises:
            AlmaError: The read failed.
        """
        call = Call(
            "list users",
            "GET",
            ("users",),
            params=(
                *((("q", query),) if query else ()),
                *page_params(offset, limit),
                ("order_by", "primary_id"),
                ("expand", "full"),
            ),
        )
        return self._transport.json(call, _user_page)

    def in_group(self, group_code: str) -> GroupListing:
        """Lists who is in a user group, judged by each record's own group code; deleted records do not count.

        Alma's index lags and its pages may shift: `is_complete` tells whether everyone was listed, and a
        user who is not listed may still be in the group.

        Args:
            group_code: Code of the user group.

        Raises:
            AlmaError: A read failed.
        """
        query = group_query(group_code)

        def fetch(offset: int) -> Page[User]:
            page = self.list_page(query, offset=offset)
            return Page(page.users, page.total)

        listed = read_all(fetch)
        unique = {user.primary_id: user for user in listed.items}
        # A purged record may stay, with the status DELETED and the group it had (Alma's Delete User Policy).
        members = tuple(
            GroupMember(key, user.user_group)
            for key, user in unique.items()
            if user.user_group == group_code and user.status.upper() != "DELETED"
        )
        return GroupListing(members, listed.total, strays=len(unique) - len(members))

    def put_group(self, user: User, group_code: str) -> User:
        """Puts a user into another group, leaving everything else of the record as it was read.

        Alma replaces the whole record, so read the user right before. `override=user_group` makes the
        change stick on external users whose group was set by hand (Alma Users API).

        Args:
            user: The user as read by `get`.
            group_code: Code of the new group.

        Returns:
            The record as Alma has it after the change.

        Raises:
            ValueError: The record is not a full one; nothing was sent.
            AlmaUnclearError: The change may or may not have happened.
            AlmaError: Alma refused the change, or can't be reached; nothing was changed.
        """
        call = Call(
            "change the group of a user",
            "PUT",
            ("users", user.primary_id),
            params=(("override", "user_group"),),
            body=encode(with_group(user, group_code)),
            effect=Effect.CHANGE,
            personal=tuple(_identifiers(user)),
        )
        return self._transport.json(call, read_user)

    def test_read(self) -> bool:
        """Tells whether the key may read users; raises AlmaError if that can't be found out."""
        return is_permitted(self._transport, "GET", ("users", "operation", "test"))

    def test_write(self) -> bool:
        """Tells whether the key may change users, without changing any; AlmaError if unknown."""
        return is_permitted(self._transport, "POST", ("users", "operation", "test"))

    def _fees(self, primary_id: str, status: str) -> FeeSummary:
        call = Call(
            "read the fees of a user",
            "GET",
            ("users", primary_id, "fees"),
            params=(("status", status),),
            personal=(primary_id,),
        )
        return self._transport.json(call, _fee_summary)


def _user_page(document: object) -> UserPage:
    record = Record(document, "list of users")
    users = tuple(read_user(item.raw) for item in record.items("user", "user record"))
    return UserPage(users, record.required_count("total_record_count"))


def _fee_summary(document: object) -> FeeSummary:
    record = Record(document, "list of fees")
    fees = record.items("fee", "fee")
    if len(fees) < record.required_count("total_record_count"):
        raise not_understood("it listed fewer fees than it said there are")
    balances = [_balance(fee) for fee in fees]
    owed = [balance for balance in balances if balance > 0]
    credit = -sum((balance for balance in balances if balance < 0), Decimal(0))
    # If Alma's own sum is higher than that of the listed fees, or lower than that of the credits, it counts.
    total = record.money("total_sum") or Decimal(0)
    return FeeSummary(
        open_balance=max(sum(owed, Decimal(0)), total),
        credit=max(credit, -total),
        largest=max(owed, default=Decimal(0)),
    )


def _balance(fee: Record) -> Decimal:
    balance = fee.money("balance")
    if balance is None:
        raise not_understood("'balance' of the fee is missing")
    return -abs(balance) if fee.code("type").upper() == _CREDIT else balance


def _identifiers(user: User) -> Iterator[str]:
    yield user.primary_id
    yield from (identifier.value for identifier in user.identifiers)
