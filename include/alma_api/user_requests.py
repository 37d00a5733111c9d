"""Understands the list of a user's requests (rest_user_request)."""

from alma_api.models import ActiveRequest
from alma_api.paging import Page
from alma_api.record import Record


def read_requests(document: object) -> Page[tuple[str, ActiveRequest]]:
    """Turns a page of a user's requests into `ActiveRequest`s with their ids.

    Args:
        document: The decoded JSON.

    Raises:
        AlmaResponseError: The page can't be understood.
    """
    record = Record(document, "list of requests")
    requests = tuple(
        (item.required("request_id"), _request(item)) for item in record.items("user_request", "request")
    )
    return Page(requests, record.required_count("total_record_count"))


def _request(record: Record) -> ActiveRequest:
    # A resource sharing request carries an element of that name (rest_user_request); its sub type says so too.
    sub_type = record.code("request_sub_type").upper()
    where = f"{record.code('request_status')} {record.code('task_name')}".upper().replace("_", " ")
    return ActiveRequest(
        resource_sharing=sub_type.startswith("RESOURCE_SHARING") or bool(record.raw.get("resource_sharing")),
        on_hold_shelf="HOLD SHELF" in where,
    )
