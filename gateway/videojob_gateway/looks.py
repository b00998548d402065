"""Looks: what idle workers are asked before anything is queued, and what is made of their findings."""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from videojob_contract.assignment import Assignment
from videojob_contract.defaults import fields_of_pool
from videojob_contract.errors import FAILURE_CLASS, FailureClass
from videojob_contract.inspection import Inspection, Look
from videojob_contract.learnt import factor
from videojob_contract.problems import Problem
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.inspections import InspectionDesk, InspectionTooLargeError, NobodyLooksError
from videojob_contract.resources.work import NOTHING_LEARNT
from videojob_gateway import metrics
from videojob_gateway.errors import (
    GatewayError,
    LookFailedError,
    LookRefusedError,
    NobodyIdleError,
    NoLooksError,
    TooLargeError,
)
from videojob_gateway.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from redis.asyncio import Redis

    from videojob_contract.inspection import Findings, Frames, Unseen
    from videojob_contract.plan_report import Plan
    from videojob_contract.queue.types import PoolKey
    from videojob_contract.resources.renderpool import RenderPoolSpec, RenderPoolStatus
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_gateway.config import Settings

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 4
"""Looks of a user at a time."""
_MORE_S: Final = 2.0
"""How much longer than a look its answer is waited for."""
_PERMANENT: Final = frozenset((FailureClass.PERMANENT, FailureClass.DEADLINE, FailureClass.OUT_OF_MEMORY))


_OUTCOMES: Final[Mapping[type[GatewayError], str]] = {
    LookRefusedError: "refused",
    TooLargeError: "refused",
    NobodyIdleError: "nobody",
    NoLooksError: "unavailable",
}


class LookDesk:
    """Asks the workers of one namespace."""

    def __init__(self, settings: Settings, redis: Redis, cluster: str = "") -> None:
        self._settings, self._redis, self._cluster = settings, redis, cluster
        self.slots = Slots(MOST_AT_ONCE, "looks")

    async def ask(
        self, look: Look, pool: tuple[PoolKey, RenderPoolSpec], spec: VideoJobSpec, frames: Frames | None = None
    ) -> tuple[Findings, bytes]:
        """Return what an idle worker of a pool finds, and the bytes of its picture.

        Args:
            look: for what.
            pool: its key and its spec.
            spec: what is looked at, with all defaults filled in.
            frames: of a preview.

        Raises:
            LookRefusedError: it cannot be rendered, or not looked at in time.
            LookFailedError: it may be looked at later, such as when a server is back.
            NobodyIdleError: no worker of the pool is idle.
            NoLooksError: Redis does not answer.
            TooLargeError: the spec is too long.
        """
        with _counted(look):
            return await self._ask(look, pool, spec, frames)

    async def _ask(
        self, look: Look, pool: tuple[PoolKey, RenderPoolSpec], spec: VideoJobSpec, frames: Frames | None
    ) -> tuple[Findings, bytes]:
        key, limits = pool
        desk = InspectionDesk(key, self._redis, cluster=self._cluster)
        inspection = self._inspection(look, key, limits, spec)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.idle_s + self._settings.look_s
        try:
            while True:
                asked = inspection(frames)
                findings, picture = await desk.ask(
                    asked, taken_s=self._settings.idle_s, done_s=self._settings.look_s + _MORE_S
                )
                if not findings.again:
                    break
                if loop.time() > deadline:
                    raise NobodyIdleError("the worker that looked was given a VideoJob")
        except InspectionTooLargeError as error:
            raise TooLargeError(str(error)) from error
        except NobodyLooksError as error:
            raise NobodyIdleError(error.message) from error
        except QueueUnavailableError as error:
            log.warning("workers cannot be asked: %s", error.message)
            raise NoLooksError("Redis does not answer: ask again", headers={"Retry-After": "5"}) from error
        if findings.refusal is not None:
            raise _refused(findings.refusal)
        found = {Look.PROBE: findings.probe, Look.PLAN: findings.plan, Look.PREVIEW: findings.picture}
        if found[look] is None or (look is Look.PREVIEW and not picture):
            raise NobodyIdleError("a worker answered nonsense")
        return findings, picture

    def _inspection(self, look: Look, key: PoolKey, pool: RenderPoolSpec, spec: VideoJobSpec) -> _Maker:
        look_s = Fraction(self._settings.look_s).limit_denominator(1000)
        base = Assignment(
            uid="look",
            namespace=key.namespace,
            name="look",
            attempt=1,
            spec=spec.model_copy(update={"notify": None}),
            deadline=look_s,
            soft_deadline=look_s,
            **fields_of_pool(pool),
        )
        return _Maker(look, base)


class _Maker:
    """Makes inspections of the same, each with an id of its own: of one that was given up an answer may still come."""

    def __init__(self, look: Look, base: Assignment) -> None:
        self._look, self._base = look, base

    def __call__(self, frames: Frames | None) -> Inspection:
        identity = secrets.token_hex(16)
        assignment = self._base.model_copy(update={"uid": identity})
        return Inspection(id=identity, look=self._look, assignment=assignment, frames=frames)


@contextmanager
def _counted(look: Look) -> Iterator[None]:
    """Count a look, and what comes of it; one whose client has gone counts for nothing."""
    try:
        yield
    except GatewayError as error:
        metrics.looked(look.value, _OUTCOMES.get(type(error), "failed"))
        raise
    metrics.looked(look.value, "seen")


def predicted_s(plan: Plan, status: RenderPoolStatus | None) -> float:
    """Return how long a pool's workers should take for a plan, in seconds."""
    learnt = (status.learnt if status else None) or NOTHING_LEARNT
    return sum(seconds * factor(learnt, kind.value) for kind, seconds in plan.work_s.items())


def begins_in_s(status: RenderPoolStatus | None) -> float | None:
    """Return when a VideoJob that is made now should begin, in seconds from now; None while that cannot be told."""
    if status is None:
        return None
    return 0.0 if status.idle > status.queued else None if status.backlog_seconds is None else status.backlog_seconds


def _refused(refusal: Unseen) -> Exception:
    if FAILURE_CLASS.get(refusal.reason) not in _PERMANENT:
        return LookFailedError(refusal.message, headers={"Retry-After": "5"})
    problems = []
    for line in refusal.message.splitlines():
        path, colon, message = line.partition(": ")
        problems.append(Problem(path, message) if colon and " " not in path else Problem("spec", line))
    return LookRefusedError(refusal.reason.value, problems)
