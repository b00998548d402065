"""What is shown of a VideoJob: its names, what it says of itself, and its status; and the part of it that lists show.

All of it is the API server's own JSON: what a newer operator writes is shown as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from videojob_contract.resources.status import Phase
from videojob_contract.resources.videojob import TEMPLATED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    Manifest = Mapping[str, Any]

UNLISTED_SPEC = frozenset({*TEMPLATED_FIELDS, "parameters", "notify"})
"""Fields of a spec that lists leave out: what is rendered, and who is told."""
UNLISTED_STATUS = frozenset({"template", "history", "notifications", "conditions"})
"""Fields of a status that they leave out."""
_METADATA = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "labels")


def listed_part(manifest: Manifest) -> dict[str, Any]:
    """Return of a VideoJob what lists are made of: it is a tenth of the whole."""
    metadata, spec, status = manifest["metadata"], manifest.get("spec") or {}, manifest.get("status") or {}
    status = {name: value for name, value in status.items() if name not in UNLISTED_STATUS}
    if isinstance(failure := status.get("failure"), dict):
        status["failure"] = {name: value for name, value in failure.items() if name != "log"}
    return {
        "metadata": {name: metadata[name] for name in _METADATA if name in metadata},
        "spec": {name: value for name, value in spec.items() if name not in UNLISTED_SPEC},
        "status": status,
    }


def view(manifest: Manifest) -> dict[str, Any]:
    """Return what is shown of a VideoJob, or of the part of it that lists are made of."""
    metadata = manifest["metadata"]
    return {
        "id": metadata["uid"],
        "name": metadata["name"],
        "createdAt": metadata["creationTimestamp"],
        "labels": metadata.get("labels") or {},
        "spec": manifest.get("spec") or {},
        "status": {"phase": Phase.PENDING, "progress": 0, **(manifest.get("status") or {})},
    }
