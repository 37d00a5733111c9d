"""Past runs: their page, their chart, and the comparison of the list with the last of them."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.unit.alma_purge_web.web_samples import DAG_ID, NOW, PEOPLE, RUN_ID, WHERE, SampleRun, person, table

from alma_purge import files
from alma_purge.history_file import HISTORY
from alma_purge.run_folder import RunFolder
from alma_purge.web.charts import bar_chart, runs_chart
from patron_purge.history import HistoryEntry
from patron_purge.ledger import ledger_csv
from patron_purge.states import Mode

MONTH_AGO = NOW - timedelta(days=31)
CHICAGO = ZoneInfo("America/Chicago")
THEN = (
    person(1, primary_id="id000001"),
    person(2, primary_id="id000004", last_name="Kept"),
    person(3, primary_id="old-purged"),
    person(4, primary_id="old-kept", last_name="Gone"),
)


def history_of(run: SampleRun, **query: str) -> str:
    response = run.client().get("/history", params={"dag_id": DAG_ID, **query})
    assert response.status_code == 200, response.text
    return re.sub(r"\s+", " ", response.text)


def listed(run: SampleRun, **form: str) -> str:
    response = run.client().post("/review", params=WHERE, data=form)
    assert response.status_code == 200, response.text
    return re.sub(r"\s+", " ", response.text)


def with_last_run(run: SampleRun) -> SampleRun:
    """Give the run a run before it that purged one person and kept the others."""
    last = run.after("last", MONTH_AGO).reviewed_ledger(table(THEN))
    states = ("kept_by_alma", "kept_by_alma", "purged", "kept_by_alma")
    ends = tuple({**each, "state": state} for each, state in zip(THEN, states, strict=True))
    last.write("restore_kept", files.LEDGER_RESTORED, ledger_csv(table(ends)))
    return run.reviewed()


def test_history_is_a_table_and_a_chart(run: SampleRun) -> None:
    run.after("one", MONTH_AGO, to_purge=1200, purged=1198, report_rows=4321)
    run.after("two", MONTH_AGO - timedelta(days=31), to_purge=7, purged=0)
    page = history_of(run)
    assert "1 full run with a purge; the median of the last lists was 1,200 people" in page
    assert ">1,198<" in page
    assert ">4,321<" in page
    assert "<desc" in page
    assert "1,200 on the list, 1,198 purged" in page
    assert page.index(">1,198<") < page.index(">7<")


def test_history_links_only_to_runs_that_airflow_still_has(run: SampleRun) -> None:
    run.after("known & kept", MONTH_AGO)
    run.after("deleted", MONTH_AGO - timedelta(days=31))
    del run.others["deleted"]
    page = history_of(run)
    for place in ("review", "certificate"):
        assert f'href="{place}?dag_id={DAG_ID}&amp;run_id=known+%26+kept"' in page
    assert "run_id=deleted" not in page


def test_history_without_any_run(run: SampleRun) -> None:
    page = history_of(run)
    assert "No run of this institution has ended yet" in page
    assert "Back to the review" not in page


def test_history_leads_back_to_the_review_it_was_opened_from(run: SampleRun) -> None:
    assert "Back to the review" in history_of(run, run_id=RUN_ID)


def test_damaged_history_is_said_on_its_page_and_hides_no_review(run: SampleRun) -> None:
    run.reviewed()
    (Path(run.folder.path.path).parent / HISTORY).write_text("no json\n")
    response = run.client().get("/history", params={"dag_id": DAG_ID})
    assert response.status_code == 409
    assert "Line 1 of the history file" in response.text
    assert "The history of past runs can&#39;t be read." in listed(run, view="gone")


@pytest.mark.parametrize(
    "query", ["", "dag_id=", f"dag_id={DAG_ID}&dag_id=x", f"dag_id={DAG_ID}&run_id=a&run_id=b"]
)
def test_history_needs_one_dag(run: SampleRun, query: str) -> None:
    assert run.client().get(f"/history?{query}").status_code == 400


def test_history_of_a_foreign_dag(run: SampleRun) -> None:
    assert run.client().get("/history", params={"dag_id": "other"}).status_code == 404


def test_changes_since_the_last_run(run: SampleRun) -> None:
    page = listed(with_last_run(run))
    assert "2 new on the list, 2 no longer on it" in page
    assert "only people who are new (2)" in page
    new = listed(run, only="new_people")
    assert ("id000003" in new, "id000001" in new) == (True, False)
    assert '<span class="tag">new on the list</span>' in new
    gone = listed(run, view="gone")
    assert ("Person4, Ada" in gone, "Gone, Ada" in gone, "old-purged" in gone) == (True, True, False)
    assert "held back by a rule: has active loans" in gone
    assert "not in the report" in gone


def test_runs_after_this_one_are_not_its_past(run: SampleRun) -> None:
    run.after("later", NOW + timedelta(days=31)).reviewed_ledger(table(THEN))
    assert "There was no run before this one to compare with." in listed(run.reviewed(), view="gone")


def test_only_the_last_run_is_compared_with(run: SampleRun) -> None:
    run.after("older", MONTH_AGO - timedelta(days=31)).reviewed_ledger(table(PEOPLE))
    assert "2 new on the list" in listed(with_last_run(run))


def test_deleted_list_of_the_last_run_is_said_to_be_deleted(run: SampleRun) -> None:
    with_last_run(run).others["last"].folder.remove(files.LEDGER_REVIEWED)
    page = listed(run, view="gone")
    assert "The list of the last run is no longer on file" in page
    assert "No longer on the list (0)" in page


@pytest.mark.parametrize("name", [files.LEDGER_REVIEWED, files.LEDGER_RESTORED])
def test_changed_list_of_the_last_run_is_not_believed(run: SampleRun, name: str) -> None:
    with_last_run(run).others["last"].folder.write(name, ledger_csv(table(PEOPLE)))
    page = listed(run, view="gone")
    assert "is not the one that its task recorded" in page
    assert "Gone, Ada" not in page


def test_list_that_airflow_has_no_record_of_is_not_believed(run: SampleRun) -> None:
    with_last_run(run).others["last"].xcoms.clear()
    assert "Airflow has no record any more" in listed(run, view="gone")
    del run.others["last"]
    assert "Airflow has no record any more" in listed(run, view="gone")


def test_new_groups_can_be_shown_alone(run: SampleRun) -> None:
    page = listed(run.reviewed(), only="new_groups")
    assert "1\N{EN DASH}1 of 1 who fit this search" in page
    assert '<span class="tag">new group</span>' in page


def entry(day: datetime, to_purge: int, purged: int) -> HistoryEntry:
    return HistoryEntry(
        run_id=day.isoformat(),
        finished_at=day,
        mode=Mode.FULL,
        to_purge=to_purge,
        purged=purged,
        report_rows=9,
    )


def test_chart_of_runs_keeps_the_last_twelve_in_their_order() -> None:
    days = [datetime(2026 + month // 12, month % 12 + 1, 15, tzinfo=UTC) for month in range(14)]
    chart = runs_chart([entry(day, 10 * (index + 1), 5) for index, day in enumerate(reversed(days))], CHICAGO)
    assert chart is not None
    assert [column.month for column in chart.columns][:3] == ["Mar", "Apr", "May"]
    assert [column.year for column in chart.columns] == ["2026", *[""] * 9, "2027", ""]
    assert chart.most == "120"
    assert chart.columns[0].listed_height > chart.columns[-1].listed_height
    assert all(column.x + 2 * column.width <= 360 for column in chart.columns)
    assert all(column.listed_y + column.listed_height == pytest.approx(164) for column in chart.columns)


def test_month_of_a_run_is_that_of_the_institution() -> None:
    chart = runs_chart([entry(datetime(2026, 12, 1, 3, tzinfo=UTC), 1, 1)], CHICAGO)
    assert chart is not None
    assert chart.columns[0].month == "Nov"


def test_no_runs_no_chart() -> None:
    assert runs_chart([], CHICAGO) is None


def test_runs_with_nobody_have_a_chart_without_columns() -> None:
    chart = runs_chart([entry(NOW, 0, 0)], CHICAGO)
    assert chart is not None
    assert (chart.columns[0].listed_height, chart.most) == (0, "0")


def test_bars_are_as_long_as_their_numbers() -> None:
    chart = bar_chart("x", "Title", [("many", 200), ("half", 100), ("one", 1), ("none", 0)])
    assert [bar.width for bar in chart.bars] == pytest.approx([300, 150, 1.8, 0])
    assert chart.description == "Bar chart. many: 200; half: 100; one: 1; none: 0."


def test_bars_that_do_not_fit_are_added_up() -> None:
    chart = bar_chart(
        "x", "Title", [(f"group {each}", each) for each in range(20, 0, -1)], rest="other groups"
    )
    assert len(chart.bars) == 12
    assert (chart.bars[-1].label, chart.bars[-1].text) == ("9 other groups", "45")


def test_chart_of_nobody() -> None:
    assert bar_chart("x", "Title", []).description == "Bar chart. nobody."


def test_folder_of_another_run_is_its_own(run: SampleRun) -> None:
    assert str(run.after("x", NOW).folder.path) == str(RunFolder.of_run("north", "x").path)
