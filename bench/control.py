"""The control plane under load: one operator on one core, a real API server and a real Redis, and fake workers.

`make bench-control`, with ROWS="100 1000 10000" for numbers of VideoJobs, GATE=1 to compare with what was recorded, and
RECORD=1 to record. Prints a table for each number and writes .bench/control.json. API server, etcd, Redis, the operator
and the program that measures share the machine, so that on few cores times are those of the API server; what the
operator itself needs is told in processor seconds, which other programs hardly change.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any

import uvloop

from bench.control_peers import PEERS
from bench.control_rig import Rig, memory_mib, rig
from bench.light_client import all_of
from bench.redis_queue import assignment, claims_per_s
from tests.integration.operator.conftest import CLIPS, POOL_SPEC
from videojob_contract.api_paths import RENDERPOOLS, VIDEOJOBS
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import PoolKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

ROOT = Path(__file__).parents[1]
RECORDED = Path(__file__).with_name("control_recorded.json")
ROWS = (100, 1000, 10_000)
LIVES = 40
RUNNING = 1000
TOLERANCE = 0.2
FINISHED = {"phase": "Succeeded", "progress": 100, "attempts": 1, "finishedAt": "2026-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Measure:
    """What is measured."""

    what: str
    unit: str
    goal: float | None = None
    """At most, or at least if `more`; None where there is none."""
    more: bool = False
    is_gated: bool = False
    """Whether it says more of the operator than of the machine, and is compared with what was recorded."""


MEASURES = {
    "claimed_ms": Measure("apply → claimed, warm, quiet: median", "ms", 15),
    "claimed_worst_ms": Measure("  the worst of 40", "ms", 50),
    "told_ms": Measure("result → terminal status: median", "ms", 30),
    "life_writes": Measure("API writes over a life of 10 s, Events apart", "", 6, is_gated=True),
    "life_events": Measure("  Events", "", is_gated=True),
    "cold_ms": Measure("no worker: apply → its Job: median", "ms"),
    "queue_claims_per_s": Measure("claims and results at the queue alone", "/s", 2000, more=True),
    "burst_claims_per_s": Measure("applied at once, to warm workers: claims", "/s", 300, more=True),
    "finished_per_s": Measure("no-op renders, 50 workers: finished", "/s", 100, more=True),
    "finished_cpu_ms": Measure("  operator's processor time of each", "ms", 10, is_gated=True),
    "finished_reconciles": Measure("  reconciles of each", "", is_gated=True),
    "apply_s": Measure("all applied at once: the API server took them in", "s"),
    "queued_s": Measure("  all are Queued", "s", 60),
    "queued_cpu_ms": Measure("  operator's processor time of each", "ms", is_gated=True),
    "memory_mib": Measure("  operator's memory", "MiB", 250, is_gated=True),
    "restart_s": Measure("restart with as many finished: first new claim", "s", 10),
    "restart_cpu_s": Measure("  operator's processor time until then", "s", is_gated=True),
    "progress_writes_per_s": Measure("running with progress: status writes", "/s", 40, is_gated=True),
    "progress_oldest_s": Measure("  oldest progress", "s", 30),
    "progress_cpu_percent": Measure("  operator", "% of a core", is_gated=True),
    "idle_cpu_percent": Measure("idle with as many finished", "% of a core", 1),
    "idle_memory_mib": Measure("  operator's memory", "MiB", is_gated=True),
    **{
        f"{peer}_{key}": measure
        for peer, given in (
            ("naive", "naive kopf: apply → its Job"),
            ("kueue", "Kueue: a suspended Job → it starts"),
            ("keda", "KEDA, each second: an item in a Redis list → its Job"),
        )
        for key, measure in {
            "job_ms": Measure(f"{given}: median", "ms"),
            "jobs_per_s": Measure("  given at once: Jobs", "/s"),
            "cpu_ms": Measure("  its processor time of each", "ms"),
            "writes": Measure("  its writes for each", ""),
            "memory_mib": Measure("  its memory", "MiB"),
        }.items()
    },
}


class Run:
    """All measurements with one number of VideoJobs."""

    def __init__(self, rig: Rig, count: int, peers: Sequence[str]) -> None:
        self._rig, self._count, self._peers = rig, count, peers
        self._pools: set[str] = set()
        self.found: dict[str, float] = {}
        self._told: set[str] = set()

    async def measure(self, only: set[str]) -> None:
        """Measure all, or the parts that are named, in their order."""
        parts: list[Callable[[], Awaitable[None]]] = [
            *(self.idle, self.quiet, self.life, self.cold, self.queue, self.burst, self.finish),
            *(self.backlog, self.restart, self.progress, self.peers),
        ]
        await self._create("finished", self._count, finished=True)
        self._rig.operator.start()
        await self._pool("default", minIdle=2, maxWorkers=4)
        for part in parts:
            name = part.__name__
            if not only or name in only:
                began = time.monotonic()
                tell(f"{self._count}: {name}")
                await part()
                tell(f"{self._count}: {name} took {time.monotonic() - began:.0f} s: {self._new()}\n")

    def _new(self) -> str:
        """Return what was found since it was last asked, for who waits for the rest."""
        new = {key: value for key, value in self.found.items() if key not in self._told}
        self._told |= new.keys()
        return ", ".join(f"{key} {value:.3g}" for key, value in new.items())

    # --- one at a time

    async def idle(self) -> None:
        """Nothing happens."""
        await self._idle(2)
        await self._rig.until(lambda: self._looks() >= self._count, "each was looked at once, as after every start")
        await asyncio.sleep(5)
        before = self._rig.operator_cpu_s()
        await asyncio.sleep(30)
        self.found["idle_cpu_percent"] = 100 * (self._rig.operator_cpu_s() - before) / 30
        self.found["idle_memory_mib"] = memory_mib(self._rig.operator.pid)

    async def quiet(self) -> None:
        """One VideoJob at a time, with a warm worker."""
        claimed, told = [], []
        for number in range(LIVES):
            await self._idle(2)
            await asyncio.sleep(0.2)
            name = f"quiet-{number}"
            began = time.monotonic()
            await self._create_one(name)
            await self._ended([name])
            claimed.append(1000 * (self._rig.workers.claimed[name] - began))
            told.append(1000 * (self._rig.observer.final[name] - self._rig.workers.finished[name]))
        self.found["claimed_ms"], self.found["claimed_worst_ms"] = statistics.median(claimed), max(claimed)
        self.found["told_ms"] = statistics.median(told)

    async def life(self) -> None:
        """One that renders for 10 s."""
        await self._idle(2)
        await asyncio.sleep(2)
        before, self._rig.workers.render_s = self._rig.writes(), 10
        await self._create_one("life")
        await self._ended(["life"])
        self._rig.workers.render_s = 0
        await self._idle(2)
        await asyncio.sleep(3)
        grown = self._rig.writes() - before
        tell(f"writes over a life: {dict(grown)}\n")
        # A pool's status and its Lease are shared by all of its VideoJobs.
        of_one = {what: n for what, n in grown.items() if not what.split()[1].startswith(("renderpools", "leases"))}
        self.found["life_events"] = of_one.pop("create events", 0)
        self.found["life_writes"] = sum(of_one.values())

    async def cold(self) -> None:
        """One at a time, and no worker waits."""
        await self._pool("cold", minIdle=0, maxWorkers=1, idleTimeout="1s")
        took = []
        for number in range(10):
            known = len(self._rig.workers.jobs_seen)
            began = time.monotonic()
            await self._create_one(f"cold-{number}", pool="cold")
            await self._rig.until(lambda known=known: len(self._rig.workers.jobs_seen) > known, "a Job is made")
            took.append(1000 * (max(self._rig.workers.jobs_seen.values()) - began))
            await self._ended([f"cold-{number}"])
        self.found["cold_ms"] = statistics.median(took)

    # --- many

    async def queue(self) -> None:
        """The queue, without API server and operator."""
        queue = OperatorQueue(PoolKey("bench", "queue"), self._rig.redis)
        await queue.load_scripts()
        await queue.configure({"high": 10, "default": 5, "low": 1})
        count = 4000
        for start in range(0, count, 100):
            await asyncio.gather(*(queue.enqueue("default", assignment(f"q-{start + n}")) for n in range(100)))
        self.found["queue_claims_per_s"] = await claims_per_s(queue, self._rig.redis, 8, count)
        await queue.delete_pool()

    async def burst(self) -> None:
        """As many as there are warm workers, at once."""
        count = min(self._count, 200)
        await self._pool("default", minIdle=count, maxWorkers=count)
        await self._idle(count)
        names = [f"burst-{number}" for number in range(count)]
        began = time.monotonic()
        await all_of([self._create_one(name) for name in names])
        await self._rig.until(lambda: self._rig.workers.claimed.keys() >= set(names), "all are claimed")
        self.found["burst_claims_per_s"] = count / (max(self._rig.workers.claimed[name] for name in names) - began)
        await self._ended(names)

    async def finish(self) -> None:
        """Renders that take no time."""
        count = min(self._count, 1000)
        await self._pool("default", minIdle=2, maxWorkers=50, surge=50)
        await asyncio.sleep(10)  # for workers to be retired
        names = [f"no-op-{number}" for number in range(count)]
        began, cpu, looks = time.monotonic(), self._rig.operator_cpu_s(), self._looks()
        await all_of([self._create_one(name) for name in names])
        await self._ended(names)
        self.found["finished_per_s"] = count / (max(self._rig.observer.final[name] for name in names) - began)
        self.found["finished_cpu_ms"] = 1000 * (self._rig.operator_cpu_s() - cpu) / count
        self.found["finished_reconciles"] = (self._looks() - looks) / count

    async def backlog(self) -> None:
        """All at once, into a pool that gives out nothing."""
        await self._pool("closed", minIdle=0, maxWorkers=0)
        began, cpu = time.monotonic(), self._rig.operator_cpu_s()
        await self._create("backlog", self._count, pool="closed")
        self.found["apply_s"] = time.monotonic() - began
        await self._rig.until(lambda: self._rig.observer.phases["Queued"] >= self._count, "all are Queued")
        self.found["queued_s"] = time.monotonic() - began
        self.found["queued_cpu_ms"] = 1000 * (self._rig.operator_cpu_s() - cpu) / self._count
        self.found["memory_mib"] = memory_mib(self._rig.operator.pid)

    async def restart(self) -> None:
        """A new operator, while as many wait and as many have finished."""
        await self._pool("default", minIdle=1, maxWorkers=4)
        self._rig.operator.kill()
        began = time.monotonic()
        starting = asyncio.create_task(asyncio.to_thread(self._rig.operator.start))
        await self._create_one("restarted")
        await self._rig.until(lambda: "restarted" in self._rig.workers.claimed, "a new one is claimed")
        self.found["restart_s"] = self._rig.workers.claimed["restarted"] - began
        await starting
        self.found["restart_cpu_s"] = self._rig.operator_cpu_s()
        await self._ended(["restarted"])

    async def progress(self) -> None:
        """Many that run and report."""
        count, lasts_s, settle_s = min(self._count, RUNNING), 60.0, 60.0
        await self._pool("many", minIdle=count, maxWorkers=count)
        await self._idle(count)
        self._rig.workers.render_s = 1800
        names = [f"running-{number}" for number in range(count)]
        await all_of([self._create_one(name, pool="many") for name in names])
        await self._rig.until(lambda: self._rig.observer.phases["Running"] >= count, "all run")
        await asyncio.sleep(settle_s)
        writes, cpu, oldest_s = self._rig.writes()["patch videojobs/status"], self._rig.operator_cpu_s(), 0.0
        began = time.monotonic()
        while time.monotonic() < began + lasts_s:
            await asyncio.sleep(0.5)
            seen = self._rig.observer.progress
            oldest_s = max(oldest_s, time.monotonic() - min(seen.get(name, 0.0) for name in names))
        took_s = time.monotonic() - began
        self.found["progress_writes_per_s"] = (self._rig.writes()["patch videojobs/status"] - writes) / took_s
        self.found["progress_cpu_percent"] = 100 * (self._rig.operator_cpu_s() - cpu) / took_s
        self.found["progress_oldest_s"] = oldest_s

    async def peers(self) -> None:
        """What others do of it, each by itself and in a namespace of its own."""
        self._rig.operator.stop()
        for name in self._peers:
            try:
                found = await PEERS[name](self._rig, self._count)
            except (TimeoutError, CalledProcessError) as error:
                tell(f"{self._count}: {name}: NOT MEASURED TO THE END: {error}\n")
                continue
            self.found |= {f"{name}_{key}": value for key, value in found.items()}

    # --- means

    async def _pool(self, name: str, **spec: Any) -> None:
        body = {"apiVersion": "videojob.dev/v1alpha1", "kind": "RenderPool", "metadata": {"name": name}}
        if name in self._pools:
            await self._rig.client.patch(RENDERPOOLS, self._rig.namespace, name, {"spec": spec})
        else:
            await self._rig.client.create(RENDERPOOLS, self._rig.namespace, body | {"spec": POOL_SPEC | spec})
            self._pools.add(name)

    def _looks(self) -> float:
        return self._rig.operator.metric("videojob_reconcile_seconds_count", queue="videojobs")

    async def _create_one(self, name: str, **spec: Any) -> None:
        await self._rig.client.create(VIDEOJOBS, self._rig.namespace, videojob(name, **spec))

    async def _create(self, prefix: str, count: int, *, finished: bool = False, **spec: Any) -> None:
        done = 0

        async def one(name: str) -> None:
            nonlocal done
            await self._create_one(name, **spec)
            if finished:
                await self._rig.client.patch(VIDEOJOBS, self._rig.namespace, name, {"status": FINISHED}, "status")
            done += 1
            if done % 100 == 0:
                tell(f"{self._count}: {prefix} {done}/{count}")

        await all_of([one(f"{prefix}-{number}") for number in range(count)])

    async def _idle(self, count: int) -> None:
        await self._rig.until(lambda: len(self._rig.workers.idle) >= count, f"{count} workers are idle")

    async def _ended(self, names: list[str]) -> None:
        await self._rig.until(lambda: self._rig.observer.final.keys() >= set(names), "all have ended")


def videojob(name: str, **spec: Any) -> dict[str, Any]:
    """Return a VideoJob of one second in one colour."""
    kind = {"apiVersion": "videojob.dev/v1alpha1", "kind": "VideoJob"}
    return kind | {"metadata": {"name": name}, "spec": {"clips": CLIPS} | spec}


def tell(text: str) -> None:
    """Show how far it is: on one line where someone looks on."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text.endswith("\n"):
        print(text, end="", file=sys.stderr, flush=True)


