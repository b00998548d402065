"""How many finished VideoJobs a pool keeps: the oldest beyond that go, and what they made stays."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from videojob_contract.resources.status import Phase
from videojob_operator.decide.types import DeleteVideoJob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_operator.decide.types import PoolObservation

KINDS: dict[str, tuple[Phase, ...]] = {
    "succeeded": (Phase.SUCCEEDED,),
    "failed": (Phase.FAILED, Phase.CANCELLED),
}
"""Which phases each limit is of."""
AT_ONCE = 100
"""Most that are deleted at one look."""


def kept(spec: RenderPoolSpec) -> Mapping[str, int]:
    """Return how many of each kind are kept, of those kinds that have a limit."""
    limits = {"succeeded": spec.history.succeeded, "failed": spec.history.failed}
    return {kind: limit for kind, limit in limits.items() if limit is not None}


def surplus(observation: PoolObservation) -> tuple[DeleteVideoJob, ...]:
    """Return the oldest of each kind beyond what is kept; those that a webhook waits for are not among them."""
    if observation.spec is None:
        return ()
    found = []
    for kind, limit in kept(observation.spec).items():
        finished = observation.finished.get(kind, ())
        most = max(0, min(len(finished) - limit, AT_ONCE))
        found += heapq.nsmallest(most, finished, key=lambda each: each.finished_at)
    return tuple(DeleteVideoJob(each.uid, each.name) for each in found if not each.untold)
