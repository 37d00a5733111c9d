"""Every relative link in the project's pages leads to a file that is there, and to a heading that it has."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_AWAY = re.compile(r"^[a-z]+:|^//")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()]*\))?)\)")
_UNSEEN = ("node_modules", "tests")


def pages() -> list[Path]:
    """Return every page, without those of environments and caches."""
    found = [path for path in ROOT.rglob("*.md") if not _is_hidden(path.relative_to(ROOT))]
    return sorted(found)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in _UNSEEN for part in path.parts)


def text_of(page: Path) -> str:
    """Return a page without code, in which brackets are no links."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`", "`code`", text)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    seen: Counter[str] = Counter()
    anchors = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", text, flags=re.MULTILINE):
        words = re.sub(r"[`*]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return anchors


def broken_links(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    broken = []
    for target in _LINK.findall(text_of(page)):
        if _AWAY.match(target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            broken.append(target)
    return broken


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_the_pages_are_found_and_have_links() -> None:
    names = {page.relative_to(ROOT).as_posix() for page in pages()}
    assert {"README.md", "docs/README.md", "docs/runbook.md", "include/alma_sandbox/FAKES.md"} <= names
    assert (
        len(_LINK.findall(text_of(ROOT / "docs" / "README.md"))) > len(list((ROOT / "docs").glob("*.md"))) - 2
    )


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    linked = _LINK.findall(text_of(ROOT / "docs" / "README.md"))
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or page.name in linked, page.name


@pytest.mark.parametrize(
    ("link", "leads"),
    [
        ("[a](b.md)", True),
        ("[a](c.md)", False),
        ("[a](b.md#the-heading-its-name)", True),
        ("[a](b.md#another)", False),
        ("[a](#own-heading)", True),
        ("[a](#no-heading)", False),
        ("![a](picture.png)", False),
        ("[![a](b.md)](c.md)", False),
        ("[a](https://example.org/nowhere)", True),
        ("`[a](c.md)`", True),
        ("```\n[a](c.md)\n```", True),
    ],
)
def test_broken_links_are_found(tmp_path: Path, link: str, leads: bool) -> None:
    (tmp_path / "b.md").write_text("# B\n\n## The heading: `its` name\n")
    page = tmp_path / "a.md"
    page.write_text(f"# Own heading\n\n{link}\n")
    assert (broken_links(page) == []) is leads