def show(found: dict[int, dict[str, float]]) -> None:
    """Print a table in Markdown, a column for each number of VideoJobs."""
    print(f"\nload at the end: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    print(f"\n| | goal | {' | '.join(f'{count:,}' for count in found)} |")
    print(f"|---|---|{'---|' * len(found)}")
    for key, measure in MEASURES.items():
        figures = [f"{row[key]:.3g}" if key in row else "" for row in found.values()]
        goal = "" if measure.goal is None else f"{'≥' if measure.more else '≤'} {measure.goal:g}"
        unit = f", {measure.unit}" if measure.unit else ""
        if any(figures):
            print(f"| {measure.what}{unit} | {goal} | {' | '.join(figures)} |")


def beyond(found: dict[int, dict[str, float]], recorded: dict[str, dict[str, float]]) -> list[str]:
    """Return what is worse than what was recorded by more than a fifth, of what says more of us than of the machine."""
    return [
        f"{count:,}: {MEASURES[key].what.strip()}: {row[key]:.3g}, and was {known:.3g}"
        for count, row in found.items()
        for key, known in recorded.get(str(count), {}).items()
        if key in row and row[key] > known * (1 + TOLERANCE)
    ]


def mean(runs: list[dict[int, dict[str, float]]]) -> dict[int, dict[str, float]]:
    """Return the mean of each figure."""
    return {
        count: {key: statistics.mean(run[count][key] for run in runs) for key in row} for count, row in runs[0].items()
    }


async def measure(count: int, only: set[str], peers: Sequence[str] = ()) -> dict[str, float]:
    """Measure with one number of VideoJobs, on servers of its own."""
    async with rig() as made:
        run = Run(made, count, peers)
        try:
            await run.measure(only)
        except TimeoutError as error:
            tell(f"{count}: NOT MEASURED TO THE END: {error}\n")
        return run.found


def main() -> None:
    """Measure, and compare."""
    parser = argparse.ArgumentParser(description="The control plane under load.")
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS, help="numbers of VideoJobs")
    parser.add_argument("--only", nargs="*", default=[], help="parts, such as quiet, backlog or peers; all")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=["naive"], help="what to compare with")
    parser.add_argument("--runs", type=int, default=1, help="runs of which the mean counts; 5 to record")
    parser.add_argument("--gate", action="store_true", help="fail if it is worse than recorded by more than a fifth")
    parser.add_argument("--record", action="store_true", help="record it")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runs = [
            {count: runner.run(measure(count, set(options.only), options.peers)) for count in options.rows}
            for _ in range(options.runs)
        ]
    found = mean(runs)
    show(found)
    folder = ROOT / ".bench"
    folder.mkdir(exist_ok=True)
    (folder / "control.json").write_text(json.dumps({"load": os.getloadavg(), "runs": runs}, indent=1))
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    if options.record:
        for count, row in found.items():
            known = recorded.setdefault(str(count), {})
            known |= {key: round(value, 3) for key, value in row.items() if MEASURES[key].is_gated}
        RECORDED.write_text(f"{json.dumps(recorded, indent=1)}\n")
    if options.gate and not recorded.keys() & {str(count) for count in found}:
        raise SystemExit(f"nothing is recorded to compare with in {RECORDED}: RUNS=5 RECORD=1")
    if options.gate and (worse := beyond(found, recorded)):
        raise SystemExit("worse than recorded:\n" + "\n".join(worse))


if __name__ == "__main__":
    main()
