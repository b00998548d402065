"""The gateway under load: one of it on one core, a real API server and a real Redis, and nginx beside it for files.

`make bench-gateway`, with COUNT=10000 for the number of VideoJobs that there are, LIVE=5000 for that of live clients
and ONLY="submit files" for some parts. Prints a table and writes .bench/gateway.json. API server, etcd and the program
that measures share the machine: on few cores times are also theirs, and the gateway's processor time is what to go by.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from bench.control import FINISHED, tell, videojob
from bench.control_rig import cpu_s
from bench.gateway_clients import Followers, send_file, take_file
from bench.gateway_rig import MEDIA, GatewayRig, gateway_rig, nginx
from bench.light_client import all_of
from videojob_contract.api_paths import VIDEOJOBS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

ROOT = Path(__file__).parents[1]
COUNT, LIVE, FEWER_LIVE = 10_000, 5000, 1000
SUBMITTED, A_SECOND = 1000, 50
LISTED = 300
WRITES = 40
FILE_BYTES, ROUNDS = 256 << 20, 5
FOLLOWED = 100
"""VideoJobs that live clients follow, each of them one."""
WITHIN_S = 600.0


@dataclass(frozen=True)
class GatewayMeasure:
    """What is measured."""

    what: str
    unit: str
    goal: float | None = None
    """At most, or at least if `more`; None where there is none."""
    more: bool = False


MEASURES = {
    "submit_ms": GatewayMeasure(f"submit at {A_SECOND}/s: request → 202: median", "ms", 15),
    "submit_p99_ms": GatewayMeasure("  of 100, the 99th", "ms", 60),
    "submit_cpu_ms": GatewayMeasure("  the gateway's processor time of each", "ms"),
    "list_ms": GatewayMeasure("list of 50: median", "ms", 20),
    "list_p99_ms": GatewayMeasure("  of 100, the 99th", "ms"),
    "list_cpu_ms": GatewayMeasure("  the gateway's processor time of each", "ms"),
    "search_ms": GatewayMeasure("search for a text that two have: median", "ms"),
    "memory_mib": GatewayMeasure("memory (PSS)", "MiB"),
    "memory_live_mib": GatewayMeasure(f"  with {FEWER_LIVE:,} live clients", "MiB", 200 * 1e6 / (1 << 20)),
    "memory_many_mib": GatewayMeasure("  with all live clients", "MiB"),
    "open_s": GatewayMeasure("all live clients open their streams", "s"),
    "one_ms": GatewayMeasure(f"status write → those clients that follow it, of {FOLLOWED}: median", "ms"),
    "one_p99_ms": GatewayMeasure("  of 100, the 99th", "ms"),
    "all_ms": GatewayMeasure("status write → every client, each of which follows all: median", "ms"),
    "all_last_ms": GatewayMeasure("  the last of them", "ms"),
    "all_cpu_us": GatewayMeasure("  the gateway's processor time of each client", "µs"),
    "word_ms": GatewayMeasure("a worker's word in Redis → a live client: median", "ms"),
    "result_ms": GatewayMeasure("a worker's result in Redis → operator → status → a live client: median", "ms"),
    "send_mib_s": GatewayMeasure("a file is sent to it", "MiB/s"),
    "send_ratio": GatewayMeasure("  of what nginx takes", "times", 0.7, more=True),
    "send_cpu_ratio": GatewayMeasure("  of its processor time, nginx needs", "times"),
    "take_mib_s": GatewayMeasure("a file is taken from it", "MiB/s"),
    "take_ratio": GatewayMeasure("  of what nginx gives", "times", 0.7, more=True),
    "take_cpu_ratio": GatewayMeasure("  of its processor time, nginx needs", "times"),
}


@dataclass(frozen=True)
class _Transfer:
    wall_s: float
    cpu_s: float
    """Of the server."""


class _Transfers:
    """Files that one server took and gave."""

    def __init__(self) -> None:
        self._found: defaultdict[str, list[_Transfer]] = defaultdict(list)

    async def send(self, pid: int, *arguments: Any) -> None:
        """Send it a file, as `send_file`."""
        await self._measure("send", pid, send_file, *arguments)

    async def take(self, pid: int, *arguments: Any) -> None:
        """Take a file from it, as `take_file`."""
        await self._measure("take", pid, take_file, *arguments)

    def middle(self, what: str) -> _Transfer:
        """Return the medians."""
        found = self._found[what]
        return _Transfer(statistics.median(t.wall_s for t in found), statistics.median(t.cpu_s for t in found))

    async def _measure(self, what: str, pid: int, call: Callable[..., float], *arguments: Any) -> None:
        before = cpu_s(pid)
        wall_s = await asyncio.to_thread(call, *arguments)
        self._found[what].append(_Transfer(wall_s, cpu_s(pid) - before))


class GatewayRun:
    """All measurements."""

    def __init__(self, made: GatewayRig, session: aiohttp.ClientSession, count: int, live: int) -> None:
        self._made, self._session, self._count, self._live = made, session, count, live
        self.found: dict[str, float] = {}
        self._marks = 0

    async def measure(self, only: set[str]) -> None:
        """Measure all, or the parts that are named, in their order."""
        parts: list[Callable[[], Awaitable[None]]] = [self.lists, self.files, self.submit, self.live, self.word]
        for part in parts:
            name = part.__name__
            if not only or name in only:
                began, known = time.monotonic(), self.found.keys() | set()
                tell(f"{name}")
                await part()
                new = ", ".join(f"{key} {value:.3g}" for key, value in self.found.items() if key not in known)
                tell(f"{name} took {time.monotonic() - began:.0f} s: {new}\n")

    async def lists(self) -> None:
        """Pages, one after another."""
        self.found["memory_mib"] = self._made.memory_mib()
        cpu = self._made.cpu_s()
        took = [await self._timed("GET", "jobs?limit=50", 200) for _ in range(LISTED)]
        self.found["list_cpu_ms"] = 1000 * (self._made.cpu_s() - cpu) / LISTED
        self.found["list_ms"], self.found["list_p99_ms"] = _median_and_99(took)
        took = [await self._timed("GET", "jobs?text=known-77", 200) for _ in range(LISTED // 10)]
        self.found["search_ms"] = 1000 * statistics.median(took)

    async def submit(self) -> None:
        """So many a second, whether those before are answered or not."""
        took: list[float] = []

        async def one(number: int) -> None:
            body = {"name": f"submitted-{number}", "spec": videojob("")["spec"]}
            took.append(await self._timed("POST", "jobs", 202, json=body))

        cpu, began = self._made.cpu_s(), time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number in range(SUBMITTED):
                await asyncio.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
                tasks.create_task(one(number))
        self.found["submit_cpu_ms"] = 1000 * (self._made.cpu_s() - cpu) / SUBMITTED
        self.found["submit_ms"], self.found["submit_p99_ms"] = _median_and_99(took)

    async def live(self) -> None:
        """Streams, of one VideoJob each and of all."""
        followers = Followers(self._made.address, self._made.key)
        names = [f"live-{number}" for number in range(FOLLOWED)]
        await all_of([self._create(name) for name in names])
        paths = [f"jobs/{names[number % FOLLOWED]}/stream" for number in range(self._live)]
        await followers.open(paths[:FEWER_LIVE])
        await self._told(followers, names[0], min(FEWER_LIVE, self._live) // FOLLOWED)
        self.found["memory_live_mib"] = self._made.memory_mib()
        began = time.monotonic()
        await followers.open(paths[FEWER_LIVE:])
        self.found["open_s"] = time.monotonic() - began
        delays: list[float] = []
        for number in range(WRITES):
            await asyncio.sleep(0.1)
            delays += await self._told(followers, names[number % FOLLOWED], self._live // FOLLOWED)
        self.found["one_ms"], self.found["one_p99_ms"] = _median_and_99(delays)
        await followers.close()
        await followers.open(["stream"] * self._live)
        delays, last, cpu = [], [], self._made.cpu_s()
        for number in range(WRITES // 2):
            await asyncio.sleep(0.5)
            told = await self._told(followers, names[number % FOLLOWED], self._live)
            delays += told
            last.append(max(told))
        self.found["all_cpu_us"] = 1e6 * (self._made.cpu_s() - cpu) / len(delays)
        self.found["all_ms"], self.found["all_last_ms"] = 1000 * statistics.median(delays), 1000 * max(last)
        self.found["memory_many_mib"] = self._made.memory_mib()
        if followers.lost:
            raise RuntimeError(f"{followers.lost} live streams ended")
        await followers.close()

    async def word(self) -> None:
        """From a worker by Redis, the operator and the status."""
        rig = self._made.rig
        followers = Followers(self._made.address, self._made.key)
        await self._made.create_pool("words", minIdle=1, maxWorkers=2)
        await asyncio.to_thread(rig.operator.start)
        await rig.until(lambda: not rig.observer.phases["Pending"], "all that is there is looked at")
        rig.workers.render_s, rig.workers.report_s = 2.0, 0.25
        words: list[float] = []
        results: list[float] = []
        steady = Followers(self._made.address, self._made.key)
        await steady.open(["stream"])
        for number in range(WRITES // 2):
            await rig.until(lambda: bool(rig.workers.idle), "a worker is idle")
            name = f"word-{number}"
            await self._create(name, pool="words")
            await followers.open([f"jobs/{name}/stream"])
            await rig.until(lambda name=name: name in rig.workers.finished, "it is rendered")
            await _until(lambda: bool(followers.told["Succeeded"]))
            results.append(followers.told["Succeeded"][0] - rig.workers.finished[name])
            words += [
                told[0] - rig.workers.said[name, word]
                for word, told in followers.told.items()
                if (name, word) in rig.workers.said
            ]
            await followers.close()
        self.found["word_ms"], self.found["result_ms"] = (
            1000 * statistics.median(words),
            1000 * statistics.median(results),
        )
        await steady.close()
        rig.operator.stop()

    async def files(self) -> None:
        """The same files as nginx, by turns."""
        folder, name = self._made.folder / "nginx", "film"
        content = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + os.urandom(FILE_BYTES - 24)
        output = self._made.folder / "volumes/default/media/out" / self._made.rig.namespace / name / "main.mp4"
        output.parent.mkdir(parents=True)
        output.write_bytes(content)
        await self._create(name)
        status = {
            "name": "main",
            "uri": f"{MEDIA}/out/{self._made.rig.namespace}/{name}/main.mp4",
            "bytes": FILE_BYTES,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        await self._patch(name, {**FINISHED, "outputs": [status]})
        who = f"Authorization: Bearer {self._made.key}\r\n"
        asset, there = "/api/v1/assets?name=film.mp4", f"/api/v1/jobs/{name}/outputs/main"
        ours, theirs = _Transfers(), _Transfers()
        with nginx(folder) as (address, worker):
            os.link(output, folder / "files" / "main.mp4")
            (folder / "files" / "main.mp4").chmod(0o644)
            for number in range(ROUNDS):
                put = f"/sent-{number}.mp4"
                await ours.take(self._made.process.pid, self._made.address, there, FILE_BYTES, who)
                await theirs.take(worker, address, "/main.mp4", FILE_BYTES)
                await ours.send(self._made.process.pid, self._made.address, f"POST {asset}", output, who)
                await theirs.send(worker, address, f"PUT {put}", output)
                (folder / "files" / put.removeprefix("/")).unlink()
        for what in ("send", "take"):
            mine, other = ours.middle(what), theirs.middle(what)
            self.found[f"{what}_mib_s"] = FILE_BYTES / (1 << 20) / mine.wall_s
            self.found[f"{what}_ratio"] = other.wall_s / mine.wall_s
            self.found[f"{what}_cpu_ratio"] = other.cpu_s / mine.cpu_s

    # --- means

    async def _told(self, followers: Followers, name: str, count: int) -> list[float]:
        """Write a status, and return the seconds from before that until each follower was told of it."""
        followers.told.clear()
        self._marks += 1
        mark = f"{self._marks}"
        began = time.monotonic()
        await self._patch(name, {"phase": "Running", "message": f"mark-{mark}"})
        await _until(lambda: len(followers.told[mark]) >= count)
        return [told - began for told in followers.told[mark]]

    async def _timed(self, method: str, path: str, status: int, **options: Any) -> float:
        began = time.monotonic()
        async with self._session.request(method, path, **options) as answer:
            body = await answer.read()
            if answer.status != status:
                raise RuntimeError(f"{method} {path}: {body[:500]!r}")
        return time.monotonic() - began

    async def _create(self, name: str, **spec: Any) -> None:
        await self._made.rig.client.create(VIDEOJOBS, self._made.rig.namespace, videojob(name, **spec))

    async def _patch(self, name: str, status: dict[str, Any]) -> None:
        await self._made.rig.client.patch(VIDEOJOBS, self._made.rig.namespace, name, {"status": status}, "status")

    async def create_known(self) -> None:
        """Create those that there are, of which all have ended."""
        done = 0

        async def one(number: int) -> None:
            nonlocal done
            await self._create(f"known-{number}")
            await self._patch(f"known-{number}", FINISHED)
            done += 1
            if done % 100 == 0:
                tell(f"{done}/{self._count} VideoJobs are made")

        await all_of([one(number) for number in range(self._count)])


async def _until(condition: Callable[[], bool]) -> None:
    """Wait until something holds; raises `TimeoutError`."""
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110 - as other benches wait
            await asyncio.sleep(0.002)


def _median_and_99(seconds: list[float]) -> tuple[float, float]:
    """Return both in milliseconds."""
    return 1000 * statistics.median(seconds), 1000 * statistics.quantiles(seconds, n=100)[98]


def _show(found: dict[str, float]) -> None:
    print(f"\nload at the end: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    print("\n| | goal | |\n|---|---|---|")
    for key, measure in MEASURES.items():
        if key in found:
            goal = "" if measure.goal is None else f"{'≥' if measure.more else '≤'} {measure.goal:.3g} {measure.unit}"
            print(f"| {measure.what} | {goal} | {found[key]:.3g} {measure.unit} |")


async def _measure(count: int, live: int, only: set[str]) -> dict[str, float]:
    async with gateway_rig() as made:
        await made.create_pool("default", minIdle=0, maxWorkers=0)
        await made.start()
        async with made.session as session:
            run = GatewayRun(made, session, count, live)
            await run.create_known()
            try:
                await run.measure(only)
            except* (TimeoutError, RuntimeError) as error:
                tell(f"NOT MEASURED TO THE END: {error.exceptions[0]!r}\n{made.process.log.read_text()[-1000:]}\n")
        return run.found


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description="The gateway under load.")
    parser.add_argument("--count", type=int, default=COUNT, help="VideoJobs that there are")
    parser.add_argument("--live", type=int, default=LIVE, help="live clients")
    parser.add_argument("--only", nargs="*", default=[], help="parts: lists, files, submit, live, word; all")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_measure(options.count, options.live, set(options.only)))
    _show(found)
    folder = ROOT / ".bench"
    folder.mkdir(exist_ok=True)
    (folder / "gateway.json").write_text(json.dumps({"load": os.getloadavg(), "found": found}, indent=1))
    if not found:
        sys.exit(1)


if __name__ == "__main__":
    main()
