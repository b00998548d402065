"""How a pool's queues are shared, in the words of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.queue.types import Sharing
from videojob_contract.resources.renderpool import Order

if TYPE_CHECKING:
    from videojob_contract.queue.types import PoolSnapshot
    from videojob_contract.resources.renderpool import RenderPoolSpec


def sharing_of(spec: RenderPoolSpec) -> Sharing:
    """Return in which order its queues give out, what its users' shares are, and how many may run."""
    weights = {user.name: user.weight for user in spec.users}
    limits = spec.limits.running if spec.limits else None
    running = {kind: most for kind, most in limits or () if most is not None}
    return Sharing(spec.order is Order.FIFO, weights, running)


def startable(spec: RenderPoolSpec, snapshot: PoolSnapshot) -> int:
    """Return for how many of those that wait a worker is of use: not for those that wait for room under a limit."""
    waiting = snapshot.total_queued - snapshot.resting
    most = spec.limits.running.pool if spec.limits and spec.limits.running else None
    return max(0, waiting if most is None else min(waiting, most - snapshot.claimed))
