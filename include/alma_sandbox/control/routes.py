"""The control API: /control, outside Alma's paths, without a key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, ValidationError

from alma_sandbox.control.files import FileOrder, order_files
from alma_sandbox.control.operator import (
    JobOrder,
    LegacyPurge,
    UserOrder,
    change_user,
    legacy_purge,
    order_job,
)
from alma_sandbox.control.service import Control
from alma_sandbox.seeding.population import add_leftovers
from alma_sandbox.state.faults import Fault
from alma_sandbox.state.people import Json
from alma_sandbox.state.switches import Switches


class ClockOrder(BaseModel):
    """How to move the clock: to a time, forward, or standing still."""

    model_config = ConfigDict(extra="forbid")
    now: datetime | None = None
    advance_seconds: float = 0
    advance_days: float = 0
    frozen: bool | None = None


class CampusLoad(BaseModel):
    """What the student system's load does."""

    model_config = ConfigDict(extra="forbid")
    undo_groups: bool | None = None
    extend: list[str] = []
    recreate: list[str] = []


def control_router(control: Control) -> APIRouter:
    """Build the routes.

    Args:
        control: What they do.
    """
    router = APIRouter(prefix="/control")
    _add_state_routes(router, control)
    _add_weather_routes(router, control)
    _add_operator_routes(router, control)
    return router


def _add_state_routes(router: APIRouter, control: Control) -> None:
    @router.post("/reset")
    async def reset() -> Json:
        return control.reset(None, None)

    @router.post("/seed")
    async def seed(users: int | None = None, seed: int | None = None) -> Json:
        return control.reset(users, seed)

    @router.get("/state")
    async def state(
        view: Literal["compact", "full"] = "compact", digests: Literal["yes", "no"] = "yes"
    ) -> Json:
        return control.state(compact=view == "compact", digests=digests == "yes")

    @router.get("/log")
    async def log(since: int = 0) -> Json:
        return control.log(since)

    @router.get("/clock")
    async def clock() -> Json:
        return control.clock()

    @router.post("/clock")
    async def set_clock(order: ClockOrder) -> Json:
        forward = timedelta(days=order.advance_days, seconds=order.advance_seconds).total_seconds()
        return control.set_clock(order.now, forward, frozen=order.frozen)


def _add_weather_routes(router: APIRouter, control: Control) -> None:
    @router.get("/switches")
    async def switches() -> Json:
        return control.tenant.switches.model_dump()

    @router.post("/switches")
    async def set_switches(changes: dict[str, Any]) -> Json:
        with control.tenant.lock:
            current = control.tenant.switches.model_dump()
            try:
                control.tenant.switches = Switches.model_validate(current | changes)
            except ValidationError as error:
                raise HTTPException(422, str(error)) from error
            return control.tenant.switches.model_dump()

    @router.get("/faults")
    async def faults() -> Json:
        return {"faults": [fault.model_dump(mode="json") for fault in control.tenant.faults.armed]}

    @router.post("/faults")
    async def arm(fault: Fault) -> Json:
        with control.tenant.lock:
            control.tenant.faults.arm(fault)
        return {"armed": len(control.tenant.faults.armed)}

    @router.delete("/faults")
    async def disarm() -> Json:
        with control.tenant.lock:
            control.tenant.faults.clear()
        return {"armed": 0}

    @router.post("/sftp")
    async def files(order: FileOrder) -> Json:
        return order_files(control, order)


def _add_operator_routes(router: APIRouter, control: Control) -> None:
    @router.post("/campus-load")
    async def campus_load(order: CampusLoad) -> Json:
        return control.campus_load(
            undo_groups=order.undo_groups, extend=order.extend, recreate=order.recreate
        )

    @router.post("/legacy-purge")
    async def purge(order: LegacyPurge) -> Json:
        return legacy_purge(control, order)

    @router.post("/jobs")
    async def jobs(order: JobOrder) -> Json:
        return order_job(control, order)

    @router.post("/users")
    async def users(order: UserOrder) -> Json:
        return change_user(control, order)

    @router.post("/marker-leftovers")
    async def leftovers(count: int = 3) -> Json:
        with control.tenant.lock:
            return {"moved": add_leftovers(control.tenant, count)}
