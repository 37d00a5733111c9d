"""The review workbook, opened by LibreOffice: `make test-browser` installs it where that is possible."""

import csv
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.patron_purge.output_samples import ledger, ledger_row
from tests.unit.patron_purge.test_patron_purge_review import review

from patron_purge.changes import Change, ChangeKind, Changes
from patron_purge.states import Reason
from patron_purge.workbook import review_workbook

SOFFICE = shutil.which("soffice")
pytestmark = pytest.mark.skipif(
    SOFFICE is None, reason="LibreOffice (soffice) is not installed, so the workbook was not opened with it"
)
# One CSV file for each sheet, as UTF-8, every text quoted, with the cells' contents as they are shown.
FILTER = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false,false,-1"
NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    " =1",
    "#N/A",
    "007",
    "1E+09",
    "TRUE",
    "2026-01-01",
    "<f>1</f>&amp;",
]


def converted(content: bytes, folder: Path) -> dict[str, list[list[str]]]:
    """Let LibreOffice read the workbook and write what it shows, sheet by sheet."""
    assert SOFFICE is not None
    book = folder / "review.xlsx"
    book.write_bytes(content)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [SOFFICE, profile, "--headless", "--convert-to", FILTER, "--outdir", str(folder), str(book)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    return {
        path.stem.removeprefix("review-"): list(csv.reader(path.read_text().splitlines()))
        for path in folder.glob("review-*.csv")
    }


def test_libreoffice_shows_every_cell_as_it_was_meant(tmp_path: Path) -> None:
    people = ledger(
        *(ledger_row(row=str(row), primary_id=text, fees="2.50") for row, text in enumerate(NASTY, start=1)),
        ledger_row(row="99", primary_id="00042", state="held_back", reason="active_loans", detail="=2 loans"),
    )
    change = Change(ChangeKind.NEW, "=1+1", "Jane", "Doe", "UG", "not in the report", "to purge")
    content = review_workbook(review(), people, Changes("Compared.", (change,)), {"UG": "Undergraduate"})
    sheets = converted(content, tmp_path)
    assert set(sheets) == {"Summary", "To purge", "Held back", "Changes", "Inputs", "Rules"}
    assert [line[1] for line in sheets["To purge"][1:]] == NASTY
    assert sheets["To purge"][1][4:11] == [
        "UG", "Undergraduate", "2025-05-31", "2026-05-31", "", "2.5", "0",
    ]  # fmt: skip
    assert sheets["Held back"][1][1] == "00042"
    assert sheets["Held back"][1][-2:] == [Reason.ACTIVE_LOANS.label, "=2 loans"]
    assert sheets["Changes"][1][1] == "=1+1"
    assert sheets["Inputs"][1][1] == "2026-09-02"
