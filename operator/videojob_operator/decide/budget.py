"""Writes that can wait: how often a status is written for the sake of what changes all the time."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from videojob_operator.decide.step import Step


POSITION_INTERVAL_S = 10.0
"""Least time between two looks at a job's place in its queue, in seconds; further back, as many seconds as
jobs before it. So the places of a whole queue of n jobs cost some log n writes a second, not n."""


def spacing(running: int, waiting: Iterable[int], *, interval_s: float, writes_per_s: float) -> float:
    """Return how many times as rarely as they could writes are made, so that all together keep to a rate.

    Args:
        running: VideoJobs that run, of each of which the progress is written every `interval_s`.
        waiting: how many wait in each pool, of which the places are written the more rarely the further back.
        interval_s: as above.
        writes_per_s: the most, by the whole operator.
    """
    places = sum(
        min(count, POSITION_INTERVAL_S * (1 + math.log(max(1.0, count / POSITION_INTERVAL_S)))) for count in waiting
    )
    wanted = running / max(interval_s, 0.1) + places / POSITION_INTERVAL_S
    return max(1.0, wanted / writes_per_s)


def within_budget(step: Step, fresh: Step, interval_s: float) -> Step:
    """Return `fresh` when that is due, or comes with a write that is due anyway; else `step`, to be looked at then."""
    now, patched_at = step.observation.now, step.memory.patched_at
    next_patch = now if patched_at is None else patched_at + timedelta(seconds=interval_s)
    if step.status == step.was and now < next_patch:
        return step.look_again(next_patch)
    return fresh.look_again_in(interval_s)
