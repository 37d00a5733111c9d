"""User groups and the other code tables of the tenant."""

from __future__ import annotations

from dataclasses import dataclass

MARKER_GROUP = "OKTOPURGE"
ISHARE_GROUP = "I-Share"

JOB_STATUSES = {
    "QUEUED": "Queued",
    "PENDING": "Pending",
    "INITIALIZING": "Initializing",
    "RUNNING": "Running",
    "FINALIZING": "Finalizing",
    "COMPLETED_SUCCESS": "Completed Successfully",
    "COMPLETED_WARNING": "Completed with Warnings",
    "COMPLETED_NO_BULKS": "Completed - No Records",
    "COMPLETED_FAILED": "Completed with Errors",
    "FAILED": "Failed",
    "SKIPPED": "Skipped",
    "SYSTEM_ABORTED": "Aborted by System",
    "USER_ABORTED": "Aborted by User",
    "MANUAL_HANDLING_REQUIRED": "Manual Handling Required",
}

IDENTIFIER_TYPES = {"BARCODE": "Barcode", "UNIV_ID": "University ID", "OTHER_ID_1": "Former Primary ID"}
PHONE_TYPES = {"home": "Home", "mobile": "Mobile", "office": "Office"}


@dataclass(frozen=True, slots=True)
class Group:
    """One row of the UserGroups code table."""

    code: str
    description: str
    enabled: bool = True


USER_GROUPS = (
    Group("10", "Undergraduate"),
    Group("11", "Graduate"),
    Group("20", "Faculty"),
    Group("30", "Staff"),
    Group("40", "Alumni 10 Year Card"),
    Group("COURTESY", "Courtesy Borrower"),
    Group("DEPT", "Department Account"),
    Group("REVIEW", "Review before OKTOPURGE"),
    Group("OLD", "Retired Group", enabled=False),
    Group(MARKER_GROUP, "OK to Purge"),
    Group(ISHARE_GROUP, "I-Share"),
)
