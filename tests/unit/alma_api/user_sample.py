"""A full user record, invented."""

from typing import Any


def user_record(**changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "record_type": {"value": "PUBLIC", "desc": "Public"},
        "primary_id": "9900112233",
        "first_name": "Pat",
        "last_name": "Sample",
        "user_group": {"value": "10", "desc": "Undergraduate"},
        "expiry_date": "2024-12-31Z",
        "purge_date": "2025-10-31Z",
        "account_type": {"value": "EXTERNAL", "desc": "External"},
        "status": {"value": "INACTIVE", "desc": "Inactive"},
        "last_patron_activity_date": "2024-05-02Z",
        "loans": {"value": 1, "link": "https://example.org/loans"},
        "requests": {"value": 0, "link": "https://example.org/requests"},
        "fees": {"value": 12.5, "link": "https://example.org/fees"},
        "contact_info": {"address": [], "email": [{"preferred": True, "email_address": "pat@example.edu"}]},
        "user_identifier": [
            {
                "value": "21234000123456",
                "id_type": {"value": "BARCODE", "desc": "Barcode"},
                "status": "ACTIVE",
            }
        ],
        "user_role": [
            {"status": {"value": "ACTIVE"}, "role_type": {"value": "200", "desc": "Patron"}},
            {"status": {"value": "INACTIVE"}, "role_type": {"value": "26"}},
        ],
        "user_block": [
            {
                "block_type": {"value": "GENERAL"},
                "block_description": {"value": "02-GLOBAL"},
                "block_status": "ACTIVE",
            },
            {"block_description": {"value": "03-OLD"}, "block_status": "INACTIVE"},
        ],
        "user_note": [{"note_text": "keep until spring"}],
        "proxy_for_user": [{"primary_id": "other"}],
        "a_field_of_a_later_release": {"kept": [1, None, "é", True]},
    }
    return record | changes
