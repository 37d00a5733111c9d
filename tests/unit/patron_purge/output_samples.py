"""Sample people, settings and documents for the tests of the rules and of what a run writes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd

from patron_purge.decision import Decision, Person, Question, ask
from patron_purge.digest import DigestSubject
from patron_purge.guards import ExclusionFileFacts, ExclusionIdFacts, GuardFacts
from patron_purge.institution import GuardSettings, RuleSettings
from patron_purge.patron import Finding, Patron
from patron_purge.payloads import FrozenPayload, check_purge_payload, check_regroup_payload
from patron_purge.rules import RuleContext
from patron_purge.states import Engine, Mode, Reason

TODAY = date(2026, 9, 2)
NOW = datetime(2026, 9, 2, 12, 0, tzinfo=UTC)
MARKER = "OKTOPURGE"

CLEAR = Patron(
    primary_id="jdoe1",
    asked_id="jdoe1",
    first_name="Jane",
    last_name="Doe",
    user_group="UG",
    record_type="PUBLIC",
    expiry_date=date(2025, 5, 31),
    purge_date=date(2026, 5, 31),
    last_activity=date(2024, 1, 1),
    loans=0,
    requests=0,
    open_fees=Decimal(0),
    credit=Decimal(0),
    active_roles=("200",),
    identifiers=("21234000012345",),
    linked_copy=False,
    blocks=(),
    notes=(),
    proxy_for=0,
)


@dataclass(frozen=True)
class ListedIds:
    """An exclusion index that knows ids and full names."""

    ids: frozenset[str] = frozenset()
    names: frozenset[tuple[str, str]] = frozenset()

    def match(self, identifiers: tuple[str, ...], first_name: str, last_name: str) -> Finding | None:
        if self.ids & set(identifiers):
            return Finding(Reason.IN_EXCLUSION_FILE, "loans.xlsx")
        if (first_name, last_name) in self.names:
            return Finding(Reason.NAME_IN_EXCLUSION_FILE, "loans.xlsx")
        return None


@dataclass(frozen=True)
class Protected:
    """A protect list of ids, groups and notes."""

    ids: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    notes: frozenset[str] = frozenset()

    def match(
        self, identifiers: tuple[str, ...], groups: tuple[str, ...], notes: tuple[str, ...]
    ) -> Finding | None:
        hit = self.ids & set(identifiers) or self.groups & set(groups) or self.notes & set(notes)
        return Finding(Reason.PROTECT_LIST, "id") if hit else None


def context(
    rules: RuleSettings | None = None,
    excluded: ListedIds | None = None,
    protected: Protected | None = None,
    group_names: Mapping[str, str] | None = None,
) -> RuleContext:
    return RuleContext(
        today=TODAY,
        rules=rules or RuleSettings(),
        marker_group=MARKER,
        excluded=excluded or ListedIds(),
        protected=protected or Protected(),
        group_names=group_names or {},
    )


REGROUP_PARAMETERS: tuple[tuple[str, str], ...] = (
    ("UPDATE_User_Information_UserGroup_Active", "true"),
    ("UPDATE_User_Information_UserGroup_Value", MARKER),
    ("UPDATE_User_Information_UserGroup_Condition", "Null"),
    ("UPDATE_User_Information_Status_Active", "false"),
    ("UPDATE_User_Information_Status_Value", "INACTIVE"),
    ("UPDATE_User_Information_Status_Condition", "Null"),
    ("SEND_Notification_To_User_Active", "false"),
    ("SEND_Notification_To_User_Value", "SOCIAL_LOGIN_INVITAION"),
    ("set_id", "{{set_id}}"),
    ("job_name", "{{job_name}}"),
)
PURGE_PARAMETERS: tuple[tuple[str, str], ...] = (
    ("user_group", MARKER),
    ("waive_threshold", "0"),
    ("days_after_purge_date", "1"),
    ("user_record_type", "PUBLIC"),
    ("set_id", "{{set_id}}"),
    ("job_name", "{{job_name}}"),
)


def payload(parameters: tuple[tuple[str, str], ...]) -> bytes:
    content = {"parameter": [{"name": {"value": name}, "value": value} for name, value in parameters]}
    return json.dumps(content, indent=2).encode()


def changed(parameters: tuple[tuple[str, str], ...], name: str, value: str | None) -> bytes:
    """Give one parameter another value, add it, or leave it out."""
    others = tuple(each for each in parameters if each[0] != name)
    return payload(others if value is None else (*others, (name, value)))


def regroup_payload() -> FrozenPayload:
    return check_regroup_payload(payload(REGROUP_PARAMETERS), MARKER)


def purge_payload() -> FrozenPayload:
    return check_purge_payload(payload(PURGE_PARAMETERS), MARKER, RuleSettings())


def subject() -> DigestSubject:
    return DigestSubject(
        institution="demo",
        institution_code="01DEMO_XYZ",
        environment="sandbox",
        run_id="scheduled__2026-09-02T11:00:00+00:00",
        engine=Engine.JOB,
        mode=Mode.FULL,
        marker_group=MARKER,
        regroup_job_id="M148",
        purge_job_id="M999",
        regroup_payload=regroup_payload(),
        purge_payload=purge_payload(),
        rules=RuleSettings(),
        guards=GuardSettings(),
        overrides={"max_count": Decimal(600), "no_history": Decimal(30)},
        primary_ids=("jdoe1", "asmith", "7"),
        snapshot_sha256="a" * 64,
        input_sha256={"report.csv": "b" * 64, "loans.xlsx": "c" * 64},
    )


USUAL = GuardFacts(
    mode=Mode.FULL,
    to_purge=210,
    report_rows=1240,
    median_to_purge=Decimal(200),
    runs_in_median=6,
    exclusion_files=(ExclusionFileFacts("loans*.xlsx", 300, Decimal(13), 36),),
    previous_exclusion_rows={"loans*.xlsx": 310},
    exclusion_ids=(ExclusionIdFacts("loans.xlsx", 300, frozenset({"A9"}), 12),),
    report_shapes=frozenset({"A9", "9x9"}),
    waived_money=Decimal(0),
    remaining_calls=100_000,
    days_after_purge_date=1,
)


def question(try_number: int = 1, digest: str = "d" * 64, not_after: datetime | None = None) -> Question:
    return Question(
        institution="demo",
        institution_code="01DEMO_XYZ",
        environment="sandbox",
        run_id="r1",
        try_number=try_number,
        digest=digest,
        count=210,
        approval_hours=72,
        not_after=not_after,
    )


def asked() -> Decision:
    return ask(question(), NOW, None)


OLGA = Person(id="olga", name="Olga Operator")


def ledger_row(**columns: str) -> dict[str, str]:
    row = {
        "row": "1",
        "primary_id": "jdoe1",
        "first_name": "Jane",
        "last_name": "Doe",
        "report_group": "Undergraduate",
        "original_group": "UG",
        "expiry_date": "2025-05-31",
        "purge_date": "2026-05-31",
        "last_activity": "",
        "fees": "0",
        "loans": "0",
        "state": "to_purge",
        "reason": "",
        "detail": "",
        "group_restored": "",
    }
    return row | columns


def ledger(*rows: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(ledger_row()), dtype="str")
