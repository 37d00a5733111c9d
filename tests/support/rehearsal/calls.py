"""Every call of a run that may change Alma, and everything that can go wrong with one."""

import re
from dataclasses import dataclass

from tests.support.rehearsal.run import APPROVAL, Run
from tests.support.rehearsal.worker import Effect

from alma_purge import files
from alma_sandbox.state.faults import FaultKind

REGROUP_JOB, PURGE_JOB = "M148", "M20261"
FAULTS = tuple(kind for kind in FaultKind if kind is not FaultKind.REFUSAL)
# With these Alma has done what it was told, or does it in spite of the answer.
EFFECT_COMES = frozenset(
    {
        FaultKind.TIMEOUT_AFTER,
        FaultKind.RESET_AFTER,
        FaultKind.RESET_IN_BODY,
        FaultKind.ERROR_AFTER,
        FaultKind.TRUNCATED,
        FaultKind.XML_INSTEAD,
        FaultKind.SLOW,
    }
)
# Of the others, these prove by their answer that nothing was done.
CLEARLY_REFUSED = frozenset({FaultKind.RATE_SECOND, FaultKind.RATE_DAY, FaultKind.JOB_THRESHOLD})


@dataclass(frozen=True, slots=True)
class ChangingCall:
    """A kind of call that a task makes.

    Attributes:
        name: Short name, for the test's id.
        task_id: The task.
        method: The HTTP method.
        path: Regular expression for path and query, without Alma's prefix.
        before: Regular expression for the effect before which a try has to die so that a later try makes the call;
            the call itself when empty.
    """

    name: str
    task_id: str
    method: str
    path: str
    before: str = ""

    def is_made_by(self, effect: Effect) -> bool:
        """Tell whether an effect is this call."""
        return effect.task_id == self.task_id and bool(re.match(f"{self.method} {self.path}$", effect.label))

    def comes_next(self, effect: Effect) -> bool:
        """Tell whether the call follows, and a later try would still make it if this one died here."""
        if not self.before:
            return self.is_made_by(effect)
        return effect.task_id == self.task_id and bool(re.match(self.before, effect.label))

    @property
    def cleared_by(self) -> str:
        """The task whose clearing, with everything after it, leads to the call again."""
        return APPROVAL if self.task_id in {"regroup_users", "purge_users"} else self.task_id


CALLS = (
    ChangingCall("users_write_test", "preflight", "POST", "/users/operation/test"),
    ChangingCall("conf_write_test", "preflight", "POST", "/conf/test"),
    ChangingCall("create_set", "regroup_users", "POST", "/conf/sets"),
    ChangingCall("add_members", "regroup_users", "POST", r"/conf/sets/\d+\?op=add_members\S*"),
    ChangingCall(
        "regroup_job",
        "regroup_users",
        "POST",
        rf"/conf/jobs/{REGROUP_JOB}\?op=run",
        before=f"write {files.REGROUP_RECORD}",
    ),
    ChangingCall("delete_members", "purge_users", "POST", r"/conf/sets/\d+\?op=delete_members\S*"),
    ChangingCall("put_back", "purge_users", "PUT", r"/users/[^/?]+\?override=user_group"),
    ChangingCall(
        "purge_job",
        "purge_users",
        "POST",
        rf"/conf/jobs/{PURGE_JOB}\?op=run",
        before=f"write {files.PURGE_RECORD}",
    ),
    ChangingCall("restore", "restore_kept", "PUT", r"/users/[^/?]+\?override=user_group"),
    ChangingCall("delete_set", "restore_kept", "DELETE", r"/conf/sets/\d+"),
)


def changing_effects(run: Run) -> list[Effect]:
    """Return the effects of a run that are calls which may change something."""
    return [one for one in run.effects if re.match(r"(POST|PUT|DELETE|PATCH) ", one.label)]
