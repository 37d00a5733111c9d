"""What an approver, a viewer and a stranger see and do in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import requests
from playwright.sync_api import FrameLocator, Page, expect
from tests.support.browser_site import DAG_ID, BrowserSite
from tests.support.tenant import MARKER
from tests.support.world import gone

PATIENCE_MS = 90_000
LogIn = Callable[..., Page]
expect.set_options(timeout=60_000)
Picture = Callable[..., Path]
PHONE = (390, 844)
ROUTES = ("review", "api/review", "workbook", "certificate", "history", "person", "take-off", "looked")


def from_home_to_the_form(page: Page) -> None:
    """Open the required action the way an approver finds it."""
    page.get_by_text("Required Actions").first.click()
    page.get_by_role("link", name="approve_purge").first.click()
    page.wait_for_url("**/tasks/approve_purge**")
    page.get_by_text("PurgeApprovalSensor").wait_for()
    page.locator("[name=element_count]").wait_for()


def review_tab(page: Page) -> tuple[Page, FrameLocator]:
    """Follow the link of the required action, which Airflow opens in a tab of its own."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="review page").first.click()
    tab = opened.value
    tab.set_default_timeout(PATIENCE_MS)
    frame = tab.frame_locator("iframe")
    frame.get_by_role("heading", name="The people").wait_for()
    return tab, frame


def standalone(page: Page, site: BrowserSite, run_id: str, route: str = "review") -> None:
    page.goto(f"{site.url}/alma-purge/{route}?dag_id={DAG_ID}&run_id={run_id}")


def answer(page: Page, count: int, code: str) -> None:
    page.locator("[name=element_count]").fill(str(count))
    page.locator("[name=element_code]").fill(code)
    page.get_by_role("button", name="Approve").click()


