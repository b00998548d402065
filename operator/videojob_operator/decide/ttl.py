"""Deleting finished VideoJobs after their time; what they made stays."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from videojob_contract.resources.base import parse_duration
from videojob_operator.decide.step import name_of, uid_of
from videojob_operator.decide.types import DeleteVideoJob

if TYPE_CHECKING:
    from videojob_operator.decide.types import Observation


def seconds(observation: Observation) -> float | None:
    """Return how long the VideoJob stays after it finished; None is for ever."""
    # From the object as it is: reading the whole spec of every finished job would cost milliseconds each.
    own = observation.raw.get("spec", {}).get("ttlAfterFinished")
    if own is not None:
        try:
            parsed = parse_duration(own)
        except ValueError:
            return None
        return float(parsed) if isinstance(parsed, Fraction) else None
    defaults = observation.pool.defaults if observation.pool is not None else None
    of_pool = defaults.ttl_after_finished if defaults is not None else None
    return None if of_pool is None else float(of_pool)


def deletion(observation: Observation) -> DeleteVideoJob:
    """Return the deletion of this very VideoJob."""
    return DeleteVideoJob(uid_of(observation), name_of(observation))
