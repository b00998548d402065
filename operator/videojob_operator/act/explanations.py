"""What Kubernetes says of a worker that does not start.

That a pod was refused (by a quota, a LimitRange, Pod Security, a webhook) or waits for a volume stands in Events alone.
Where those may not be read, or are none, the pod is tried in a dry run, which is refused in the same words.
"""

import logging
import re

from videojob_contract.api_paths import EVENTS, PODS
from videojob_operator.act.kubernetes import FORBIDDEN, Kubernetes, Object
from videojob_operator.errors import ApiError

log = logging.getLogger(__name__)

_NAME = re.compile(r'\bpods? "[^"]*"')
"""A pod's name, which is another at each try, and would make each look like news."""


async def explanation(kubernetes: Kubernetes, namespace: str, job: str, pod: str | None, template: Object) -> str:
    """Return why a worker does not start, whose pod has that name or is not there; empty when nobody says."""
    try:
        told = await _last_warning(kubernetes, namespace, *(("Job", job) if pod is None else ("Pod", pod)))
        if not told and pod is None:
            told = await _refusal(kubernetes, namespace, job, template)
    except ApiError as error:
        log.warning("nobody says why worker %s does not start: %s", job, error)
        return ""
    return _NAME.sub("pod", told)


async def _last_warning(kubernetes: Kubernetes, namespace: str, kind: str, name: str) -> str:
    fields = f"regarding.kind={kind},regarding.name={name},type=Warning"
    try:
        events = [event async for event in kubernetes.list(EVENTS, namespace, fields=fields)]
    except ApiError as error:
        if error.code == FORBIDDEN:
            return ""
        raise
    last = max(events, key=_time_of, default={})
    return f"{last.get('reason', '')}: {last.get('note', '')}" if last else ""


def _time_of(event: Object) -> str:
    """Return when an Event was last seen; the forms that it may have differ only behind the seconds."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("deprecatedLastTimestamp"), event.get("eventTime"))
    return max((time[: len("2026-01-01T12:00:00")] for time in times if time), default="")


async def _refusal(kubernetes: Kubernetes, namespace: str, job: str, template: Object) -> str:
    metadata = template["metadata"] | {"name": f"{job}-dry-run", "namespace": namespace}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    try:
        await kubernetes.create(PODS, namespace, body, dry_run=True)
    except ApiError as error:
        if not error.is_refusal or "cannot create resource" in error.words:
            raise  # it is we who may not make pods
        return error.words
    return ""
