"""Where outputs go in truth: one name for a place, whatever the pools of a namespace call it.

Two pools may mount one claim, and two volumes of a pool, too; buckets are shared as often. What stays unknown: claims
that lead to one export, and endpoints of one server under two names.
"""

import json
import posixpath
from typing import Any

from videojob_contract.resources import RenderPoolSpec
from videojob_contract.resources.object_stores import OBJECT_SCHEMES, store_of
from videojob_contract.resources.outputs import Output
from videojob_contract.resources.uris import VOLUME, output_places, split_uri

_OF_A_POD = {"emptyDir", "ephemeral"}
"""Volume sources of which each pod has one of its own: nobody else writes there."""


def true_places(output: Output, pool: RenderPoolSpec | None) -> dict[str, str]:
    """Return each place that an output is written to, as its URI has it, with its name in truth; none without pool."""
    if output.uri is None or pool is None:
        return {}
    scheme, name, _ = split_uri(output.uri)
    if scheme in OBJECT_SCHEMES:
        store = store_of(output.uri, pool.storage.objects)
        server = f"{(store.endpoint or '').rstrip('/').lower()} {store.account or ''}" if store else ""
        return {place: f"{server} {place}" for place in output_places(output)}
    source = next((volume.source for volume in pool.volumes if volume.name == name), None)
    if scheme != VOLUME or source is None:
        return {place: place for place in output_places(output)}
    if not _OF_A_POD.isdisjoint(source):
        return {}
    return {place: _on_volume(source, split_uri(place)[2]) for place in output_places(output)}


def _on_volume(source: dict[str, Any], path: str) -> str:
    match source:
        case {"persistentVolumeClaim": {"claimName": str(claim)}}:
            return f"claim {claim} {path}"
        case {"hostPath": {"path": str(folder)}}:
            return f"host {_joined(folder, path)}"
        case {"nfs": {"server": str(server), "path": str(folder)}}:
            return f"nfs {server} {_joined(folder, path)}"
    return f"{json.dumps(source, sort_keys=True)} {path}"


def _joined(folder: str, path: str) -> str:
    return posixpath.normpath(f"{folder}/{path}").lstrip("/")
