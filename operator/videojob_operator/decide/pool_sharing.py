"""How a pool's queues are shared, in the words of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.queue.types import Sharing
from videojob_contract.resources.renderpool import Order

if TYPE_CHECKING:
    from videojob_contract.resources.renderpool import RenderPoolSpec


def sharing_of(spec: RenderPoolSpec) -> Sharing:
    """Return in which order its queues give out, and what its users' shares are."""
    return Sharing(spec.order is Order.FIFO, {user.name: user.weight for user in spec.users})
