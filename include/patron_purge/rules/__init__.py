"""The rules that hold a person back: small pure functions, applied in a fixed order, first finding wins."""

from patron_purge.rules.context import ExclusionMatcher, ProtectMatcher, RuleContext
from patron_purge.rules.register import RULES, Rule, after_regroup, evaluate
from patron_purge.rules.table import RuleDoc, rules_table

__all__ = [
    "RULES",
    "ExclusionMatcher",
    "ProtectMatcher",
    "Rule",
    "RuleContext",
    "RuleDoc",
    "after_regroup",
    "evaluate",
    "rules_table",
]
