from pathlib import Path

import pytest

import make_docs
from patron_purge.guards import GUARD_NAMES, guards_table
from patron_purge.institution import GuardSettings, RuleSettings
from patron_purge.states import Reason


@pytest.mark.parametrize("name", ["rules.md", "configuration.md"])
def test_the_page_is_as_new_as_the_code(name: str) -> None:
    written = (make_docs.DOCS / name).read_text(encoding="utf-8")
    assert written == make_docs.PAGES[name](), "run: python scripts/make_docs.py"


def test_the_page_names_every_reason_guard_and_setting_of_them() -> None:
    rules, guards, settings = make_docs.rules_page().split("\n## ")[1:]
    for reason in Reason:
        assert rules.count(f"\n| `{reason}` |") == 1
    for guard in GUARD_NAMES:
        assert guards.count(f"\n| `{guard}` |") == 1
    for model, outer in ((RuleSettings, "rules"), (GuardSettings, "guards")):
        for name in model.model_fields:
            assert settings.count(f"\n| `{outer}.{name}` |") == 1


def test_every_guard_is_described_under_its_own_name() -> None:
    assert [doc.name for doc in guards_table()] == list(GUARD_NAMES)
    assert all(bool(doc.setting) != bool(doc.limit) for doc in guards_table())


def test_usual_values_stand_on_the_page() -> None:
    page = make_docs.rules_page()
    assert "| 500 (`guards.max_count`) |" in page
    assert "| 36 (`exclusion_files.max_age_hours`) |" in page
    assert "| `rules.hold_proxies` | Whether being a proxy for somebody holds a person back. | no |" in page


def test_the_check_tells_old_pages_and_leaves_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, page = ["--folder", str(tmp_path)], tmp_path / "rules.md"
    assert make_docs.main(["--check", *folder]) == 1
    assert not page.exists()
    assert make_docs.main(folder) == 0
    assert make_docs.main(["--check", *folder]) == 0
    page.write_text("old")
    assert make_docs.main(["--check", *folder]) == 1
    assert page.read_text() == "old"
    said = capsys.readouterr().err
    assert said.count("rules.md is older than the code") == 2
    assert said.count("configuration.md is older than the code") == 1
