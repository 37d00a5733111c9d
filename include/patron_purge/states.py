"""Where each row of the report stands, and why a person is held back."""

from enum import StrEnum


class RowState(StrEnum):
    """The state of one report row; every run ends with each row in exactly one final state."""

    CANDIDATE = "candidate"
    TO_PURGE = "to_purge"
    PURGED = "purged"
    KEPT_BY_ALMA = "kept_by_alma"
    HELD_BACK = "held_back"
    DROPPED_LIVE = "dropped_live"
    TAKEN_OFF = "taken_off"
    DROPPED_LATE = "dropped_late"
    NOT_IN_PILOT = "not_in_pilot"
    NOT_APPROVED = "not_approved"
    NOT_SENT = "not_sent"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Tell whether a certificate may show this state."""
        return self not in {RowState.CANDIDATE, RowState.TO_PURGE}

    @property
    def label(self) -> str:
        """Return the words shown to a person."""
        return _STATE_LABELS[self]


_STATE_LABELS = {
    RowState.CANDIDATE: "candidate, not yet checked in Alma",
    RowState.TO_PURGE: "to purge",
    RowState.PURGED: "purged",
    RowState.KEPT_BY_ALMA: "kept by Alma",
    RowState.HELD_BACK: "held back by a rule",
    RowState.DROPPED_LIVE: "held back by the live check",
    RowState.TAKEN_OFF: "taken off by the reviewer",
    RowState.DROPPED_LATE: "taken off by the last check",
    RowState.NOT_IN_PILOT: "outside the pilot",
    RowState.NOT_APPROVED: "not approved",
    RowState.NOT_SENT: "approved, but the purge was not started",
    RowState.DUPLICATE: "repeated in the report",
    RowState.UNKNOWN: "unknown",
}


class Reason(StrEnum):
    """Why a person is held back: one code for each rule, in the order in which the rules are applied."""

    NO_IDENTIFIER = "no_identifier"
    OTHER_PRIMARY_ID = "other_primary_id"
    DUPLICATE_ROW = "duplicate_row"
    IN_EXCLUSION_FILE = "in_exclusion_file"
    NAME_IN_EXCLUSION_FILE = "name_in_exclusion_file"
    PROTECT_LIST = "protect_list"
    PROTECTED_GROUP = "protected_group"
    LINKED_COPY = "linked_copy"
    IN_MARKER_GROUP = "in_marker_group"
    RECORD_TYPE = "record_type"
    EXPIRY_DATE = "expiry_date"
    PURGE_DATE = "purge_date"
    STAFF_ROLE = "staff_role"
    INSTRUCTOR = "instructor"
    ACTIVE_LOANS = "active_loans"
    ACTIVE_REQUESTS = "active_requests"
    OPEN_FEES = "open_fees"
    CREDIT_BALANCE = "credit_balance"
    BLOCKED = "blocked"
    NOTE_TEXT = "note_text"
    PROXY = "proxy"
    RECENT_ACTIVITY = "recent_activity"
    NOT_CHECKED = "not_checked"
    NOT_FOUND = "not_found"
    GROUP_CHANGED = "group_changed"
    NOT_IN_SET = "not_in_set"
    TAKEN_OFF = "taken_off"

    @property
    def label(self) -> str:
        """Return the words shown to a person."""
        return _REASON_LABELS[self]


_REASON_LABELS = {
    Reason.NO_IDENTIFIER: "the report row has no primary id",
    Reason.OTHER_PRIMARY_ID: "Alma answered with another primary id",
    Reason.DUPLICATE_ROW: "the report lists this person more than once",
    Reason.IN_EXCLUSION_FILE: "listed in an exclusion file",
    Reason.NAME_IN_EXCLUSION_FILE: "same name as an exclusion row without a primary id",
    Reason.PROTECT_LIST: "on the protect list",
    Reason.PROTECTED_GROUP: "in a protected user group",
    Reason.LINKED_COPY: "linked copy of another institution's patron",
    Reason.IN_MARKER_GROUP: "already in the purge group",
    Reason.RECORD_TYPE: "record type is not purged",
    Reason.EXPIRY_DATE: "expiry date is today, later or missing",
    Reason.PURGE_DATE: "purge date is missing or too recent",
    Reason.STAFF_ROLE: "has a staff role",
    Reason.INSTRUCTOR: "has the Instructor role",
    Reason.ACTIVE_LOANS: "has active loans",
    Reason.ACTIVE_REQUESTS: "has active requests",
    Reason.OPEN_FEES: "owes more than the waive threshold",
    Reason.CREDIT_BALANCE: "the library owes this person money",
    Reason.BLOCKED: "has a block",
    Reason.NOTE_TEXT: "has a note that asks to keep the record",
    Reason.PROXY: "is a proxy for somebody",
    Reason.RECENT_ACTIVITY: "was active recently",
    Reason.NOT_CHECKED: "could not be checked in Alma",
    Reason.NOT_FOUND: "no longer exists in Alma",
    Reason.GROUP_CHANGED: "user group changed after the approval",
    Reason.NOT_IN_SET: "Alma did not accept this person into the set",
    Reason.TAKEN_OFF: "taken off by the reviewer",
}


class GroupRestored(StrEnum):
    """What became of the original user group of a person who was moved to the marker group."""

    NOT_NEEDED = "not_needed"
    RESTORED = "restored"
    ALREADY_MOVED = "already_moved"
    FAILED = "failed"


class Mode(StrEnum):
    """How far a run may go."""

    REPORT_ONLY = "report_only"
    PILOT = "pilot"
    FULL = "full"

    @property
    def label(self) -> str:
        """Return the words shown to a person."""
        return {Mode.FULL: "Full", Mode.PILOT: "Pilot", Mode.REPORT_ONLY: "Report only"}[self]


class Engine(StrEnum):
    """How the purge itself is started.

    `job` starts Alma's set-based *Purge users* job by API; with `manual` a person runs *Purge User Records* in
    Alma, which no API can start.
    """

    JOB = "job"
    MANUAL = "manual"


class DeleteUserPolicy(StrEnum):
    """What Alma leaves of a deleted user (Alma documentation, "Configuring User Deletion")."""

    KEEP_REPORTABLE = "Keep fully reportable"
    KEEP_STATISTICS = "Keep statistics"
    KEEP_STATISTICS_WITHOUT_ID = "Keep statistics and remove primary ID"
    REMOVE = "Fully remove"
