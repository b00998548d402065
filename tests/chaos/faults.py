"""Faults, each a coroutine function that begins one, lets it last, and ends it; drawn by a seed."""

import asyncio
import os
import secrets
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

from redis.exceptions import RedisError

from tests.chaos.real_node import RealNode
from tests.chaos.scene import Replica, Scene
from tests.integration.apiserver import Program
from videojob_contract.api_paths import JOBS, LEASES, NAMESPACES, PODS, Resource
from videojob_contract.queue.stream import GROUP

QUOTAS = Resource("api/v1", "resourcequotas")
Fault = Callable[[Scene, Random], Awaitable[None]]


async def kill_operator(scene: Scene, random: Random) -> None:
    """SIGKILL, and another process in its place at once."""
    random.choice(scene.replicas).signal(signal.SIGKILL)


async def kill_both_operators(scene: Scene, random: Random) -> None:
    """Nobody is there for some seconds."""
    scene.held = True
    for replica in scene.replicas:
        replica.signal(signal.SIGKILL)
    await asyncio.sleep(random.uniform(0, 8))
    scene.held = False


async def stop_operator(scene: Scene, random: Random) -> None:
    """As for an upgrade."""
    random.choice(scene.replicas).signal(signal.SIGTERM)


async def freeze_operator(scene: Scene, random: Random) -> None:
    """SIGSTOP, for less or for more than its Lease, and it thaws in the midst of what it did."""
    replica = random.choice(scene.replicas)
    replica.signal(signal.SIGSTOP)
    await asyncio.sleep(random.uniform(1, 20))
    replica.signal(signal.SIGCONT)


async def kill_at_a_call(scene: Scene, random: Random) -> None:
    """Both replicas, right before or after one of their calls, wherever that is."""
    calls = sorted(set(scene.calls.read_text().split("\n")) - {""}) if scene.calls.exists() else ["enqueue"]
    for replica in scene.replicas:
        when = random.choice(["before", "after"])
        await kill_at(replica, f"{when}:{random.choice(calls)}:{random.choice([1, 1, 1, 2, 3, 5, 8])}")


async def kill_at(replica: Replica, point: str) -> None:
    """Start a replica anew, to be killed at that point."""
    while not replica.ended():  # it may have been started anew before this looks: then it is killed once more
        replica.signal(signal.SIGKILL)
        await asyncio.sleep(0.01)
    replica.env["CHAOS_KILL"] = point
    await asyncio.sleep(0.1)


async def lose_worker(scene: Scene, random: Random) -> None:
    """A pod's node loses power; the node controller says so, or nobody does."""
    pods = [pod async for pod in scene.kubernetes.list(PODS, scene.namespace, fields="status.phase=Running")]
    if not pods:
        return
    pod = random.choice(pods)
    job = pod["metadata"]["labels"]["batch.kubernetes.io/job-name"]
    scene.node.lose(job)
    if random.random() < 1 / 2:
        status = {"status": {"phase": "Failed", "reason": "NodeLost"}}
        await scene.kubernetes.patch(PODS, scene.namespace, pod["metadata"]["name"], status, subresource="status")


async def freeze_worker(scene: Scene, random: Random) -> None:
    """For less or for more than its lease."""
    pods = [pod["metadata"]["name"] async for pod in scene.kubernetes.list(PODS, scene.namespace)]
    frozen = set(random.sample(pods, min(2, len(pods))))
    scene.node.frozen |= frozen
    await asyncio.sleep(random.uniform(2, 20))
    scene.node.frozen -= frozen


async def delete_worker(scene: Scene, random: Random) -> None:
    """Somebody deletes a worker's Job."""
    jobs = [job["metadata"]["name"] async for job in scene.kubernetes.list(JOBS, scene.namespace)]
    if jobs:
        await scene.kubernetes.delete(JOBS, scene.namespace, random.choice(jobs))


async def restart_redis(scene: Scene, random: Random) -> None:
    """It comes back empty."""
    scene.redis_process.kill()
    await asyncio.sleep(random.uniform(0, 4))
    scene.redis_process.start()


async def flush_redis(scene: Scene, _: Random) -> None:
    """FLUSHALL."""
    with suppress(RedisError, OSError):
        await scene.redis.flushall()


