"""A round of chaos: VideoJobs and faults drawn by a seed, and then what must hold."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.node import is_over
from tests.chaos.real_node import RealNode
from tests.chaos.scene import FINAL, Scene
from videojob_contract.api_paths import EVENTS, JOBS, VIDEOJOBS

log = logging.getLogger("chaos")

FATES = {"well": 70, "bad": 8, "flaky": 8, "cancelled": 7, "deleted": 7}
"""Which of a hundred VideoJobs come to which end."""
ENDS = {"well": {"Succeeded"}, "bad": {"Failed"}, "flaky": {"Succeeded"}, "cancelled": {"Cancelled", "Succeeded"}}
SETTLE_S = 240.0
"""Within how long all is done once nothing fails any more: a lease, a few backoffs, the election, and the work."""
LEFT_OVER = ("backlog", "lanes", "turns", "shared", "leases", "running", "resting", "payloads", "progress", "results")


@dataclass
class Round:
    """What came of a round."""

    jobs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    took_s: float = 0.0


async def play(scene: Scene, seed: str, *, jobs: int, faults: int, kinds: Sequence[Fault] = FAULTS) -> Round:
    """Play a round.

    Raises:
        AssertionError: something does not hold; the message says what.
    """
    random, done, began = Random(seed), Round(jobs), time.monotonic()
    plan = [random.choice(kinds) for _ in range(faults)]
    names = await asyncio.gather(
        _apply(scene, seed, Random(f"{seed} jobs"), jobs),
        *(_fail(scene, Random(f"{seed} {line}"), plan[line::2], done) for line in range(2)),
    )
    await scene.until(lambda: _unfinished(scene), "every VideoJob ends", SETTLE_S)
    await _check(scene, names[0], done)
    done.took_s = time.monotonic() - began
    return done


async def _apply(scene: Scene, seed: str, random: Random, jobs: int) -> list[str]:
    names = []
    for number in range(jobs):
        (fate,) = random.choices(list(FATES), list(FATES.values()))
        name = f"r{seed.replace(' ', '-')}-{number}-{fate}-{random.randint(1, 30)}"
        await scene.create(name, queue=random.choice(["high", "default"]), user=random.choice(["ann", "bob"]))
        names.append(name)
        await asyncio.sleep(random.uniform(0, 0.2))
        if random.random() < 1 / 3:
            earlier = random.choice(names)
            if "-cancelled-" in earlier:
                await scene.kubernetes.patch(VIDEOJOBS, scene.namespace, earlier, {"spec": {"cancel": True}})
            if "-deleted-" in earlier:
                await scene.kubernetes.delete(VIDEOJOBS, scene.namespace, earlier)
    for name in names:
        if "-cancelled-" in name:
            await scene.kubernetes.patch(VIDEOJOBS, scene.namespace, name, {"spec": {"cancel": True}})
        if "-deleted-" in name:
            await scene.kubernetes.delete(VIDEOJOBS, scene.namespace, name)
    return names


async def _fail(scene: Scene, random: Random, plan: Sequence[Fault], done: Round) -> None:
    for fault in plan:
        await asyncio.sleep(random.uniform(0.2, 2))
        log.info("%s", getattr(fault, "__name__", fault))
        await fault(scene, random)
        done.faults[getattr(fault, "__name__", "kill_at")] += 1


async def _unfinished(scene: Scene) -> list[str]:
    videojobs = await scene.videojobs()
    phases = {name: (each.get("status") or {}).get("phase", "") for name, each in videojobs.items()}
    return [f"{name} {phase}" for name, phase in phases.items() if phase not in FINAL]


async def _check(scene: Scene, names: Sequence[str], done: Round) -> None:
    videojobs, wrong = await scene.videojobs(), []
    for name in names:
        fate = name.split("-")[-2]
        if fate == "deleted":
            if name in videojobs:
                wrong.append(f"{name} is there, and was deleted")
            continue
        status = videojobs[name]["status"]
        done.ends[status["phase"]] += 1
        if status["phase"] not in ENDS[fate]:
            wrong.append(f"{name}: {status}")
        elif status["phase"] == "Succeeded" and (status["progress"], status["stage"]) != (100, "Completed"):
            wrong.append(f"{name} succeeded and is not whole: {status}")
        begun = sorted(attempt for of, attempt in scene.node.starts if of == name)
        if status["phase"] != "Cancelled" and any(attempt > status["attempts"] for attempt in begun):
            wrong.append(f"{name}: attempts {begun} began, and the status has {status['attempts']}")
        if status["attempts"] != 1 + status["failures"] + status["interruptions"] and status["phase"] == "Succeeded":
            wrong.append(f"{name}: its counters do not add up: {status}")
    # What was lost together with Redis, before an operator had heard of it, nobody knows to have begun.
    again = Counter(scene.node.starts) - scene.node.lost
    wrong += [f"{of}: attempt {n} began {times} times" for (of, n), times in again.items() if times > 1]
    if isinstance(scene.node, RealNode):
        wrong += scene.node.wrong_files(videojobs)
    assert not wrong, wrong
    told = [event async for event in scene.kubernetes.list(EVENTS, scene.namespace)]
    ends = Counter(event["regarding"]["uid"] for event in told if event["reason"] in {"Succeeded", "Cancelled"})
    assert max(ends.values(), default=0) <= 1, f"told twice: {ends.most_common(3)}"
    await scene.until(lambda: _left_over(scene), "nothing is left over", 90)
    for name in videojobs:
        await scene.kubernetes.delete(VIDEOJOBS, scene.namespace, name)
    await scene.until(lambda: _left_over(scene), "nothing is left over of what was deleted", 90)
    scene.node.starts.clear()
    scene.node.lost.clear()


async def _left_over(scene: Scene) -> list[str]:
    """Return what nobody needs any more: in Redis, and of workers."""
    found = [f"{key} in Redis" for key in LEFT_OVER if await scene.redis.exists(scene.keys.fixed(key))]
    known = await scene.queue.known_uids()
    if known:
        found.append(f"entries of {sorted(known)}")
    if events := await scene.redis.xlen(scene.keys.fixed("events")):
        found.append(f"{events} events")
    snapshot = await scene.queue.snapshot()
    found += [f"worker {each.id} is {each.state}" for each in snapshot.workers if each.state != "idle"]
    async for job in scene.kubernetes.list(JOBS, scene.namespace):
        metadata = job["metadata"]
        owners = {each["kind"] for each in metadata["ownerReferences"]}
        if not is_over(job) and "VideoJob" in owners:
            found.append(f"Job {metadata['name']} of a VideoJob that has ended is at work")
    return found
