from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

Refused = Callable[[requests.Response, str], None]


def _ids(answer: requests.Response) -> set[str]:
    return {user["primary_id"] for user in answer.json().get("user", [])}


def _group(alma: Any, code: str) -> set[str]:
    return {person.primary_id for person in alma.sandbox.tenant.users if person.user_group == code}


def test_brief_records_have_no_user_group(alma: Any) -> None:
    users = alma.get("/users?q=user_group~10&limit=5").json()["user"]
    assert all("user_group" not in user for user in users)
    full = alma.get("/users?q=user_group~10&limit=5&expand=full").json()["user"]
    assert {user["user_group"]["value"] for user in full} == {"10"}


def test_nobody_found_has_no_user_key(alma: Any) -> None:
    assert alma.get("/users?q=user_group~OKTOPURGE").json() == {"total_record_count": 0}


def test_group_search_finds_the_group(alma: Any) -> None:
    assert _ids(alma.get("/users?q=user_group~I-Share&limit=100")) == _group(alma, "I-Share")


def test_group_search_matches_descriptions_when_switched(alma: Any) -> None:
    strict = alma.get("/users?q=user_group~OKTOPURGE&limit=100")
    alma.switch(group_query_searches_descriptions=True)
    loose = alma.get("/users?q=user_group~OKTOPURGE&limit=100")
    assert _ids(strict) == set()
    assert _ids(loose) == _group(alma, "REVIEW") != set()


def test_several_fields_are_joined(alma: Any) -> None:
    person = alma.person("clean_internal")
    query = f"user_group~{person.user_group} AND identifiers~{person.identifiers[0]['value']}"
    assert _ids(alma.get("/users", params={"q": query})) == {person.primary_id}


@pytest.mark.parametrize("query", ["user_group", "shoe_size~9"])
def test_unreadable_query_is_refused(alma: Any, refused: Refused, query: str) -> None:
    refused(alma.get("/users", params={"q": query}), "402119")


def test_pages_cover_everybody_once(alma: Any) -> None:
    seen: list[str] = []
    for offset in range(0, 200, 100):
        page = alma.get(f"/users?limit=500&offset={offset}&order_by=primary_id").json()
        seen += [user["primary_id"] for user in page.get("user", [])]
    assert len(seen) == len(set(seen)) == len(alma.sandbox.tenant.users)


def test_search_lags_behind_a_write(make_alma: Callable[..., Any]) -> None:
    alma = make_alma(frozen=True, switches={"index_lag_seconds": 3})
    person = alma.person("clean")
    set_id = alma.new_set("lag", [person.primary_id])
    alma.instance(alma.regroup(set_id))
    assert alma.user(person.primary_id).json()["user_group"]["value"] == "OKTOPURGE"
    assert _ids(alma.get("/users?q=user_group~OKTOPURGE")) == set()
    alma.control("/clock", {"advance_seconds": 4})
    assert _ids(alma.get("/users?q=user_group~OKTOPURGE")) == {person.primary_id}
    alma.instance(alma.purge(set_id))
    assert not alma.exists(person)
    assert _ids(alma.get("/users?q=user_group~OKTOPURGE")) == {person.primary_id}
    alma.control("/clock", {"advance_seconds": 4})
    assert _ids(alma.get("/users?q=user_group~OKTOPURGE")) == set()
