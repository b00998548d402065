"""What must hold between the fields of a RenderPool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.problems import Problem
from videojob_contract.resources.uris import Use, redact_uri
from videojob_contract.semantics.object_stores import check_object_stores
from videojob_contract.semantics.places import place_problem
from videojob_contract.semantics.uris import uri_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.renderpool import RenderPoolSpec

_OWN_VARIABLES = "VIDEOJOB_"


def check_renderpool(spec: RenderPoolSpec) -> Iterator[Problem]:
    """Yield every problem of meaning, in the order of the fields."""
    if spec.min_idle > spec.max_workers > 0:
        yield Problem("spec.minIdle", f"must not be more than maxWorkers, which is {spec.max_workers}")
    yield from _output_prefix(spec)
    yield from check_object_stores("spec.storage.objects", spec.storage.objects)
    for index, variable in enumerate(spec.worker.env or []):
        path, name = f"spec.worker.env[{index}].name", variable.get("name")
        if not isinstance(name, str) or not name:
            yield Problem(path, "is required")
        elif name.startswith(_OWN_VARIABLES):
            yield Problem(path, f"{name} is taken: names that begin with {_OWN_VARIABLES} are the operator's")


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
