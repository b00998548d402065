"""How a pool's queues are shared, in the words of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.queue.types import Sharing
from videojob_contract.resources.renderpool import Order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_contract.queue.types import PoolSnapshot
    from videojob_contract.resources.renderpool import RenderPoolSpec


def sharing_of(spec: RenderPoolSpec) -> Sharing:
    """Return in which order its queues give out, what its users' shares are, and how many may run."""
    weights = {user.name: user.weight for user in spec.users}
    limits = spec.limits.running if spec.limits else None
    running = {kind: most for kind, most in limits or () if most is not None}
    return Sharing(spec.order is Order.FIFO, weights, running)


def weights_of(spec: RenderPoolSpec) -> Mapping[str, int]:
    """Return the weight of each queue, which is negative while it gives nothing out."""
    return {queue.name: -queue.weight if spec.drain or queue.stopped else queue.weight for queue in spec.queues}


def startable(spec: RenderPoolSpec, snapshot: PoolSnapshot) -> int:
    """Return for how many of those that wait a worker is of use: not where a queue or a limit keeps them waiting."""
    stopped = {queue for queue, weight in weights_of(spec).items() if weight < 0}
    waiting = sum(count for queue, count in snapshot.queued.items() if queue not in stopped) - snapshot.resting
    most = spec.limits.running.pool if spec.limits and spec.limits.running else None
    return max(0, waiting if most is None else min(waiting, most - snapshot.claimed))
