"""What everybody needs to be able to read and use the pages: contrast, names of fields, order, keyboard."""

import inspect
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from fastapi.routing import APIRoute
from tests.unit.alma_purge_web.web_samples import DAG_ID, EVIL, NOW, WHERE, SampleRun, asked

from alma_purge.web.app import review_app
from alma_purge.web.pages import STYLE

TEXT, EDGE = 4.5, 3.0
LIGHT, DARK = (
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)
# Text or drawing, what it stands on, and the contrast that WCAG 2.2 asks for at level AA.
PAIRS = [
    *[(ink, "paper", TEXT) for ink in ("ink", "quiet", "accent", "danger", "warn")],
    *[(ink, "ground", TEXT) for ink in ("ink", "quiet", "accent")],
    *[(ink, "alarm", TEXT) for ink in ("ink", "quiet", "accent", "danger", "warn")],
    ("on-accent", "accent", TEXT),
    ("quiet", "off", TEXT),
    ("on-banner", "production", TEXT),
    ("on-banner", "rehearsal", TEXT),
    *[(edge, "paper", EDGE) for edge in ("edge", "focus", "accent")],
    ("focus", "ground", EDGE),
]


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_colors_can_be_told_apart(scheme: str, ink: str, ground: str, least: float) -> None:
    colors = LIGHT if scheme == "light" else LIGHT | DARK
    assert contrast(colors[ink], colors[ground]) >= least


@pytest.mark.parametrize("colors", [LIGHT, LIGHT | DARK])
def test_columns_of_the_history_differ_from_each_other_and_the_paper(colors: dict[str, str]) -> None:
    assert contrast(colors["listed"], colors["paper"]) >= EDGE
    assert contrast(colors["listed"], colors["accent"]) >= 1.8


def test_every_color_comes_from_the_two_palettes() -> None:
    rules = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,6}\b(?=[;\s])", rules) == []
    assert set(re.findall(r"var\(--([a-z-]+)\)", rules)) <= set(LIGHT)


class Page(HTMLParser):
    """Collects what a page offers to somebody who does not see it or uses no mouse."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.labelled = 0
        self.unlabelled: list[str] = []
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.headings: list[int] = []
        self.bad: list[str] = []
        self.first_link = ""
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "id" in given:
            self.ids.append(str(given["id"]))
        self.references |= set((given.get("aria-labelledby") or "").split())
        self.references |= {given["form"] or ""} if "form" in given else set()
        if tag == "a" and not self.first_link:
            self.first_link = given.get("href") or ""
        if tag in {"input", "select"} and given.get("type") != "hidden":
            self._check_label(tag, given)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "th" and given.get("scope") not in {"row", "col"}:
            self.bad.append("th without scope")
        if "style" in given or any(name.startswith("on") for name in given):
            self.bad.append(f"inline {tag}")
        if tag not in {"input", "meta", "link", "br", "rect", "line"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def _check_label(self, tag: str, given: dict[str, str | None]) -> None:
        if "label" in self._open or given.get("aria-label"):
            self.labelled += 1
        else:
            self.unlabelled.append(f"{tag} {given.get('name')}")


@pytest.fixture
def pages(run: SampleRun) -> dict[str, str]:
    run.reviewed().decided(asked(), "awaiting_input")
    run.after("before", NOW).reviewed()
    client = run.client()
    return {
        "review": client.get("/review", params=WHERE).text,
        "others": client.post("/review", params=WHERE, data={"view": "others", "text": EVIL}).text,
        "gone": client.post("/review", params=WHERE, data={"view": "gone"}).text,
        "person": client.post("/person", params=WHERE, data={"row": "1"}).text,
        "nobody": client.post("/person", params=WHERE, data={"primary_id": EVIL}).text,
        "history": client.get("/history", params={"dag_id": DAG_ID}).text,
        "message": client.get("/history", params={"dag_id": "other"}).text,
    }


@pytest.mark.parametrize("name", ["review", "others", "gone", "person", "nobody", "history", "message"])
def test_page_can_be_used_without_eyes_or_mouse(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    assert page.unlabelled == []
    assert page.bad == []
    assert len(page.ids) == len(set(page.ids))
    assert page.references <= set(page.ids)
    assert page.first_link == "#content"
    assert "content" in page.ids
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(page.headings, page.headings[1:], strict=False))
    assert "<script" not in pages[name]
    assert "<html lang=" in pages[name]
    assert 'name="viewport"' in pages[name]


def test_drawings_have_words(pages: dict[str, str]) -> None:
    for name, count in {"review": 3, "history": 1}.items():
        drawings = re.findall(r"<svg.*?</svg>", pages[name], re.DOTALL)
        assert len(drawings) == count
        for drawing in drawings:
            assert 'role="img"' in drawing
            assert re.search(r"<title id=[^>]+>[^<]+</title>", drawing)
            assert re.search(r"<desc id=[^>]+>[^<]+</desc>", drawing)


def test_group_name_with_markup_stays_text_in_drawings(pages: dict[str, str]) -> None:
    assert EVIL not in pages["review"]
    assert "&lt;script&gt;" in re.findall(r"<svg.*?</svg>", pages["review"], re.DOTALL)[0]


def test_enter_in_the_search_field_searches(pages: dict[str, str]) -> None:
    """The first button of a form is pressed by the Enter key, wherever it stands."""
    belonging = re.search(r'<form id="filter".*?<button[^>]*>([^<]+)', pages["review"], re.DOTALL)
    assert belonging is not None
    assert belonging[1] == "Show"
    before = pages["review"][: pages["review"].index('<form id="filter"')]
    assert 'form="filter"' not in before


def test_pages_do_their_work_beside_the_event_loop() -> None:
    """FastAPI runs plain functions in threads, so reading a large list holds nobody else up."""
    routes = [route for route in review_app().routes if isinstance(route, APIRoute)]
    assert routes
    for route in routes:
        assert not inspect.iscoroutinefunction(route.endpoint), route.path


def test_starting_airflow_does_not_wait_for_pandas() -> None:
    code = "import sys, alma_purge.web.app; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
