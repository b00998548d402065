"""How many finished VideoJobs a pool or a schedule keeps: the oldest beyond that go, and what they made stays."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from videojob_contract.resources.status import Phase
from videojob_operator.decide.types import DeleteVideoJob

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from videojob_contract.resources.history import History
    from videojob_operator.decide.types import FinishedVideoJob

KINDS: dict[str, tuple[Phase, ...]] = {
    "succeeded": (Phase.SUCCEEDED,),
    "failed": (Phase.FAILED, Phase.CANCELLED),
}
"""Which phases each limit is of."""
AT_ONCE = 100
"""Most that are deleted at one look."""


def kept(history: History) -> Mapping[str, int]:
    """Return how many of each kind are kept, of those kinds that have a limit."""
    limits = {"succeeded": history.succeeded, "failed": history.failed}
    return {kind: limit for kind, limit in limits.items() if limit is not None}


def surplus(history: History, finished: Mapping[str, Sequence[FinishedVideoJob]]) -> tuple[DeleteVideoJob, ...]:
    """Return the oldest of each kind beyond what is kept; those that a webhook waits for are not among them."""
    found = []
    for kind, limit in kept(history).items():
        of_kind = finished.get(kind, ())
        oldest = heapq.nsmallest(len(of_kind) - limit, of_kind, key=lambda each: each.finished_at)
        found += [each for each in oldest if not each.untold][:AT_ONCE]
    return tuple(DeleteVideoJob(each.uid, each.name) for each in found)
