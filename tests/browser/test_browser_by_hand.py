"""What a person does in the browser where Alma needs one: purge by hand, look for a job, keep the house."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Page, expect
from tests.support.browser_site import DAG_ID, REVIEW, BrowserSite
from tests.support.tenant import MARKER, arm
from tests.support.world import gone

from alma_purge.places import HOUSEKEEPING_DAG, dag_id_of
from alma_purge.sensors.purge_by_hand_form import ENDED
from alma_purge.sensors.ready import READY

BY_HAND = dag_id_of("byhand")
LogIn = Callable[..., Page]
Picture = Callable[..., Path]
Question = dict[str, Any]


def open_form(page: Page, site: BrowserSite, dag_id: str, run_id: str, task_id: str) -> None:
    page.goto(f"{site.url}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/required_actions")
    page.get_by_text("Only olga may answer").first.wait_for()


def approve(page: Page, site: BrowserSite, dag_id: str, run_id: str) -> None:
    review = site.client.review(REVIEW, dag_id, run_id)
    open_form(page, site, dag_id, run_id, "approve_purge")
    page.locator("[name=element_count]").fill(str(review["count"]))
    page.locator("[name=element_code]").fill(review["code"])
    page.get_by_role("button", name="Approve").click()


def test_a_person_purges_in_alma_and_types_the_counts(
    site: BrowserSite, log_in: LogIn, picture: Picture
) -> None:
    run_id = "browser__by_hand"
    site.reset()
    before = site.world.people()
    site.client.trigger(BY_HAND, run_id)
    site.wait_for(run_id, "approve_purge", "awaiting_input", dag_id=BY_HAND)
    page = log_in()
    approve(page, site, BY_HAND, run_id)
    site.wait_for(run_id, "ready_to_purge", "awaiting_input", dag_id=BY_HAND)
    open_form(page, site, BY_HAND, run_id, "ready_to_purge")
    picture(page, "ready-to-purge-desktop")
    page.get_by_role("button", name=READY).click()

    site.wait_for(run_id, "purge_users", "awaiting_input", dag_id=BY_HAND)
    open_form(page, site, BY_HAND, run_id, "purge_users")
    expect(page.get_by_text("Run the purge before").first).to_be_visible()
    expect(page.get_by_text(MARKER).first).to_be_visible()
    picture(page, "purge-by-hand-desktop")
    criteria = {"days": 1, "record_type": "PUBLIC", "group": MARKER, "waive": 0}
    done = requests.post(f"{site.sandbox.control_url}/legacy-purge", json=criteria, timeout=30)
    counts = done.json()
    page.locator("[name=element_purged]").fill(str(counts["label.users.purged"]))
    page.locator("[name=element_kept]").fill(str(counts["label.users.not.purged"]))
    page.get_by_role("button", name=ENDED).click()

    assert site.wait_until_ended(run_id, BY_HAND) == "success"
    assert len(gone(before, site.world.people())) == counts["label.users.purged"] > 0
    assert site.world.in_group(MARKER) == set()
    page.goto(f"{site.url}/alma-purge/certificate?dag_id={BY_HAND}&run_id={run_id}")
    expect(page.get_by_text("Purge User Records").first).to_be_visible()


def test_an_approver_looks_for_a_job_and_says_that_it_is_not_there(
    site: BrowserSite, waiting_run: str, log_in: LogIn, picture: Picture
) -> None:
    before = site.world.people()
    arm(site.sandbox, "reset_before", method="POST", path=r"/conf/jobs/M148\?op=run")
    page = log_in()
    approve(page, site, DAG_ID, waiting_run)
    site.wait_for(waiting_run, "regroup_users", "failed")
    site.wait_until_ended(waiting_run)

    page.goto(f"{site.url}/alma-purge/review?dag_id={DAG_ID}&run_id={waiting_run}")
    form = page.locator("form[action^=looked]")
    form.scroll_into_view_if_needed()
    picture(page, "looked-desktop")
    form.get_by_role("textbox").first.fill("another name")
    form.get_by_role("button", name="No such job is there").click()
    expect(page.get_by_text("is not the name of the job").first).to_be_visible()

    page.goto(f"{site.url}/alma-purge/review?dag_id={DAG_ID}&run_id={waiting_run}")
    name = form.locator("input[name=expected]").input_value()
    form.get_by_role("textbox").first.fill(name)
    form.get_by_role("button", name="No such job is there").click()
    expect(page.locator("form[action^=looked]")).to_have_count(0)
    site.client.clear(DAG_ID, waiting_run, ["restore_kept", "certify"], after=False)
    site.wait_until_ended(waiting_run)
    tasks = {one.task_id: one.state for one in site.client.tasks(DAG_ID, waiting_run)}
    page.goto(f"{site.url}/alma-purge/certificate?dag_id={DAG_ID}&run_id={waiting_run}")
    expect(page.get_by_text(re.compile("is not there and did not run")).first).to_be_visible()
    assert tasks["certify"] is not None
    assert site.world.people() == before
    assert site.world.in_group(MARKER) == set()


def test_the_house_is_kept_from_the_browser(site: BrowserSite, log_in: LogIn, picture: Picture) -> None:
    site.client.unpause(HOUSEKEEPING_DAG)
    run_id = "browser__housekeeping"
    site.client.trigger(HOUSEKEEPING_DAG, run_id)
    assert site.wait_until_ended(run_id, HOUSEKEEPING_DAG) == "success"
    page = log_in()
    page.goto(f"{site.url}/dags/{HOUSEKEEPING_DAG}/runs/{run_id}")
    expect(page.get_by_text("Success").first).to_be_visible()
    picture(page, "housekeeping-desktop")
