"""Whether the workers of a pool can read or write what a URI names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.resources.object_stores import OBJECT_SCHEMES, store_of
from videojob_contract.resources.uploads import is_upload
from videojob_contract.resources.uris import VOLUME, Use, split_uri

if TYPE_CHECKING:
    from videojob_contract.resources.renderpool import RenderPoolSpec


def place_problem(uri: str, use: Use, spec: RenderPoolSpec, pool: str, said: str) -> str | None:
    """Return what keeps the place of a URI from being read or written by VideoJobs of a pool, or None.

    Args: as `reach_problem`.
    """
    problem = reach_problem(uri, use, spec, pool, said)
    if problem is None and use is Use.OUTPUT and is_upload(uri, spec.storage.uploads):
        return f"{said}: is below storage.uploads of {pool}, where nothing stays"
    return problem


def reach_problem(uri: str, use: Use, spec: RenderPoolSpec, pool: str, said: str) -> str | None:
    """Return what keeps a pool's workers from the place of a URI, or None.

    Args:
        uri: of a source or an output.
        use: which of these.
        spec: the pool's.
        pool: how it is called in messages, such as `the pool`.
        said: what messages may have of the URI.
    """
    scheme, place, _ = split_uri(uri)
    if scheme in OBJECT_SCHEMES:
        stores = spec.storage.objects
        store = store_of(uri, stores)
        if store is None:
            known = ", ".join(f"{each.base} ({each.name})" for each in stores)
            return f"{said}: {pool} reaches no such object store; storage.objects has {known or 'none'}"
        read_only, kind, name = store.read_only, "object store", store.name
    elif scheme == VOLUME:
        volume = next((volume for volume in spec.volumes if volume.name == place), None)
        if volume is None:
            known = f"it has {', '.join(volume.name for volume in spec.volumes)}" if spec.volumes else "it has none"
            return f'{said}: {pool} has no volume "{split_uri(said)[1]}"; {known}'
        read_only, kind, name = volume.read_only, "volume", place
    else:
        return None
    return f'{said}: {kind} "{name}" of {pool} is read-only' if use is Use.OUTPUT and read_only else None
