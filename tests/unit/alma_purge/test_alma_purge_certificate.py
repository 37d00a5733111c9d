"""The certificate of whole runs: what it says, what it keeps when tasks are cleared, and that it names nobody."""

import html
import re
from pathlib import Path

import pytest
from tests.support.chain import ACCOUNTING, Chain
from tests.support.config import own_config

from alma_purge import files
from alma_purge.history_file import HISTORY
from alma_purge.places import store_root
from alma_purge.run_folder import RunFolder
from alma_purge.steps.verification import Verdict, read_certificate, verify
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.people import Person

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
