"""A whole run in which an approver takes somebody off the list, through the page and Airflow's REST API."""

import re
from typing import Any

import pytest
from tests.support.flow import DAG_ID, FormAnswer, Question, rest_call, run_flow
from tests.support.world import PURGEABLE, World, gone, of

pytestmark = pytest.mark.whole_run
HERE = {"Sec-Fetch-Site": "same-origin"}


def page(method: str, path: str, run_id: str, user: str = "olga", role: str = "user", **request: Any) -> Any:
    params = {"dag_id": DAG_ID, "run_id": run_id} | request.pop("params", {})
    return rest_call(method, f"/alma-purge/{path}", user, role, params=params, **request)


def take_off(run_id: str, primary_id: str) -> None:
    """Do what a person does: search, follow the link, give a reason, confirm."""
    found = page("POST", "review", run_id, data={"view": "to_purge", "text": primary_id}).text
    (row,) = set(re.findall(r"take-off\?[^\"]*row=(\d+)", found))
    confirm = page("GET", "take-off", run_id, params={"row": row}).text
    assert primary_id in confirm
    form = dict(re.findall(r'name="(token|row|prepared)" value="([^"]*)"', confirm)) | {
        "reason": "still teaches"
    }
    for user, role in (("vera", "viewer"), ("adam", "admin")):
        assert page("POST", "take-off", run_id, user, role, data=form, headers=HERE).status_code == 403
    done = page("POST", "take-off", run_id, data=form, headers=HERE, follow_redirects=False)
    assert done.status_code == 303, done.text


def test_somebody_is_taken_off_the_old_code_is_refused_and_the_new_one_purges_the_rest(world: World) -> None:
    before = world.people()
    kept = next(one.primary_id for one in of(before, PURGEABLE) if one.scenario == "clean")

    def answer(question: Question) -> FormAnswer:
        old = {"count": question.review["count"], "code": question.review["code"]}
        if question.try_number == 1:
            take_off(question.run_id, kept)
            return FormAnswer("Approve", form=old)
        now = page("GET", "api/review", question.run_id).json()
        assert now["count"] == question.review["count"] - 1
        if question.try_number == 2:
            return FormAnswer("Approve", form={"count": now["count"], "code": old["code"]})
        return FormAnswer("Approve", form={"count": now["count"], "code": now["code"]})

    result = run_flow(answerer=answer)
    after = world.people()

    assert result.state == "success"
    assert after[kept] == before[kept]
    assert gone(before, after) == {one.primary_id for one in of(before, PURGEABLE)} - {kept}
    certificate = result.document("certificate.json")
    parts = {part["code"]: part["count"] for part in certificate["equation"]["parts"]}
    assert parts["taken_off"] == 1
    assert sum(parts.values()) == certificate["equation"]["total"]
    refusals = [one["why"] for one in certificate["decision"]["refusals"]]
    assert len(refusals) == 2
    assert "number of people" in refusals[0]
    assert "somebody was taken off" in refusals[1]
    assert certificate["decision"]["count"] == certificate["sent"]
    late = page("GET", "take-off", result.run_id, params={"row": 1})
    assert late.status_code == 409
    ended = page("GET", "review", result.run_id).text
    assert "still teaches" in ended
    for name in ("certificate.json", "certificate.html"):
        assert kept not in result.folder.read(name).decode()