def nothing_sticks_out(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the page is {wide} px wider than the window"


def nothing_sticks_out_of_the_tab(frame: FrameLocator) -> None:
    wide = frame.locator("html").evaluate("page => page.scrollWidth - page.clientWidth")
    assert wide <= 0, f"the page is {wide} px wider than Airflow's tab"


def test_a_purge_from_the_home_page_to_the_certificate(
    site: BrowserSite, waiting_run: str, log_in: LogIn, picture: Picture, tmp_path: Path
) -> None:
    before = site.world.people()
    first = site.review(waiting_run)
    page = log_in()
    from_home_to_the_form(page)
    for text in ("IRREVERSIBLE", "Example College", "SANDBOX", "olga"):
        expect(page.get_by_text(text).first).to_be_visible()
    picture(page, "required-action-desktop")

    tab, frame = review_tab(page)
    expect(frame.get_by_text(first["code"]).first).to_be_visible()
    expect(frame.get_by_text(f"To purge ({first['count']:,})").first).to_be_visible()
    picture(tab, "review-tab-desktop")
    table = frame.locator("#people table")
    table.scroll_into_view_if_needed()
    nothing_sticks_out_of_the_tab(frame)
    picture(tab, "people-desktop")
    frame.get_by_role("button", name=re.compile("^Not on the list")).click()
    expect(frame.get_by_role("button", name="State and reason")).to_be_visible()
    frame.locator("#people tbody tr").nth(3).scroll_into_view_if_needed()
    nothing_sticks_out_of_the_tab(frame)
    picture(tab, "held-back-desktop")
    frame.get_by_role("button", name=re.compile("^To purge")).click()
    expect(frame.get_by_role("link", name=re.compile("^Take .* off the list")).first).to_be_visible()

    shown = frame.locator("#people [role=status]")
    somebody = frame.locator("#people tbody th.id").first.inner_text().strip().split("\n")[0].strip()
    assert somebody
    frame.locator("#filter input[name=text]").fill(somebody)
    frame.locator("#filter").get_by_role("button", name="Show").click()
    expect(shown).to_contain_text("who fit this search")
    frame.get_by_role("button", name="Show all again").click()
    expect(shown).not_to_contain_text("who fit this search")
    frame.locator("#filter select[name=group]").select_option(index=1)
    frame.locator("#filter").get_by_role("button", name="Show").click()
    expect(shown).to_contain_text("who fit this search")
    frame.get_by_role("button", name="Show all again").click()
    expect(shown).not_to_contain_text("who fit this search")

    with tab.expect_download() as download:
        frame.get_by_role("link", name=re.compile("spreadsheet|workbook", re.IGNORECASE)).first.click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    book = openpyxl.load_workbook(saved, read_only=True)
    assert "To purge" in book.sheetnames

    frame.get_by_role("link", name=re.compile("^Take .* off the list")).first.click()
    kept = frame.locator("dd.id").first.inner_text()
    frame.get_by_label("Reason").fill("is coming back next term")
    frame.get_by_role("heading", name="Take this person off").scroll_into_view_if_needed()
    picture(tab, "take-off-desktop")
    frame.get_by_role("button", name="Take off for good").click()
    expect(frame.get_by_text("Taken off the list: 1")).to_be_visible()
    second = site.review(waiting_run)
    assert second["count"] == first["count"] - 1
    assert second["code"] != first["code"]

    tab.close()
    answer(page, first["count"], first["code"])
    site.wait_for(waiting_run, "approve_purge", "awaiting_input", try_number=2)
    standalone(page, site, waiting_run)
    expect(page.get_by_text("not accepted").first).to_be_visible()
    picture(page, "refused-answer-desktop")

    page.goto(f"{site.url}/dags/{DAG_ID}/runs/{waiting_run}/tasks/approve_purge/required_actions")
    answer(page, second["count"], second["code"])
    assert site.wait_until_ended(waiting_run) == "success"
    after = site.world.people()
    purged = gone(before, after)
    assert purged
    assert kept not in purged
    assert after[kept] == before[kept]
    assert len(purged) <= second["count"]
    assert site.world.in_group(MARKER) == set()

    standalone(page, site, waiting_run, "certificate")
    expect(page.get_by_text("Certificate").first).to_be_visible()
    picture(page, "certificate-desktop", whole=True)
    standalone(page, site, waiting_run, "history")
    expect(page.get_by_text(re.compile("Past runs|History")).first).to_be_visible()
    picture(page, "history-desktop")


def test_a_run_is_rejected_with_one_click(site: BrowserSite, waiting_run: str, log_in: LogIn) -> None:
    before = site.world.people()
    page = log_in()
    from_home_to_the_form(page)
    page.get_by_role("button", name="Reject").click()
    assert site.wait_until_ended(waiting_run) == "success"
    assert site.world.people() == before
    assert sum(site.world.job_starts().values()) == 0


def test_a_viewer_sees_the_review_and_can_neither_approve_nor_take_off(
    site: BrowserSite, waiting_run: str, log_in: LogIn
) -> None:
    review = site.review(waiting_run)
    page = log_in("vera")
    standalone(page, site, waiting_run)
    expect(page.get_by_text(review["code"]).first).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^Take .* off the list"))).to_have_count(0)
    page.goto(f"{site.url}/dags/{DAG_ID}/runs/{waiting_run}/tasks/approve_purge/required_actions")
    page.get_by_text("IRREVERSIBLE").first.wait_for()
    button = page.get_by_role("button", name="Approve")
    if button.count() and button.is_enabled():
        answer(page, review["count"], review["code"])
        page.wait_for_timeout(2000)
    tasks = {one.task_id: one for one in site.client.tasks(DAG_ID, waiting_run)}
    assert tasks["approve_purge"].state == "awaiting_input"


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_gets_in_without_a_login(site: BrowserSite, route: str) -> None:
    query = {"dag_id": DAG_ID, "run_id": "any"}
    for method in ("GET", "POST"):
        response = requests.request(
            method, f"{site.url}/alma-purge/{route}", params=query, timeout=30, allow_redirects=False
        )
        assert response.status_code in {401, 405}, f"{method} {route}: {response.status_code}"
    assert requests.get(f"{site.url}/alma-purge/review", params=query, timeout=30).status_code == 401


def test_every_page_fits_a_phone(
    site: BrowserSite, waiting_run: str, log_in: LogIn, picture: Picture
) -> None:
    page = log_in("olga", PHONE)
    standalone(page, site, waiting_run)
    page.get_by_role("heading", name="The people").wait_for()
    nothing_sticks_out(page)
    picture(page, "review-phone")
    picture(page, "review-phone-whole", whole=True)
    page.get_by_role("button", name=re.compile("^Why")).first.click()
    page.get_by_role("heading").first.wait_for()
    nothing_sticks_out(page)
    picture(page, "person-phone", whole=True)
    standalone(page, site, waiting_run)
    page.get_by_role("link", name=re.compile("^Take .* off the list")).first.click()
    page.get_by_role("button", name="Take off for good").wait_for()
    nothing_sticks_out(page)
    picture(page, "take-off-phone")
    standalone(page, site, waiting_run, "history")
    page.get_by_role("heading").first.wait_for()
    nothing_sticks_out(page)
    picture(page, "history-phone", whole=True)
    standalone(page, site, waiting_run)
    page.get_by_role("link", name="Go to the form").click()
    page.get_by_role("button", name="Approve").wait_for()
    # Upright, Airflow's list of tasks leaves no room for its form.
    page.set_viewport_size({"width": PHONE[1], "height": PHONE[0]})
    page.get_by_text("IRREVERSIBLE").first.scroll_into_view_if_needed()
    picture(page, "required-action-phone")
