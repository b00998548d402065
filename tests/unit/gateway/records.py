"""VideoJobs as the gateway's cache has them."""

from typing import Any

from videojob_gateway.job_cache import JobCache, JobRecord


def manifest(name: str, *, uid: str = "", at: str = "2026-01-01T00:00:00Z", **fields: Any) -> dict[str, Any]:
    """Return a VideoJob; `spec`, `status` and `labels` are what it is given."""
    return {
        "metadata": {
            "name": name,
            "namespace": "films",
            "uid": uid or f"uid-{name}",
            "resourceVersion": "1",
            "creationTimestamp": at,
            "labels": fields.get("labels", {}),
        },
        "spec": {"pool": "default", "queue": "default", **fields.get("spec", {})},
        "status": fields.get("status", {}),
    }


def cache_of(*manifests: dict[str, Any]) -> JobCache:
    """Return a cache that knows these."""
    cache = JobCache()
    for each in manifests:
        cache.put(JobRecord.of(each))
    return cache
