"""Guards over the whole list: each says in one sentence whether the run looks like a usual one."""

from patron_purge.guards.evaluate import GUARD_NAMES, check_overrides, evaluate_guards, is_measure, stops
from patron_purge.guards.facts import (
    ExclusionFileFacts,
    ExclusionIdFacts,
    GuardFacts,
    GuardLevel,
    GuardResult,
    identifier_shape,
    identifier_shapes,
)
from patron_purge.guards.table import GuardDoc, guards_table

__all__ = [
    "GUARD_NAMES",
    "ExclusionFileFacts",
    "ExclusionIdFacts",
    "GuardDoc",
    "GuardFacts",
    "GuardLevel",
    "GuardResult",
    "check_overrides",
    "evaluate_guards",
    "guards_table",
    "identifier_shape",
    "identifier_shapes",
    "is_measure",
    "stops",
]
