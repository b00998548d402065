"""Waiting ends with the state that was waited for, or with an error that says why it will not come."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.integration.client.conftest import Cluster
from tests.integration.client.proxy import Proxy
from videojob_client import (
    Client,
    ConditionType,
    JobCancelledError,
    JobDeletedError,
    JobFailedError,
    JobFinishedError,
    NotFoundError,
    Phase,
    VideoJob,
    WaitTimeoutError,
)

FAILURE = {"reason": "SourceNotFound", "message": "spec.clips[0].image.uri: there is no a.jpg", "retryable": False}


def condition(kind: str, status: str = "True", reason: str = "Started") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": "2026-01-01T00:00:00Z"}


async def during(waiting: Coroutine[Any, Any, VideoJob], *steps: Coroutine[Any, Any, Any]) -> VideoJob:
    """Let something happen, a tenth of a second apart, while something is waited for."""
    async with asyncio.timeout(20):
        task = asyncio.create_task(waiting)
        for step in steps:
            await asyncio.sleep(0.1)
            await step
        return await task


async def test_waiting_ends_when_the_job_has_succeeded(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    output = {"name": "main", "uri": "volume://media/main.mp4", "bytes": 3, "sha256": "0" * 64}
    job = await during(
        client.videojobs.wait("job", timeout_s=20),
        cluster.status("job", phase="Running", progress=50),
        cluster.status("job", phase="Succeeded", outputs=[output]),
    )
    assert job.status.phase is Phase.SUCCEEDED
    assert [each.uri for each in job.status.outputs or ()] == ["volume://media/main.mp4"]


async def test_what_is_there_already_is_not_waited_for(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    await cluster.status("job", phase="Failed", failure=FAILURE)
    assert (await client.videojobs.wait("job", Phase.FAILED, timeout_s=0.5)).status.phase is Phase.FAILED


async def test_a_job_that_fails_says_why(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    with pytest.raises(JobFailedError) as caught:
        await during(client.videojobs.wait("job"), cluster.status("job", phase="Failed", failure=FAILURE))
    assert caught.value.reason == "SourceNotFound"
    assert caught.value.job.status.phase is Phase.FAILED
    assert str(caught.value) == (
        f"VideoJob {client.namespace}/job failed, SourceNotFound: spec.clips[0].image.uri: there is no a.jpg"
    )


async def test_a_reason_of_a_newer_operator_is_told_all_the_same(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    await cluster.status("job", phase="Failed", failure=FAILURE | {"reason": "OutOfThisWorld"})
    with pytest.raises(JobFailedError, match=r"OutOfThisWorld: spec\.clips") as caught:
        await client.videojobs.wait("job", Phase.RUNNING)
    assert caught.value.reason == "OutOfThisWorld"


async def test_a_job_that_is_cancelled_ends_the_wait(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    with pytest.raises(JobCancelledError):
        await during(
            client.videojobs.wait("job"), client.videojobs.cancel("job"), cluster.status("job", phase="Cancelled")
        )


async def test_cancelled_can_be_waited_for(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    await client.videojobs.cancel("job")
    job = await during(client.videojobs.wait("job", Phase.CANCELLED), cluster.status("job", phase="Cancelled"))
    assert job.spec.cancel is True


async def test_a_phase_that_has_passed_will_not_come(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    await cluster.status("job", phase="Succeeded")
    with pytest.raises(JobFinishedError, match="has succeeded"):
        await client.videojobs.wait("job", Phase.RUNNING)


async def test_a_condition_is_waited_for_until_it_holds(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    job = await during(
        client.videojobs.wait("job", ConditionType.STARTED),
        cluster.status("job", phase="Pending", conditions=[condition("Started", "False", "BackingOff")]),
        cluster.status("job", phase="Succeeded", conditions=[condition("Started")]),
    )
    assert job.status.phase is Phase.SUCCEEDED, "the phase Running was never written, and the condition stays"


async def test_finished_holds_however_it_ends(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    ended = cluster.status(
        "job", phase="Failed", failure=FAILURE, conditions=[condition("Finished", reason="SourceNotFound")]
    )
    job = await during(client.videojobs.wait("job", ConditionType.FINISHED), ended)
    assert job.status.phase is Phase.FAILED


async def test_a_function_may_say_what_is_waited_for(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    job = await during(
        client.videojobs.wait("job", lambda job: job.status.progress >= 50),
        cluster.status("job", phase="Running", progress=49),
        cluster.status("job", phase="Running", progress=51),
    )
    assert job.status.progress == 51


async def test_time_that_is_up_says_where_the_job_is(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    await cluster.status("job", phase="Queued", message="3 jobs are before it")
    with pytest.raises(WaitTimeoutError, match=r"/job is Queued after 0\.3 s: 3 jobs are before it") as caught:
        await client.videojobs.wait("job", timeout_s=0.3)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.job.status.phase is Phase.QUEUED


async def test_a_job_that_is_deleted_ends_the_wait(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    with pytest.raises(JobDeletedError):
        await during(client.videojobs.wait("job"), cluster.delete("job"))


async def test_another_job_of_the_name_is_not_the_one_that_is_waited_for(
    proxied: Client, proxy: Proxy, cluster: Cluster
) -> None:
    await cluster.create("job")
    waiting = asyncio.create_task(proxied.videojobs.wait("job", timeout_s=20))
    await proxy.watches(1)
    proxy.faults = [503] * 3
    proxy.expired = 1
    proxy.cut()
    await cluster.delete("job")
    await cluster.create("job")
    await cluster.status("job", phase="Succeeded")
    with pytest.raises(JobDeletedError):
        await waiting


async def test_a_job_that_is_not_there_is_not_waited_for(client: Client) -> None:
    with pytest.raises(NotFoundError, match='"nowhere" not found'):
        await client.videojobs.wait("nowhere")
