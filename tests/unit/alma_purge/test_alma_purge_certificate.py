"""The certificate of whole runs: what it says, what it keeps when tasks are cleared, and that it names nobody."""

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.chain import ACCOUNTING, Chain
from tests.support.config import own_config
from tests.support.tenant import advance, arm, job_starts, switch

from alma_purge import files
from alma_purge.history_file import HISTORY, read_history
from alma_purge.operators.regroup_users import RegroupUsersOperator
from alma_purge.places import store_root
from alma_purge.run_folder import RunFolder
from alma_purge.steps import job_start
from alma_purge.steps.job_book import read_job_record
from alma_purge.steps.verification import read_certificate, verify
from alma_purge.steps.verified_files import Verdict
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.people import Person
from patron_purge import looked
from patron_purge.answers import Choice
from patron_purge.decision import Person as Staff
from patron_purge.looked import Looked
from patron_purge.run_outcome import Outcome

pytestmark = [pytest.mark.usefixtures("airflow_database"), pytest.mark.usefixtures("full_speed")]

GUARDS = {"max_percent_of_report": 100, "max_count_without_history": 500}
SHORTEST_TELLING_ID = 5


@pytest.fixture
def chain(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chain:
    """A run whose list is approved."""
    del sandbox
    own_config(monkeypatch, tmp_path / "config", guards=GUARDS, poll_seconds=0.05)
    made = Chain()
    made.to_review()
    made.approve()
    return made


def history_of(chain: Chain) -> bytes:
    return RunFolder(store_root() / chain.open().institution.code).read(HISTORY)


def telling(person: Person) -> set[str]:
    """Return every text by which a person could be recognised."""
    ids = {person.primary_id, *(str(one["value"]) for one in person.identifiers)}
    mails = set(re.findall(r"[\w.+-]+@[\w.-]+", str(person.details)))
    return {text for text in ids if len(text) >= SHORTEST_TELLING_ID} | mails


def full_names(person: Person) -> set[str]:
    return {f"{person.first_name} {person.last_name}", f"{person.last_name}, {person.first_name}"}


def test_the_certificate_names_nobody_of_the_whole_tenant(sandbox: RunningSandbox, chain: Chain) -> None:
    with sandbox.tenant.lock:
        people = list(sandbox.tenant.users)
    secret = {text for person in people for text in telling(person) | full_names(person)}
    surnames = {person.last_name for person in people}
    chain.purged()
    chain.account()
    folder = chain.open().folder
    written = (folder.read(name).decode() for name in (files.CERTIFICATE_PAGE, files.CERTIFICATE))
    page, data = (text.replace(chain.open().institution.name, "") for text in written)
    assert len(people) > 100
    assert len(secret) > 500
    assert any("@" in text for text in secret)
    for text in (page, html.unescape(page), data, history_of(chain).decode()):
        assert [one for one in secret if one in text] == []
        assert [one for one in surnames if re.search(rf"\b{re.escape(one)}\b", text)] == []


def test_the_settings_are_those_that_were_approved(chain: Chain, tmp_path: Path) -> None:
    chain.purged()
    settings = tmp_path / "config" / "institutions" / "demo.yaml"
    settings.write_text(settings.read_text() + "\n# rules:\n", encoding="utf-8")
    text = settings.read_text().replace("max_percent_of_report: 100", "max_percent_of_report: 99")
    settings.write_text(text, encoding="utf-8")
    chain.account()
    criteria = {one["name"]: one["value"] for one in chain.document(files.CERTIFICATE)["criteria"]}
    assert criteria["guards.max_percent_of_report"] == "100"


@pytest.mark.parametrize(
    ("cleared", "remarks"), [("prepare_review", 1), ("pull_report", 1), ("fetch_exclusions", 0)]
)
def test_clearing_an_early_task_after_the_regroup_loses_nothing(
    chain: Chain, cleared: str, remarks: int
) -> None:
    chain.purged()
    chain.account("reconcile", "restore_kept")
    before = chain.review()
    chain.stop(cleared)
    chain.stop("certify")
    certificate = read_certificate(chain.open().folder)
    assert certificate.inputs == before.inputs
    assert certificate.guards == before.guards
    assert certificate.digest == before.digest
    assert certificate.equation is not None
    assert certificate.decision is not None
    said = f"{cleared} was cleared after people had been moved"
    assert [one.startswith(said) for one in certificate.remarks] == [True] * remarks
    assert (said in chain.open().folder.read(files.CERTIFICATE_PAGE).decode()) == bool(remarks)
    assert history_of(chain)
    found = list(verify(chain.open().folder, certificate))
    assert [one.text for one in found if one.verdict is Verdict.DIFFERS] == []


def test_a_certificate_that_is_written_again_leaves_the_history_as_it_is(chain: Chain) -> None:
    chain.purged()
    chain.account()
    first = history_of(chain)
    chain.account("certify")
    assert history_of(chain) == first
    chain.account(*ACCOUNTING)
    assert history_of(chain) == first
    assert first.count(b"\n") == 1


def test_a_changed_workbook_is_a_problem_on_the_certificate(chain: Chain) -> None:
    chain.purged()
    chain.account("reconcile", "restore_kept")
    folder = chain.open().folder
    folder.write(files.WORKBOOK, folder.read(files.WORKBOOK) + b" ")
    chain.account("certify")
    certificate = read_certificate(folder)
    assert certificate.problems == (
        "review.xlsx in the run folder is not the file that prepare_review wrote. Find out who changed it.",
    )
    assert [one.name for one in certificate.files if one.recorded is False] == [files.WORKBOOK]


def test_the_period_is_told_by_preflight_report_and_list(chain: Chain) -> None:
    chain.purged()
    chain.account()
    period = read_certificate(chain.open().folder).period
    assert period.began_at is not None
    assert period.report_of is not None
    assert period.began_at <= period.report_of
    assert period.purge_dates_from is not None
    assert period.purge_dates_to is not None
    assert period.purge_dates_from <= period.purge_dates_to


def test_every_file_of_the_run_stands_on_the_certificate(chain: Chain) -> None:
    chain.purged()
    chain.account()
    folder = chain.open().folder
    certificate = read_certificate(folder)
    there = {path.name for path in Path(folder.path.path).iterdir() if path.is_file()}
    assert {one.name for one in certificate.files} == there - {files.CERTIFICATE, files.CERTIFICATE_PAGE}
    assert {one.name for one in certificate.files if one.used} >= {
        files.REVIEW,
        files.DECISION,
        files.LEDGER_RESTORED,
        files.PURGE_RECORD,
    }


def differences(chain: Chain) -> list[str]:
    """Return what `verify` says against the certificate."""
    folder = chain.open().folder
    found = verify(folder, read_certificate(folder))
    return [one.text for one in found if one.verdict is Verdict.DIFFERS]


def test_an_approved_list_that_nobody_has_purged_is_not_called_empty(chain: Chain) -> None:
    chain.moved()
    chain.account()
    certificate = read_certificate(chain.open().folder)
    assert certificate.outcome is Outcome.NOT_SENT
    assert (certificate.sent, certificate.purged, certificate.problems) == (0, 0, ())
    assert certificate.restored is not None
    assert sum(one.count for one in certificate.restored) == certificate.approved > 0
    assert differences(chain) == []


def test_a_list_from_which_the_last_check_took_everybody_is_called_empty(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    with sandbox.tenant.lock:
        listed = [one for one in sandbox.tenant.users if one.primary_id in set(chain.approved())]
        for one in listed:
            one.user_group = "20" if one.user_group != "20" else "30"
    RegroupUsersOperator(task_id="regroup_users").execute(chain.context("regroup_users"))
    chain.account()
    certificate = read_certificate(chain.open().folder)
    assert certificate.outcome is Outcome.NOBODY_TO_PURGE
    assert certificate.approved > 0
    assert certificate.headline.startswith("The last check took everybody off")
    assert job_starts(sandbox) == []
    assert differences(chain) == []


def test_what_nobody_has_accounted_for_is_not_counted_as_nobody(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    chain.purged()
    arm(sandbox, "503_general_error", method="GET", path="/conf/general", times=0)
    for task_id in ("reconcile", "restore_kept", "certify"):
        chain.stop(task_id)
    certificate = chain.document(files.CERTIFICATE)
    assert certificate["outcome"] == "failed"
    assert certificate["sent"] == len(chain.approved()) > 0
    for name in ("equation", "by_reason", "kept_by_alma", "money_waived", "restored"):
        assert certificate[name] is None, name
    assert certificate["instances"][1]["counters"]
    assert certificate["instances"][1]["checks"] == []
    page = chain.open().folder.read(files.CERTIFICATE_PAGE).decode()
    assert page.count("Not known: reconcile has not accounted for anybody yet.") == 3
    assert "Not known: restore_kept has not said yet" in page
    for false in ("ended before", "Nobody was held back", "Alma kept nobody", "Nobody had to be put back"):
        assert false not in page
    assert differences(chain) == []


@pytest.mark.parametrize("somebody_looked", [True, False])
def test_nobody_is_said_to_have_been_sent_by_a_job_that_never_started(
    sandbox: RunningSandbox, chain: Chain, monkeypatch: pytest.MonkeyPatch, somebody_looked: bool
) -> None:
    chain.moved()
    arm(sandbox, "reset_before", method="POST", path="/conf/jobs/M20261")
    chain.start("purge_users")
    chain.states["purge_users"] = "failed"
    record = read_job_record(chain.open().folder, files.PURGE_RECORD)
    if somebody_looked:
        monkeypatch.setattr(looked, "LOOK_AFTER", timedelta(0))
        by = Staff(id="olga", name="Olga")
        entry = Looked(job_name=record.job_name, attempt=record.attempt, by=by, at=datetime.now(UTC))
        chain.open().folder.append(files.LOOKED_ENTRY, entry.to_bytes())
    else:
        monkeypatch.setattr(job_start, "UNLISTED_IS_OVER", timedelta(0))
    for task_id in ("reconcile", "restore_kept", "certify"):
        assert "failed; look there for what to do" in chain.stop(task_id)
    certificate = read_certificate(chain.open().folder)
    assert (certificate.sent, certificate.purged, certificate.kept_by_alma) == (0, 0, ())
    assert certificate.equation is not None
    assert {part.code: part.count for part in certificate.equation.parts}["not_sent"] == certificate.approved
    assert "Nobody was sent to the purge job." in certificate.headline
    assert certificate.restored is not None
    assert len(job_starts(sandbox)) == 1
    assert differences(chain) == []


def test_somebody_who_is_gone_all_the_same_was_not_kept_from_the_job_by_a_persons_word(
    sandbox: RunningSandbox, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch(sandbox, job_name_echoed=False)
    monkeypatch.setattr(looked, "LOOK_AFTER", timedelta(0))
    chain.moved()
    arm(sandbox, "reset_after", method="POST", path="/conf/jobs/M20261")
    chain.stop("purge_users")
    advance(sandbox, 3600)
    record = read_job_record(chain.open().folder, files.PURGE_RECORD)
    by = Staff(id="olga", name="Olga")
    entry = Looked(job_name=record.job_name, attempt=record.attempt, by=by, at=datetime.now(UTC))
    chain.open().folder.append(files.LOOKED_ENTRY, entry.to_bytes())
    for task_id in ("reconcile", "restore_kept", "certify"):
        chain.stop(task_id)
    certificate = read_certificate(chain.open().folder)
    assert certificate.sent == certificate.approved
    assert 0 < certificate.purged < certificate.sent
    assert certificate.outcome is Outcome.PARTLY
    assert differences(chain) == []


def test_the_history_counts_the_list_that_was_decided_about(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del sandbox
    own_config(monkeypatch, tmp_path / "config", guards=GUARDS, poll_seconds=0.05)
    for run_id, choice in (("manual__no", Choice.REJECT), ("manual__yes", Choice.APPROVE)):
        chain = Chain(run_id)
        prepared = chain.to_review()
        chain.take_off(*chain.approved()[:3])
        chain.approve(choice)
        if choice is Choice.APPROVE:
            chain.purged()
        chain.account()
        certificate = read_certificate(chain.open().folder)
        (entry,) = [one for one in read_history("demo") if one.run_id == run_id]
        assert entry.to_purge == prepared.count - 3
        assert sum(entry.by_group.values()) == prepared.count - 3
        assert entry.by_group == {row.code: row.count for row in certificate.by_group if row.count}
        assert entry.report_rows == prepared.equation.total
        assert differences(chain) == []
