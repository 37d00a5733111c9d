"""After a whole purge on a real Airflow: what its components have written to disk holds no secret and nobody."""

from pathlib import Path

import pytest
from tests.support import leaks
from tests.support.browser_site import DAG_ID, BrowserSite
from tests.support.mailbox import words_about_people
from tests.support.world import gone

# Made for the sandbox alone and shown on the screen of a rehearsal, so it is in a file of its own there.
LOGIN_FILE = "passwords.json"
AIRFLOW_SECRETS = ("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET")


@pytest.fixture
def purged(site: BrowserSite, waiting_run: str) -> str:
    before = site.world.people()
    review = site.review(waiting_run)
    form = {"count": review["count"], "code": review["code"], "comment": "", "policy": None}
    site.client.answer(DAG_ID, waiting_run, "approve_purge", "Approve", form | {"disposal_authority": None})
    assert site.wait_until_ended(waiting_run) == "success"
    assert gone(before, site.world.people())
    return waiting_run


def test_no_file_holds_a_secret_and_no_log_names_anybody(site: BrowserSite, purged: str) -> None:
    written = {
        name: content
        for name, content in leaks.stored_files(site.folder).items()
        if Path(name).name != LOGIN_FILE
    }
    logs = {name: content for name, content in written.items() if name.endswith(".log")}
    assert [name for name in logs if purged in name and "task_id=certify" in name]
    assert [name for name in logs if "api-server" in name]
    secrets = {
        "API key": site.sandbox.key,
        "password of the SFTP server": site.sandbox.sftp_password,
    } | {name: site.environment[name] for name in AIRFLOW_SECRETS}
    leaks.assert_no_secret(written, secrets)
    leaks.assert_nobody(logs, words_about_people(site.sandbox))
