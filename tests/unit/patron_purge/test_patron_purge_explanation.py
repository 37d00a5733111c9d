import pytest
from tests.unit.patron_purge.output_samples import ledger, ledger_row

from patron_purge.explanation import rows_of_person, what_happened
from patron_purge.states import GroupRestored, Reason, RowState


@pytest.mark.parametrize("state", RowState)
def test_every_state_has_a_sentence_that_is_not_its_code(state: RowState) -> None:
    said = what_happened(ledger_row(state=state.value))
    assert said.endswith(".")
    assert len(said) > 20
    assert state.value not in said or "_" not in state.value


def test_only_a_purge_is_called_one() -> None:
    for state in RowState:
        assert ("PURGED." in what_happened(ledger_row(state=state.value))) == (state is RowState.PURGED)


def test_reason_and_detail_stand_in_words() -> None:
    said = what_happened(ledger_row(state="held_back", reason="in_exclusion_file", detail="loans.xlsx"))
    assert f"Reason: {Reason.IN_EXCLUSION_FILE.label} (loans.xlsx)." in said
    assert "Reason: has active loans." in what_happened(
        ledger_row(state="kept_by_alma", detail="has active loans")
    )
    assert "Reason" not in what_happened(ledger_row(state="purged"))


@pytest.mark.parametrize("group", GroupRestored)
def test_what_became_of_the_group_is_said(group: GroupRestored) -> None:
    assert "group" in what_happened(ledger_row(state="kept_by_alma", group_restored=group.value))


@pytest.mark.parametrize("typed", ["00jdoe1", "JDOE1", " jdoe1 ", "jdoe1@example.edu", "'jdoe1'"])
def test_ids_match_as_the_rules_match_them(typed: str) -> None:
    people = ledger(ledger_row(primary_id="jdoe1"), ledger_row(row="2", primary_id="jdoe2"))
    assert [row["primary_id"] for row in rows_of_person(people, typed)] == ["jdoe1"]


@pytest.mark.parametrize("typed", ["", " ", "jdoe", "nobody"])
def test_nobody_else_matches(typed: str) -> None:
    assert rows_of_person(ledger(ledger_row(primary_id="jdoe1"), ledger_row(primary_id="")), typed) == []
