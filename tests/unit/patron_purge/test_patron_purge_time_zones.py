"""Days and hours around midnight and around a change of the clocks, in the institution's own zone."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from patron_purge.answers import Answer, Choice, Terms, judge_answer, record_answer
from patron_purge.dates import moments_in
from patron_purge.decision import Person, Question, ask
from patron_purge.digest import approval_code
from patron_purge.exclusion_dates import data_moment
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.institution import RuleSettings
from patron_purge.patron import Patron
from patron_purge.protect_list import ProtectList, read_protect_list
from patron_purge.rules import RuleContext
from patron_purge.rules.dates import expiry_date, purge_date, recent_activity

CHICAGO = ZoneInfo("America/Chicago")
DIGEST = "ab" * 32


def context(today: date, **rules: int) -> RuleContext:
    return RuleContext(
        today=today,
        rules=RuleSettings.model_validate(rules),
        marker_group="OKTOPURGE",
        excluded=ExclusionIndex.build(()),
        protected=ProtectList.build((), today=today),
        group_names={},
    )


def patron(**days: date | None) -> Patron:
    fields: dict[str, object] = dict.fromkeys(Patron.__dataclass_fields__)
    return Patron(**(fields | days))  # type: ignore[arg-type]  # only the dates are looked at


CLOCK_CHANGES = [date(2026, 3, 8), date(2026, 11, 1)]


@pytest.mark.parametrize("change", CLOCK_CHANGES)
@pytest.mark.parametrize(("hour", "minute"), [(0, 0), (0, 30), (1, 30), (3, 30), (12, 0), (23, 59)])
def test_a_day_has_its_number_at_every_hour_also_when_the_clocks_change(
    change: date, hour: int, minute: int
) -> None:
    now = datetime(change.year, change.month, change.day, hour, minute, tzinfo=CHICAGO)
    today = now.astimezone(UTC).astimezone(CHICAGO).date()
    assert today == change
    yesterday, tomorrow = change - timedelta(days=1), change + timedelta(days=1)
    assert purge_date(patron(purge_date=yesterday), context(today)) is None
    assert purge_date(patron(purge_date=change), context(today)) is not None
    assert purge_date(patron(purge_date=yesterday), context(today, days_after_purge_date=2)) is not None
    assert expiry_date(patron(expiry_date=yesterday), context(today)) is None
    assert expiry_date(patron(expiry_date=change), context(today)) is not None
    assert expiry_date(patron(expiry_date=tomorrow), context(today)) is not None
    assert (
        recent_activity(patron(last_activity=yesterday), context(today, recent_activity_days=1)) is not None
    )


@pytest.mark.parametrize(
    ("taken", "now", "hours"),
    [
        # Over the spring change 37 hours on the wall are 36, over the autumn change 36 are 37.
        ((2026, 3, 7, 18), (2026, 3, 9, 7), 36),
        ((2026, 10, 31, 18), (2026, 11, 2, 6), 37),
        ((2026, 6, 1, 18), (2026, 6, 3, 6), 36),
    ],
)
def test_the_age_of_data_is_counted_in_hours_that_have_passed(
    taken: tuple[int, int, int, int], now: tuple[int, int, int, int], hours: int
) -> None:
    moment = datetime(*taken, tzinfo=CHICAGO)
    here = datetime(*now, tzinfo=CHICAGO)
    assert here.astimezone(UTC) - data_moment(moment, here) == timedelta(hours=hours)
    assert here.astimezone(UTC) - data_moment(moment.date(), here) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("line", "utc"),
    [
        ("as of 11/23/26 6pm", datetime(2026, 11, 24, 0, tzinfo=UTC)),
        ("as of 6/23/26 6pm", datetime(2026, 6, 23, 23, tzinfo=UTC)),
        ("as of 11/23/26 11:30 PM", datetime(2026, 11, 24, 5, 30, tzinfo=UTC)),
        # Said twice in autumn: the earlier one counts, which makes the data older. Skipped in spring: no crash.
        ("as of 11/1/26 1:30am", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
        ("as of 3/8/26 2:30am", datetime(2026, 3, 8, 8, 30, tzinfo=UTC)),
        ("as of 2026-11-23T18:00:00Z", datetime(2026, 11, 23, 18, tzinfo=UTC)),
    ],
)
def test_a_time_in_a_file_is_read_by_the_library_s_clock_unless_it_names_a_zone(
    line: str, utc: datetime
) -> None:
    (moment,) = moments_in(line, CHICAGO)
    assert isinstance(moment, datetime)
    assert moment.astimezone(UTC) == utc


@pytest.mark.parametrize("zone", ["America/Chicago", "Pacific/Auckland", "UTC"])
def test_an_entry_of_the_protect_list_holds_until_the_library_s_midnight(zone: str) -> None:
    text = b"kind,value,owner,reason,end_date\nid,guest,Olga,scholar,2026-11-30\n"
    last = datetime(2026, 11, 30, 23, 59, tzinfo=ZoneInfo(zone))
    kept = read_protect_list(text, "list.csv", today=last.date())
    ended = read_protect_list(
        text,
        "list.csv",
        today=(last.astimezone(UTC) + timedelta(minutes=1)).astimezone(ZoneInfo(zone)).date(),
    )
    assert (len(kept.entries), len(ended.entries)) == (1, 0)


def question(not_after: datetime | None = None) -> Question:
    return Question(
        institution="demo",
        institution_code="01DEMO_XYZ",
        environment="sandbox",
        run_id="manual__test",
        try_number=1,
        digest=DIGEST,
        count=3,
        approval_hours=72,
        not_after=not_after,
    )


@pytest.mark.parametrize("day", [date(2026, 3, 6), date(2026, 10, 30), date(2026, 6, 1)])
def test_seventy_two_hours_are_seventy_two_hours_when_the_clocks_change(day: date) -> None:
    now = datetime(day.year, day.month, day.day, 8, tzinfo=CHICAGO)
    asked = ask(question(), now, None)
    assert asked.deadline.astimezone(UTC) - now.astimezone(UTC) == timedelta(hours=72)
    # As the sensor computes how long to wait, with a moment in the zone.
    assert asked.deadline - now == timedelta(hours=72)
    assert asked.deadline.utcoffset() == now.utcoffset()


def test_an_approval_is_valid_for_its_hours_and_told_by_the_library_s_clock() -> None:
    now = datetime(2026, 11, 23, 8, tzinfo=CHICAGO)
    asked = ask(question(), now, None)
    answer = Answer(
        try_number=1,
        choice=Choice.APPROVE,
        person=Person(id="olga", name="Olga"),
        answered_at=datetime(2026, 11, 23, 15, tzinfo=UTC),
        clear_number=0,
        count="3",
        code=approval_code(DIGEST),
        comment="",
    )
    decision = record_answer(asked, answer, judge_answer(asked, answer, Terms(approvers=("olga",))))
    assert decision.answered_at == answer.answered_at
    assert decision.valid_until == answer.answered_at + timedelta(hours=72)
    assert decision.answered_at is not None
    assert decision.valid_until is not None
    assert f"{decision.answered_at:%Y-%m-%d %H:%M}" == "2026-11-23 09:00"
    assert f"{decision.valid_until:%Y-%m-%d %H:%M}" == "2026-11-26 09:00"
    late = answer.model_copy(update={"answered_at": datetime(2026, 11, 27, 15, tzinfo=UTC)})
    said = judge_answer(asked, late, Terms(approvers=("olga",))).why
    assert "The deadline was 2026-11-26 08:00 UTC-06:00" in said


def test_an_approval_never_outlives_the_next_run_whatever_the_clocks_do() -> None:
    following = datetime(2026, 11, 2, 6, tzinfo=CHICAGO)
    asked = ask(question(following), datetime(2026, 10, 31, 8, tzinfo=CHICAGO), None)
    assert asked.deadline == following
    assert Decimal((asked.deadline - datetime(2026, 10, 31, 8, tzinfo=CHICAGO)).total_seconds()) == 47 * 3600