async def pause_redis(scene: Scene, random: Random) -> None:
    """It neither answers nor refuses, and comes back as it was."""
    scene.redis_process.signal(signal.SIGSTOP)
    await asyncio.sleep(random.uniform(1, 20))
    scene.redis_process.signal(signal.SIGCONT)


async def fill_redis(scene: Scene, random: Random) -> None:
    """It is out of memory."""
    with suppress(RedisError, OSError):
        await scene.redis.config_set("maxmemory", "1mb")
    await asyncio.sleep(random.uniform(1, 10))
    await _mend_redis(scene)


async def protect_redis(scene: Scene, random: Random) -> None:
    """It takes no writes, as a primary does that has lost its replicas."""
    with suppress(RedisError, OSError):
        await scene.redis.config_set("min-replicas-to-write", "1")
    await asyncio.sleep(random.uniform(1, 10))
    await _mend_redis(scene)


async def _mend_redis(scene: Scene) -> None:
    with suppress(RedisError, OSError):
        await scene.redis.config_set("maxmemory", "0")
        await scene.redis.config_set("min-replicas-to-write", "0")


async def double_events(scene: Scene, random: Random) -> None:
    """What was told is told once more, in another order."""
    with suppress(RedisError, OSError):
        key = scene.keys.fixed("events")
        told = [fields for _, fields in await scene.redis.xrange(key)]
        random.shuffle(told)
        for fields in told:
            await scene.redis.xadd(key, fields)
        if random.random() < 1 / 2:
            await scene.redis.xgroup_setid(key, GROUP, "0")


async def refuse_requests(scene: Scene, random: Random) -> None:
    """The API server answers 429, 409, 500 or 503, a third of the time."""
    for replica in scene.replicas:
        replica.proxy.refusals = random.choice([(429,), (409,), (500, 503)])
    await asyncio.sleep(random.uniform(1, 10))
    _mend_proxies(scene)


async def lose_answers(scene: Scene, random: Random) -> None:
    """What the operator asks is carried out, and it is not told, a fifth of the time."""
    for replica in scene.replicas:
        replica.proxy.loses_answers = True
    await asyncio.sleep(random.uniform(1, 10))
    _mend_proxies(scene)


async def slow_requests(scene: Scene, random: Random) -> None:
    """The API server takes its time."""
    for replica in scene.replicas:
        replica.proxy.latency_s = random.uniform(0.2, 2)
    await asyncio.sleep(random.uniform(1, 10))
    _mend_proxies(scene)


async def lose_api_server(scene: Scene, random: Random) -> None:
    """It is restarted, as far as one or both replicas can see."""
    lost = random.sample(scene.replicas, random.choice([1, 2]))
    for replica in lost:
        replica.proxy.away = True
        replica.proxy.cut()
    await asyncio.sleep(random.uniform(1, 15))
    _mend_proxies(scene)


async def expire_watches(scene: Scene, _: Random) -> None:
    """Watches begin anew at a version of long ago, which is answered by 410."""
    for replica in scene.replicas:
        replica.proxy.expired = 5
        replica.proxy.cut()


async def silence_watches(scene: Scene, random: Random) -> None:
    """Watches say nothing, and do not end."""
    for replica in scene.replicas:
        replica.proxy.silent = True
        replica.proxy.cut()
    await asyncio.sleep(random.uniform(5, 20))
    _mend_proxies(scene)


def _mend_proxies(scene: Scene) -> None:
    for replica in scene.replicas:
        replica.proxy.recover()


async def delete_leases(scene: Scene, _: Random) -> None:
    """Somebody deletes every Lease."""
    leases = [each["metadata"]["name"] async for each in scene.kubernetes.list(LEASES, scene.namespace)]
    for name in leases:
        await scene.kubernetes.delete(LEASES, scene.namespace, name)


async def refuse_pods(scene: Scene, random: Random) -> None:
    """A quota that is used up."""
    hard = {"pods": "0"}
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"}, "spec": {"hard": hard}}
    status = {"status": {"hard": hard, "used": {"pods": "0"}}}
    await scene.kubernetes.create(QUOTAS, scene.namespace, body)
    await scene.kubernetes.patch(QUOTAS, scene.namespace, "tight", status, subresource="status")
    await asyncio.sleep(random.uniform(1, 10))
    await scene.kubernetes.delete(QUOTAS, scene.namespace, "tight")


