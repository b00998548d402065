"""What must hold between the fields of a RenderPool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.problems import Problem
from videojob_contract.resources.object_stores import OBJECT_SCHEMES
from videojob_contract.resources.uris import VOLUME, Use, redact_uri, split_uri
from videojob_contract.semantics.object_stores import check_object_stores
from videojob_contract.semantics.places import place_problem, reach_problem
from videojob_contract.semantics.schedules import check_recurrence, check_time_zone
from videojob_contract.semantics.uris import uri_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.limits import PoolLimits
    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_contract.resources.windows import PoolWindow

_OWN_VARIABLES = "VIDEOJOB_"
MIN_UPLOADS_TTL_S = 3600
"""Shortest time that uploads stay: they are looked at once in so long."""


def check_renderpool(spec: RenderPoolSpec) -> Iterator[Problem]:
    """Yield every problem of meaning, in the order of the fields."""
    if spec.min_idle > spec.max_workers > 0:
        yield Problem("spec.minIdle", f"must not be more than maxWorkers, which is {spec.max_workers}")
    if spec.limits is not None:
        yield from _limits(spec.limits)
    for index, window in enumerate(spec.windows):
        yield from _window(window, f"spec.windows[{index}]")
    yield from _output_prefix(spec)
    yield from _uploads(spec)
    yield from check_object_stores("spec.storage.objects", spec.storage.objects)
    for index, variable in enumerate(spec.worker.env or []):
        path, name = f"spec.worker.env[{index}].name", variable.get("name")
        if not isinstance(name, str) or not name:
            yield Problem(path, "is required")
        elif name.startswith(_OWN_VARIABLES):
            yield Problem(path, f"{name} is taken: names that begin with {_OWN_VARIABLES} are the operator's")


def _limits(limits: PoolLimits) -> Iterator[Problem]:
    yield from check_time_zone(limits.time_zone, "spec.limits.timeZone")
    if not set(limits.allow_tiers or ()) <= set(limits.tiers or ()):
        yield Problem("spec.limits.allowTiers", "must name tiers that are in tiers")


def _window(window: PoolWindow, path: str) -> Iterator[Problem]:
    yield from check_recurrence(window, path)
    if not window.duration:
        yield Problem(f"{path}.duration", "must be longer than 0s")


def _uploads(spec: RenderPoolSpec) -> Iterator[Problem]:
    uploads = spec.storage.uploads
    if uploads is None:
        return
    path, prefix = "spec.storage.uploads", uploads.prefix.rstrip("/")
    said, below = redact_uri(prefix), f"{prefix}/upload"
    if uploads.ttl < MIN_UPLOADS_TTL_S:
        yield Problem(f"{path}.ttl", "must be at least 1h")
    if split_uri(prefix)[0] not in {VOLUME, *OBJECT_SCHEMES}:
        yield Problem(f"{path}.prefix", f"{said}: is neither in a volume nor in an object store")
    elif not split_uri(prefix)[2]:
        yield Problem(f"{path}.prefix", f"{said}: name a folder, for all that is old in it is removed")
    elif message := uri_problem(below, said) or reach_problem(below, Use.OUTPUT, spec, "the pool", said):
        yield Problem(f"{path}.prefix", message)


def _output_prefix(spec: RenderPoolSpec) -> Iterator[Problem]:
    prefix = spec.storage.output_prefix
    if prefix is None:
        return
    below = f"{prefix.rstrip('/')}/output"  # as all that is written
    message = uri_problem(below, redact_uri(prefix)) or place_problem(
        below, Use.OUTPUT, spec, "the pool", redact_uri(prefix)
    )
    if message is not None:
        yield Problem("spec.storage.outputPrefix", message)
