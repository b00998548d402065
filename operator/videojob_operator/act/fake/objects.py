"""What the API server makes of objects as they are written. Pure."""

from dataclasses import dataclass
from typing import Any

from videojob_contract.api_paths import (
    CONFIGMAPS,
    EVENTS,
    JOBS,
    LEASES,
    PODS,
    RENDERPOOLS,
    SECRETS,
    VIDEOJOBS,
    VIDEOSCHEDULES,
    VIDEOTEMPLATES,
)
from videojob_operator.act.kubernetes import Object


@dataclass(frozen=True, slots=True)
class Kind:
    """What sets objects of one resource apart from others."""

    name: str
    custom: bool = False
    """Whether it is defined by a CustomResourceDefinition."""
    has_status: bool = True
    """Whether it has a status, which is a subresource."""
    first_status: tuple[tuple[str, str], ...] | None = None
    """The status of a new one; None where it has none before the first write."""
    has_generation: bool = True
    graceful: bool = False
    """Whether one is told to go before it is gone."""


KINDS = {
    VIDEOJOBS: Kind("VideoJob", custom=True),
    RENDERPOOLS: Kind("RenderPool", custom=True),
    VIDEOSCHEDULES: Kind("VideoSchedule", custom=True),
    VIDEOTEMPLATES: Kind("VideoTemplate", custom=True, has_status=False),
    JOBS: Kind("Job", first_status=()),
    PODS: Kind("Pod", first_status=(("phase", "Pending"),), graceful=True),
    CONFIGMAPS: Kind("ConfigMap", has_status=False, has_generation=False),
    SECRETS: Kind("Secret", has_status=False, has_generation=False),
    EVENTS: Kind("Event", has_status=False, has_generation=False),
    LEASES: Kind("Lease", has_status=False, has_generation=False),
}
KEPT = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
"""Metadata that no patch changes."""


def merged(old: Any, patch: Any) -> Any:
    """Return `old` with a merge patch applied (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def patched(kind: Kind, old: Object, patch: Object, subresource: str) -> Object:
    """Return an object as a patch of it, or of its status, leaves it: the same when that changes nothing."""
    wanted = merged(old, patch)
    if subresource:
        return _with_status(old, wanted)
    new = _with_status(wanted, old) if kind.has_status else dict(wanted)
    kept = {key: old["metadata"][key] for key in KEPT if key in old["metadata"]}
    metadata = {key: value for key, value in wanted["metadata"].items() if key not in KEPT}
    new["metadata"] = metadata | kept | {"resourceVersion": old["metadata"]["resourceVersion"]}
    if kind.has_generation and _content(new) != _content(old):
        new["metadata"]["generation"] = old["metadata"]["generation"] + 1
    return new


def _with_status(body: Object, other: Object) -> Object:
    """Return `body` with the status of `other`."""
    rest = {key: value for key, value in body.items() if key != "status"}
    return rest | ({"status": other["status"]} if "status" in other else {})


def _content(body: Object) -> Object:
    return {key: value for key, value in body.items() if key not in {"metadata", "status"}}