async def restart_api_server(scene: Scene, random: Random) -> None:
    """The API server itself ends, as for an upgrade or at once, and another follows."""
    await _restart(scene, scene.apiserver.api, random.choice([signal.SIGTERM, signal.SIGKILL]), random)


async def restart_etcd(scene: Scene, random: Random) -> None:
    """Etcd is killed; for a while the API server has nothing to say."""
    await _restart(scene, scene.apiserver.etcd, signal.SIGKILL, random)


async def _restart(scene: Scene, program: Program, number: signal.Signals, random: Random) -> None:
    async with scene.restarting:
        await asyncio.to_thread(program.stop, number)
        await asyncio.sleep(random.uniform(0, 5))
        program.start()
        await asyncio.to_thread(scene.apiserver.wait_until_ready)


async def compact_etcd(scene: Scene, _: Random) -> None:
    """Etcd forgets all of before, and watches that were cut cannot go on where they were."""
    labels = {"metadata": {"labels": {"at": secrets.token_hex(4)}}}
    patched = await scene.kubernetes.patch(NAMESPACES, "", scene.namespace, labels)
    assert patched
    with suppress(OSError):  # it is being restarted
        await asyncio.to_thread(scene.apiserver.forget, patched["metadata"]["resourceVersion"])
    for replica in scene.replicas:
        replica.proxy.cut()


async def drain_node(scene: Scene, _: Random) -> None:
    """Every pod is evicted."""
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
    status = {"status": {"phase": "Failed", "conditions": [condition]}}
    async for pod in scene.kubernetes.list(PODS, scene.namespace, fields="status.phase=Running"):
        scene.node.lose(pod["metadata"]["labels"]["batch.kubernetes.io/job-name"])
        await scene.kubernetes.patch(PODS, scene.namespace, pod["metadata"]["name"], status, subresource="status")


# --- of real workers


def _real(scene: Scene) -> RealNode:
    assert isinstance(scene.node, RealNode)
    return scene.node


async def kill_supervisor(scene: Scene, random: Random) -> None:
    """SIGKILL to a worker that is at work, as when its container runs out of memory."""
    if busy := _real(scene).busy():
        random.choice(busy).kill()


async def kill_renderer(scene: Scene, random: Random) -> None:
    """SIGKILL to what decodes media."""
    if renderers := _real(scene).renderers():
        with suppress(ProcessLookupError):
            os.kill(random.choice(renderers), signal.SIGKILL)


async def freeze_supervisor(scene: Scene, random: Random) -> None:
    """For less or for more than its lease; it thaws in the midst of what it did."""
    if busy := _real(scene).busy():
        await _freeze(random.choice(busy).pid, random)


async def freeze_renderer(scene: Scene, random: Random) -> None:
    """Its supervisor renews, and there is no progress."""
    if renderers := _real(scene).renderers():
        await _freeze(random.choice(renderers), random)


async def _freeze(pid: int, random: Random) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(random.uniform(2, 20))
        os.kill(pid, signal.SIGCONT)


async def fail_sources(scene: Scene, random: Random) -> None:
    """Where sources are answers 503, or does not answer, or stops in the middle."""
    assert scene.sources
    scene.sources.fault = random.choice(["fail", "hang", "cut"])
    await asyncio.sleep(random.uniform(1, 10))
    scene.sources.fault = ""


async def fill_volume(scene: Scene, random: Random) -> None:
    """No output finds room."""
    if (path := _real(scene).fill()) is not None:
        await asyncio.sleep(random.uniform(1, 10))
        path.unlink(missing_ok=True)  # two may do so at a time


FAULTS: tuple[Fault, ...] = (
    *(kill_operator, kill_both_operators, stop_operator, freeze_operator, kill_at_a_call, kill_at_a_call),
    *(lose_worker, freeze_worker, delete_worker),
    *(restart_redis, flush_redis, pause_redis, fill_redis, protect_redis, double_events),
    *(refuse_requests, lose_answers, slow_requests, lose_api_server, expire_watches, silence_watches),
    *(delete_leases, refuse_pods),
    *(restart_api_server, restart_etcd, compact_etcd, drain_node),
)
OF_WORKERS: tuple[Fault, ...] = (
    *(kill_supervisor, kill_renderer, freeze_supervisor, freeze_renderer, fail_sources, fill_volume),
    *(delete_worker, drain_node, pause_redis, restart_redis, kill_both_operators),
)
"""What is drawn where workers are the real ones."""
