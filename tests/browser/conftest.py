"""A real browser on a real Airflow with the rehearsal tenant behind it."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright
from tests.support.airflow_person import PersonClient
from tests.support.airflow_site import PASSWORD, AirflowSite, running_site, write_config
from tests.support.browser_site import DAG_ID, BrowserSite
from tests.support.connections import connections_to
from tests.support.world import World

from alma_sandbox.testing import running_sandbox

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 90_000
# A picture that is taken before the browser has painted shows the page before.
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
DESKTOP, PHONE = (1280, 900), (390, 844)
LogIn = Callable[..., Page]


@pytest.fixture(scope="session")
def browser_program() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("There is no browser here: apt-get install chromium, then make test-browser.")
    return found


@pytest.fixture(scope="session")
def site(browser_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserSite]:
    del browser_program  # without a browser nothing is started
    folder = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox(users=300, job_seconds=0.5))
        connections = connections_to(sandbox, "demo") | connections_to(sandbox, "byhand")
        airflow = AirflowSite(folder, connections)
        changed = {"schedule": None, "name": "Example College", "approvers": ["olga"]}
        by_hand = changed | {"name": "Hillside College", "engine": "manual", "purge_job": None}
        write_config(airflow.layout.config, {"demo": changed, "byhand": by_hand})
        client: PersonClient = stack.enter_context(running_site(airflow, ["demo", "byhand"]))
        yield BrowserSite(airflow.url, client, World(sandbox), sandbox, folder, airflow.environment)


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture
def log_in(driver: Playwright, site: BrowserSite, browser_program: str, tmp_path: Path) -> Iterator[LogIn]:
    """Return a function that opens Airflow's home page as a user."""
    opened: list[BrowserContext] = []

    def go(user: str = "olga", size: tuple[int, int] = DESKTOP) -> Page:
        context = driver.chromium.launch_persistent_context(
            tmp_path / f"profile-{len(opened)}",
            executable_path=browser_program,
            headless=True,
            args=list(ARGUMENTS),
            viewport={"width": size[0], "height": size[1]},
            accept_downloads=True,
        )
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(site.url)
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Home").first.wait_for()
        return page

    yield go
    for context in opened:
        context.close()


@pytest.fixture
def waiting_run(site: BrowserSite, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the id of a run that waits for its approval; whatever is left of it is rejected at the end."""
    run_id = f"browser__{request.node.name}"
    site.reset()
    site.client.trigger(DAG_ID, run_id)
    site.wait_for(run_id, "approve_purge", "awaiting_input")
    yield run_id
    if site.client.run_state(DAG_ID, run_id) not in {"success", "failed"}:
        site.reject(run_id)
        site.wait_until_ended(run_id)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Say where the pictures are."""
    pictures = session.config.stash.get(PICTURES, [])
    if pictures:
        print("\nPictures: " + json.dumps([str(one) for one in pictures]))


PICTURES: pytest.StashKey[list[Path]] = pytest.StashKey()


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that takes a picture of a page."""
    folder = tmp_path_factory.getbasetemp() / "pictures"
    folder.mkdir(exist_ok=True)

    def take(page: Page, name: str, *, whole: bool = False) -> Path:
        path = folder / f"{name}.png"
        page.evaluate(PAINTED)
        page.screenshot(path=path, full_page=whole)
        request.config.stash.setdefault(PICTURES, []).append(path)
        return path

    return take
