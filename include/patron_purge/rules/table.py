"""The rules as a table for people: generated, so that it can't differ from what is applied."""

from dataclasses import dataclass

from patron_purge.rules.register import RULES
from patron_purge.states import Reason


@dataclass(frozen=True, slots=True)
class RuleDoc:
    """One line of the rules table.

    Attributes:
        reason: The code in the ledger.
        sentence: What holds the person back.
        settings: Names of the institution's settings that matter for it.
    """

    reason: Reason
    sentence: str
    settings: tuple[str, ...]


# Reasons that come from a step of the run rather than from a rule about one person.
_STEP_SENTENCES = {
    Reason.DUPLICATE_ROW: "A person whom the report lists more than once is held back.",
    Reason.NAME_IN_EXCLUSION_FILE: (
        "A person who may have the name of an exclusion row that has no id is held back: a word of the last name "
        "and the first letter of the first name agree."
    ),
    Reason.NOT_CHECKED: "A person about whom Alma did not give every fact that a rule needs is held back.",
    Reason.NOT_FOUND: "A person whom Alma no longer has is taken off the list.",
    Reason.GROUP_CHANGED: "A person whose user group somebody changed after the approval is taken off.",
    Reason.NOT_IN_SET: "A person whom Alma did not accept into the set is taken off.",
    Reason.TAKEN_OFF: "A person whom the reviewer took off the list is held back.",
}


def rules_table() -> list[RuleDoc]:
    """List every reason for which a person is held back, in the order in which the rules are applied."""
    rules = {rule.reason: rule for rule in RULES}
    return [
        RuleDoc(reason, rules[reason].sentence, rules[reason].settings)
        if reason in rules
        else RuleDoc(reason, _STEP_SENTENCES[reason], ())
        for reason in Reason
    ]
