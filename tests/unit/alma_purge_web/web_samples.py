"""A run as its tasks leave it behind, for the review pages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
from fastapi import FastAPI
from fastapi.testclient import TestClient

from alma_purge import files
from alma_purge.history_file import write_entry
from alma_purge.operators.base import FILE_KEY
from alma_purge.run_folder import RunFolder
from alma_purge.web.actor import person_at_screen, require_answer_right
from alma_purge.web.app import review_app
from alma_purge.web.guard import require_access
from alma_purge.web.history_page import RunsReader, runs_reader
from alma_purge.web.records import RunRecords, records_reader
from patron_purge.certificate import Certificate
from patron_purge.decision import Decision, Person, Question, ask
from patron_purge.guards import GuardLevel, GuardResult
from patron_purge.history import HistoryEntry
from patron_purge.institution import RuleSettings
from patron_purge.ledger import LEDGER_COLUMNS, counts_by_reason, counts_by_state, ledger_csv
from patron_purge.list_numbers import list_numbers
from patron_purge.review import RunIdentity, build_review
from patron_purge.review_model import InputSummary, JobSummary, Parameter, Review
from patron_purge.run_outcome import Outcome
from patron_purge.states import Engine, Mode, Reason, RowState

DAG_ID = "alma_user_purge_north"
RUN_ID = "scheduled__2026-11-02T06:00:00+00:00"
WHERE = {"dag_id": DAG_ID, "run_id": RUN_ID}
DIGEST = "ab" * 32
EVIL = "<script>alert('x')</script>"
NOW = datetime.now(UTC)
SETTINGS = """\
code: north
name: North College
institution_code: 01NORTH_INST
environment: production
library_code: NOR
timezone: America/Chicago
marker_group: OKTOPURGE
alma_connection: alma_north
sftp_connection: sftp_north
report: {path: /shared/North/Report}
approvers: [olga, oscar]
exclusion_files: [{pattern: "loans*.xlsx"}]
regroup_job: {name: Update/Notify Users, payload: update_notify_users.json}
purge_job: {name: Purge users, payload: purge_users.json}
"""


def person(row: int, **cells: Any) -> dict[str, Any]:
    usual = {
        "row": row,
        "primary_id": f"id{row:06d}",
        "first_name": "Ada",
        "last_name": f"Person{row}",
        "report_group": "UG",
        "original_group": "UG",
        "expiry_date": "2023-05-31",
        "purge_date": "2024-06-30",
        "last_activity": "2022-12-01",
        "fees": "0",
        "loans": "0",
        "state": RowState.TO_PURGE.value,
        "reason": "",
        "detail": "",
        "group_restored": "",
    }
    return usual | cells


def held(row: int, reason: Reason, **cells: Any) -> dict[str, Any]:
    return person(
        row, **({"state": RowState.HELD_BACK.value, "reason": reason.value, "original_group": ""} | cells)
    )


PEOPLE = (
    person(1, first_name=EVIL, last_name="O'Neill & Sons", fees="1240.5"),
    person(2, primary_id='"><img src=x>', original_group="GRAD"),
    person(3, first_name="Zoë", last_name="Müller"),
    held(4, Reason.ACTIVE_LOANS, detail="2 loans", loans="2"),
    held(5, Reason.IN_EXCLUSION_FILE, detail=EVIL, report_group=EVIL),
    person(6, state=RowState.DUPLICATE.value),
)


def table(people: tuple[dict[str, Any], ...]) -> pd.DataFrame:
    return pd.DataFrame(list(people), columns=list(LEDGER_COLUMNS))


def review_of(ledger: pd.DataFrame, mode: Mode = Mode.FULL, level: GuardLevel = GuardLevel.OK) -> Review:
    guard = GuardResult(
        name="max_count",
        level=level,
        sentence="3 to purge; limit 500.",
        limit=Decimal(500),
        override=Decimal(800),
    )
    job = JobSummary(
        name="Purge users",
        id="M77",
        payload_sha256="cd" * 32,
        parameters=(
            Parameter(name="set_id", value="{{set_id}}"),
            Parameter(name="user_group", value="OKTOPURGE"),
            Parameter(name="notes", value=EVIL),
        ),
    )
    inputs = (
        InputSummary(
            name="report.csv", sha256="ef" * 32, data_date=NOW, age_hours=Decimal("1.2"), rows=len(ledger)
        ),
        InputSummary(
            name=f"loans {EVIL}.xlsx",
            sha256="01" * 32,
            data_date=date(2026, 11, 1),
            age_hours=Decimal("60"),
            rows=12_345,
            without_id=1,
            matched=1,
        ),
    )
    return build_review(
        RunIdentity(
            institution="north",
            institution_name="North College",
            institution_code="01NORTH_INST",
            environment="production",
            run_id=RUN_ID,
            mode=mode,
        ),
        created_at=NOW,
        digest=DIGEST,
        report_rows=len(ledger),
        by_state=counts_by_state(ledger),
        by_reason=counts_by_reason(ledger),
        numbers=list_numbers(ledger, date(2026, 11, 2)),
        group_names={"UG": "Undergraduates", "GRAD": EVIL},
        last_by_group={"UG": 12},
        inputs=inputs,
        guards=(guard,),
        marker_group="OKTOPURGE",
        jobs=(job,),
        file_sha256={},
        rules=RuleSettings(),
    )


def asked(count: int = 3, digest: str = DIGEST, when: datetime = NOW) -> Decision:
    question = Question(
        institution="north",
        institution_code="01NORTH_INST",
        environment="production",
        run_id=RUN_ID,
        try_number=1,
        digest=digest,
        count=count,
        approval_hours=72,
    )
    return ask(question, when, None)


def certificate_of(outcome: Outcome) -> Certificate:
    return Certificate(
        outcome=outcome,
        institution="north",
        institution_name="North College",
        institution_code="01NORTH_INST",
        environment="production",
        run_id=RUN_ID,
        mode=Mode.FULL,
        engine=Engine.JOB,
        created_at=NOW,
        approved=3,
        sent=3,
        purged=2,
    )


@dataclass
class SampleRun:
    """The files of one run, and what Airflow has on record about it."""

    folder: RunFolder
    states: dict[str, str] = field(default_factory=dict)
    xcoms: dict[tuple[str, str], str] = field(default_factory=dict)
    others: "dict[str, SampleRun]" = field(default_factory=dict)

    def write(self, task_id: str, name: str, content: bytes) -> None:
        self.xcoms[task_id, FILE_KEY + name] = self.folder.write(name, content).sha256
        self.states.setdefault(task_id, "success")

    def reviewed(self, people: tuple[dict[str, Any], ...] = PEOPLE, **review: Any) -> "SampleRun":
        return self.reviewed_ledger(table(people), **review)

    def reviewed_ledger(self, ledger: pd.DataFrame, **review: Any) -> "SampleRun":
        self.write("prepare_review", files.LEDGER_REVIEWED, ledger_csv(ledger))
        self.write("prepare_review", files.REVIEW, review_of(ledger, **review).model_dump_json().encode())
        return self

    def after(self, run_id: str, finished_at: datetime, **numbers: int) -> "SampleRun":
        """Put another run into the history, and return it to be given files."""
        counts = {"to_purge": 4, "purged": 4, "report_rows": 9} | numbers
        entry = HistoryEntry(run_id=run_id, finished_at=finished_at, mode=Mode.FULL, **counts)
        write_entry("north", entry)
        self.others[run_id] = SampleRun(RunFolder.of_run("north", run_id))
        return self.others[run_id]

    def decided(self, decision: Decision, state: str) -> "SampleRun":
        self.write("approve_purge", files.DECISION, decision.model_dump_json().encode())
        self.states["approve_purge"] = state
        return self

    def records(self, dag_id: str, run_id: str) -> RunRecords | None:
        if dag_id != DAG_ID or run_id not in {RUN_ID, *self.others}:
            return None
        return self.others[run_id].own_records() if run_id in self.others else self.own_records()

    def own_records(self) -> RunRecords:
        return RunRecords(
            task_states=self.states,
            checksums={
                (task, key.removeprefix(FILE_KEY)): value
                for (task, key), value in self.xcoms.items()
                if key.startswith(FILE_KEY)
            },
            sentences={
                place: value for place, value in self.xcoms.items() if not place[1].startswith(FILE_KEY)
            },
        )

    def app(self, user: str = "vera") -> FastAPI:
        """Return the app with an open door and this run behind it."""
        app = review_app()
        app.dependency_overrides[person_at_screen] = lambda: Person(id=user, name=user.capitalize())
        app.dependency_overrides[require_answer_right] = lambda: None
        reader: Callable[[str, str], RunRecords | None] = self.records
        app.dependency_overrides[require_access] = lambda: None
        app.dependency_overrides[records_reader] = lambda: reader
        known: RunsReader = lambda dag_id: frozenset({RUN_ID, *self.others})  # noqa: E731
        app.dependency_overrides[runs_reader] = lambda: known
        return app

    def client(self, user: str = "vera") -> TestClient:
        return TestClient(self.app(user), raise_server_exceptions=True, follow_redirects=False)


def set_up(tmp_path: Path, setenv: Callable[[str, str], None]) -> SampleRun:
    (tmp_path / "institutions").mkdir()
    (tmp_path / "institutions" / "north.yaml").write_text(SETTINGS, encoding="utf-8")
    setenv("ALMA_PURGE_CONFIG", str(tmp_path))
    setenv("ALMA_PURGE_STORE", f"file://{tmp_path / 'store'}")
    return SampleRun(RunFolder.of_run("north", RUN_ID))


def tomorrow() -> datetime:
    return NOW + timedelta(days=1)
