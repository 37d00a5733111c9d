import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from tests.corpus.build import main
from tests.corpus.exclusion_cases import EXCLUSION_CASES, MAX_AGE, NOW, ExclusionCase
from tests.corpus.report_cases import REPORT_CASES, ReportCase

from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_file import ExclusionFile, read_exclusion_file
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.institution import ReportSettings
from patron_purge.report_table import ReportHeading, build_report


def read(case: ExclusionCase) -> ExclusionFile:
    return read_exclusion_file(
        case.build(), file_name="fines.xlsx", id_headings=case.id_headings, now=NOW, max_age=MAX_AGE
    )


@pytest.mark.parametrize("case", EXCLUSION_CASES, ids=lambda case: case.name)
def test_exclusion_workbook(case: ExclusionCase) -> None:
    if isinstance(case.expected, str):
        with pytest.raises(InputRefusedError) as caught:
            read(case)
        message = str(caught.value)
        assert case.expected in message
        assert "fines.xlsx" in message
        assert "othing was changed" in message
        return
    found = read(case)
    assert found.ids == case.expected.ids
    assert tuple((name.first, name.last) for name in found.names) == case.expected.names
    assert found.row_count == case.expected.rows
    assert found.data_as_of == case.expected.data_as_of
    assert type(found.data_as_of) is type(case.expected.data_as_of)
    index = ExclusionIndex.build([found])
    for identifier in (*case.expected.ids[:100], *case.expected.excludes):
        assert index.match([identifier], "", "") is not None


@pytest.mark.parametrize("case", REPORT_CASES, ids=lambda case: case.name)
def test_report(case: ReportCase) -> None:
    columns = [ReportHeading(f"Column{place}", heading) for place, heading in enumerate(case.headings)]
    rows = [
        {
            column.key: cell
            for column, cell in zip(columns, cells, strict=True)
            if not (case.absent and cell is None)
        }
        for cells in case.cells
    ]
    settings = ReportSettings(path="/shared/x", row_cap=case.row_cap)
    if isinstance(case.expected, str):
        with pytest.raises(InputRefusedError) as caught:
            build_report(columns, rows, settings=settings)
        assert case.expected in str(caught.value)
        assert "Nothing was changed" in str(caught.value)
        return
    report = build_report(columns, rows, settings=settings)
    expected = [{"row": number, **person} for number, person in enumerate(case.expected, start=1)]
    assert report.to_dict("records") == expected


def test_names_are_unique() -> None:
    for cases in (EXCLUSION_CASES, REPORT_CASES):
        names = [case.name for case in cases]
        assert len(set(names)) == len(names)


def test_the_corpus_is_the_same_every_time(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        assert main([str(tmp_path / folder), "--only", "plain", "titles-above", "macro"]) == 0
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")
    )
    assert one == two
    assert sorted(one) == ["macro.xlsx", "plain.xlsx", "titles-above.xlsx"]
    for content in one.values():
        with zipfile.ZipFile(BytesIO(content)) as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(2026, 11, 30, 18, 0, 0)}
            properties = archive.read("docProps/core.xml")
        assert properties.count(b"2026-11-30T18:00:00Z") == properties.count(b"Z</dcterms:") == 2
