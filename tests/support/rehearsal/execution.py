"""Runs one try of a task, or one trigger, and says how it ended, as Airflow's own task runner and triggerer do."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import Context
from airflow.sdk.bases.operator import BaseOperator
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
    TaskAwaitingInput,
    TaskDeferred,
)
from airflow.triggers.base import BaseTrigger, TriggerEvent
from tests.support.rehearsal.airflow import (
    AWAITING_INPUT,
    DEFERRED,
    FAILED,
    QUEUED,
    SKIPPED,
    SUCCESS,
    UPSTREAM_FAILED,
    Deferral,
    Resumption,
)
from tests.support.rehearsal.clock import Clock


class StuckError(AssertionError):
    """The run does not come to an end."""


@dataclass(frozen=True, slots=True)
class End:
    """How a try ended.

    Attributes:
        state: Airflow's state of the task.
        error: What the exception said.
        may_retry: Whether another try may be made after a failure.
        deferral: What the task waits for.
        skips: Tasks that it has skipped.
    """

    state: str
    error: str = ""
    may_retry: bool = False
    deferral: Deferral | None = None
    skips: tuple[str, ...] = ()


def call(task: BaseOperator, context: Context, resumption: Resumption | None) -> End:
    """Begin a task, or let it go on after a wait."""
    end = End(SUCCESS)
    try:
        if resumption is None:
            task.execute(context)
        else:
            task.resume_execution(resumption.method, resumption.kwargs, context)
    except DownstreamTasksSkipped as skipped:
        end = End(SUCCESS, skips=tuple(str(one) for one in skipped.tasks))
    except TaskDeferred as deferred:
        end = End(DEFERRED, deferral=_deferral(deferred.trigger.serialize(), deferred))
    except TaskAwaitingInput as waiting:
        end = End(AWAITING_INPUT, deferral=_deferral(("", {"timeout": waiting.timeout}), waiting))
    except AirflowSkipException:
        end = End(SKIPPED)
    except AirflowFailException as error:
        end = End(FAILED, str(error))
    except Exception as error:  # noqa: BLE001 - as Airflow's task runner: whatever it is, the try has failed
        end = End(FAILED, str(error) or repr(error), may_retry=True)
    return end


def _deferral(trigger: tuple[str, dict[str, Any]], asked: TaskDeferred | TaskAwaitingInput) -> Deferral:
    return Deferral(trigger, asked.method_name, dict(asked.kwargs or {}))


def first_event(trigger: BaseTrigger, clock: Clock) -> TriggerEvent:
    """Let a trigger run until it has something to say; a trigger that waits for a moment moves the clock there."""
    if isinstance(trigger, DateTimeTrigger):
        clock.advance_to(trigger.moment)
        return TriggerEvent(trigger.moment)

    async def first() -> TriggerEvent:
        async for event in trigger.run():
            return event
        raise StuckError(f"{type(trigger).__name__} ended without an event")

    return asyncio.run(first())


def all_success(states: Sequence[str | None]) -> str | None:
    """Apply the trigger rule of that name; None while it is not decided."""
    if any(one in {FAILED, UPSTREAM_FAILED} for one in states):
        return UPSTREAM_FAILED
    if SKIPPED in states:
        return SKIPPED
    return QUEUED if all(one == SUCCESS for one in states) else None
