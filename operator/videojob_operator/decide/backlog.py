"""How much work a pool has, and when the turn of what waits in it should come."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from videojob_operator.decide.pool_sharing import weights_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_contract.resources.renderpool import RenderPoolSpec

_EXACT = 10


@dataclass(frozen=True, slots=True)
class Load:
    """What waits in a queue."""

    count: int = 0
    seconds: float = 0.0
    """Predicted, of all together."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The work of a pool."""

    loads: Mapping[str, Load] = field(default_factory=dict)
    """Of each queue in which something waits."""
    length_s: float | None = None
    """How long it will take all of its workers, with what runs; None when that is not known."""


def workers_of(spec: RenderPoolSpec) -> int:
    """Return how many VideoJobs a pool may render at a time."""
    most = spec.limits.running.pool if spec.limits and spec.limits.running else None
    return spec.max_workers if most is None else min(most, spec.max_workers)


def length_s(loads: Mapping[str, Load], running_s: float, spec: RenderPoolSpec) -> float | None:
    """Return how long it takes until a pool has rendered what waits, and what is left of what runs; None for ever."""
    workers = workers_of(spec)
    return (running_s + sum(load.seconds for load in loads.values())) / workers if workers else None


def wait_s(backlog: Backlog, spec: RenderPoolSpec, queue: str, position: int) -> float | None:
    """Return when the turn of what waits should come that has so many of its queue before it; None when nobody knows.

    What runs is done first; then the queue has its part of the workers beside the others in which something waits.
    """
    workers, length = workers_of(spec), backlog.length_s
    own = backlog.loads.get(queue)
    weights = {name: weight for name, weight in weights_of(spec).items() if weight > 0}
    if not workers or length is None or own is None or not own.count or queue not in weights:
        return None
    share = weights[queue] / sum(weights.get(name, 0) for name in backlog.loads)
    running_s = max(0.0, length - sum(load.seconds for load in backlog.loads.values()) / workers)
    return running_s + position * own.seconds / own.count / workers / share


def rounded_up(count: int) -> int:
    """Return a number exactly up to 10, beyond that rounded up to the half of its first digit, as 15, 100 and 150."""
    if count <= _EXACT:
        return count
    step: int = 10 ** (len(str(count)) - 1) // 2
    return -(-count // step) * step


def two_digits(seconds: float) -> int:
    """Return whole seconds, rounded up to two digits, so that they change with the work and not with each second."""
    whole = math.ceil(seconds)
    step: int = 10 ** max(0, len(str(whole)) - 2)
    return -(-whole // step) * step
