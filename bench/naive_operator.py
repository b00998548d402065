"""The operator that most would write first: kopf's `on.create`, and a Job for each object. `bench.control`'s peer."""

import asyncio
import os
from typing import Any

import kopf
from kubernetes.aio import client, config


@kopf.on.startup()
async def log_in(memo: kopf.Memo, settings: kopf.OperatorSettings, **_: Any) -> None:
    """Have one client for all handlers, and leave out the Events that kopf posts of its own."""
    await config.load_kube_config()
    memo.batch = client.BatchV1Api()
    settings.posting.enabled = False


@kopf.on.create("videojob.dev", "v1alpha1", "videojobs")
async def render(memo: kopf.Memo, name: str, namespace: str, body: kopf.Body, **_: Any) -> dict[str, str]:
    """Make the Job of an object."""
    container = {"name": "worker", "image": "x"}
    job = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}}
    kopf.adopt(job, owner=body)
    job["metadata"] |= {"name": name, "namespace": namespace}
    made = await memo.batch.create_namespaced_job(namespace, job)
    return {"job": made.metadata.name}


if __name__ == "__main__":
    asyncio.run(kopf.operator(standalone=True, namespaces=[os.environ["VIDEOJOB_NAMESPACES"]]))
