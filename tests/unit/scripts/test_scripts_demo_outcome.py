import pytest

from demo.outcome import Expectation, approved_effect, untouched_effect
from demo.tenant import People, Person


def person(primary_id: str, expectation: str, **changes: object) -> Person:
    facts: dict[str, object] = {
        "primary_id": primary_id,
        "user_group": "UG",
        "exists": True,
        "deleted": False,
        "scenario": f"scenario of {expectation}",
        "expectation": expectation,
        "record_digest": f"digest of {primary_id}",
    }
    return Person.model_validate(facts | changes)


def tenant(*people: Person) -> People:
    return {one.primary_id: one for one in people}


STAYS = person("stays", Expectation.PROTECTED)
GOES = person("goes", Expectation.PURGEABLE)
REFUSED = person("refused", Expectation.JOB_REFUSES)
LONG_GONE = person(
    "long gone", Expectation.PURGEABLE, exists=False, deleted=True, user_group=None, record_digest=None
)
BEFORE = tenant(STAYS, GOES, REFUSED, LONG_GONE)


def changed(one: Person, **changes: object) -> Person:
    return one.model_copy(update=changes)


def purged(one: Person) -> Person:
    return changed(one, exists=False, deleted=True, user_group=None, record_digest=None)


RIGHT = tenant(STAYS, purged(GOES), REFUSED, LONG_GONE)


def test_a_right_purge_has_no_problems() -> None:
    effect = approved_effect(BEFORE, RIGHT)
    assert effect.problems == ()
    assert effect.gone == 1
    assert sum(effect.counts.values()) == len(BEFORE)


def test_somebody_who_left_the_tenant_s_list_is_gone_too() -> None:
    after = {key: one for key, one in RIGHT.items() if key != "goes"}
    effect = approved_effect(BEFORE, after)
    assert effect.problems == ()
    assert effect.gone == 1


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (RIGHT | tenant(purged(STAYS)), "1 gone and should not be"),
        (RIGHT | tenant(changed(STAYS, record_digest="other")), "1 changed and should not be"),
        (RIGHT | tenant(changed(STAYS, user_group="OKTOPURGE")), "1 changed and should not be"),
        (RIGHT | tenant(GOES), "1 had to go and still there"),
        (RIGHT | tenant(purged(REFUSED)), "1 refused by Alma's purge job and yet gone"),
        (RIGHT | tenant(changed(REFUSED, user_group="OKTOPURGE")), "not put back as they were"),
        (RIGHT | tenant(changed(REFUSED, record_digest="other")), "not put back as they were"),
        (RIGHT | tenant(changed(LONG_GONE, exists=True, deleted=False)), "1 changed and should not be"),
        (RIGHT | tenant(person("new", Expectation.PROTECTED)), "1 in the tenant now and not before"),
        ({key: one for key, one in RIGHT.items() if key != "stays"}, "1 gone and should not be"),
    ],
)
def test_each_wrong_effect_of_an_approved_purge_is_found(after: People, said: str) -> None:
    problems = approved_effect(BEFORE, after).problems
    assert len([line for line in problems if said in line]) == 1


def test_an_unknown_expectation_is_a_problem() -> None:
    odd = tenant(person("odd", "perhaps"))
    assert "without a known expectation" in approved_effect(BEFORE | odd, RIGHT | odd).problems[0]


def test_whoever_was_taken_off_may_be_as_before_and_nobody_else() -> None:
    second = person("goes too", "purgeable")
    before, after = BEFORE | tenant(second), RIGHT | tenant(second)
    assert approved_effect(before, after, taken_off=1).problems == ()
    assert "1 had to go and still there" in approved_effect(before, after).problems[0]
    more, rest = before | tenant(person("third", "purgeable")), after | tenant(person("third", "purgeable"))
    assert "1 had to go and still there" in approved_effect(more, rest, taken_off=1).problems[0]


def test_a_purge_of_nobody_proves_nothing() -> None:
    nobody = tenant(STAYS)
    assert approved_effect(nobody, nobody).problems == ("nobody was purged, so nothing was proven",)


def test_a_reject_leaves_everything_untouched() -> None:
    effect = untouched_effect(BEFORE, dict(BEFORE))
    assert effect.problems == ()
    assert effect.gone == 0


@pytest.mark.parametrize(
    "after",
    [
        RIGHT,
        BEFORE | tenant(changed(GOES, user_group="OKTOPURGE")),
        BEFORE | tenant(changed(REFUSED, record_digest="other")),
        BEFORE | tenant(person("new", Expectation.PROTECTED)),
    ],
)
def test_any_change_after_a_reject_is_found(after: People) -> None:
    assert len(untouched_effect(BEFORE, after).problems) == 1


def test_problems_name_scenarios_and_not_people() -> None:
    (line,) = untouched_effect(BEFORE, RIGHT).problems
    assert line == "1 gone and should not be: 1 scenario of purgeable"
    assert "goes" not in line
