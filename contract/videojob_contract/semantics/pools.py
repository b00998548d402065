"""What must hold between the fields of a RenderPool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.problems import Problem
from videojob_contract.resources.uris import VOLUME, redact_uri, split_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.renderpool import RenderPoolSpec

_OWN_VARIABLES = "VIDEOJOB_"


def check_renderpool(spec: RenderPoolSpec) -> Iterator[Problem]:
    """Yield every problem of meaning, in the order of the fields."""
    if spec.min_idle > spec.max_workers > 0:
        yield Problem("spec.minIdle", f"must not be more than maxWorkers, which is {spec.max_workers}")
    yield from _output_prefix(spec)
    for index, variable in enumerate(spec.worker.env or []):
        path, name = f"spec.worker.env[{index}].name", variable.get("name")
        if not isinstance(name, str) or not name:
            yield Problem(path, "is required")
        elif name.startswith(_OWN_VARIABLES):
            yield Problem(path, f"{name} is taken: names that begin with {_OWN_VARIABLES} are the operator's")


def _output_prefix(spec: RenderPoolSpec) -> Iterator[Problem]:
    prefix = redact_uri(spec.storage.output_prefix or "")
    scheme, name, _ = split_uri(prefix)
    if scheme != VOLUME:
        return
    volume = next((volume for volume in spec.volumes if volume.name == name), None)
    if volume is None:
        known = f"it has {', '.join(volume.name for volume in spec.volumes)}" if spec.volumes else "it has none"
        yield Problem("spec.storage.outputPrefix", f'{prefix}: the pool has no volume "{name}"; {known}')
    elif volume.read_only:
        yield Problem("spec.storage.outputPrefix", f'{prefix}: volume "{name}" is read-only')
