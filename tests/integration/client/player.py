"""Plays the operator and its workers for examples: what is created starts at once, and ends in a moment.

A VideoJob whose clips name a file called `missing` fails, and one that is to be cancelled is.
"""

import asyncio
import json

from tests.integration.client.conftest import Cluster
from tests.integration.client.kubelet import Kubelet
from videojob_contract.api_paths import VIDEOJOBS
from videojob_operator.act.kubernetes import Object

LOG = '{"level": "INFO", "message": "rendering"}'
POLL_S = 0.05


async def play(cluster: Cluster, kubelet: Kubelet) -> None:
    """Play until cancelled."""
    kubelet.ended.set()
    while True:
        jobs = [job async for job in cluster.kubernetes.list(VIDEOJOBS, cluster.namespace)]
        for job in jobs:
            if not (job.get("status") or {}).get("finishedAt"):
                await _finish(cluster, kubelet, job)
        await asyncio.sleep(POLL_S)


async def _finish(cluster: Cluster, kubelet: Kubelet, job: Object) -> None:
    name, uid, now = job["metadata"]["name"], job["metadata"]["uid"], "2026-01-01T00:00:00Z"
    if job["spec"].get("cancel"):
        return await cluster.status(name, phase="Cancelled", finishedAt=now)
    if "missing" in json.dumps(job["spec"]["clips"]):
        failure = {"reason": "SourceNotFound", "message": "there is no such file", "retryable": False}
        return await cluster.status(name, phase="Failed", failure=failure, finishedAt=now)
    pod = f"worker-{uid[:8]}"
    if pod not in kubelet.logs:
        await kubelet.run(cluster.namespace, pod, LOG)
        await cluster.event(name, uid, "Started", 1)
        started = {"type": "Started", "status": "True", "reason": "Started", "lastTransitionTime": now}
        return await cluster.status(name, phase="Running", worker=pod, conditions=[started])
    await cluster.event(name, uid, "Succeeded", 2)
    output = {"name": "main", "uri": f"volume://media/out/{name}/main.mp4", "bytes": 1000, "sha256": "0" * 64}
    return await cluster.status(name, phase="Succeeded", outputs=[output], finishedAt=now)
