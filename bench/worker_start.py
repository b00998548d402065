"""How soon a worker can be claimed after its process starts, and how soon a claim makes its first frame.

Against a real Redis on loopback; the process is the real one, with the real engine. Run it as
`.venv/bin/python -m bench.worker_start [ROUNDS]` from the repository's root.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.assignments import assignment
from tests.redis_server import redis_server
from videojob_contract.queue.connection import connect
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.status import Stage

POLL_S = 0.002
_TIMEOUT_S = 60
WARM_S = 3.0  # for the renderer to load before the warm claim


async def measure(rounds: int) -> dict[str, list[float]]:
    """Return seconds by what was measured, one for each round."""
    found: dict[str, list[float]] = {
        "start to claimable": [],
        "warm: enqueue to claimed": [],
        "warm: enqueue to first progress": [],
        "warm: enqueue to first frames": [],
    }
    with redis_server() as url, tempfile.TemporaryDirectory() as folder:
        redis = connect(url)
        queue = OperatorQueue(PoolKey("bench", "bench"), redis)
        await queue.load_scripts()
        await queue.configure({"default": 1})
        for number in range(rounds):
            started = time.perf_counter()
            worker = _start(url, Path(folder), f"worker-{number}")
            await _registered(queue, f"worker-{number}")
            found["start to claimable"].append(time.perf_counter() - started)
            await asyncio.sleep(WARM_S)
            begin = datetime.now(UTC)
            claimed, progress = await _follow(queue, f"uid-{number}")
            found["warm: enqueue to claimed"].append(claimed)
            found["warm: enqueue to first progress"].append(progress)
            _, log = await asyncio.to_thread(worker.communicate, timeout=_TIMEOUT_S)
            found["warm: enqueue to first frames"].append((_first_frame(log) - begin).total_seconds())
        await redis.aclose()
    return found


async def _registered(queue: OperatorQueue, name: str) -> None:
    while True:
        if any(worker.id == name for worker in (await queue.snapshot()).workers):
            return
        await asyncio.sleep(POLL_S)


async def _follow(queue: OperatorQueue, uid: str) -> tuple[float, float]:
    begin = time.perf_counter()
    await queue.enqueue("default", assignment(uid, seconds=200))
    claimed = 0.0
    while True:
        entry = await queue.entry(uid)
        if entry and entry.worker and not claimed:
            claimed = time.perf_counter() - begin
        if entry and entry.progress and entry.progress.stage is Stage.RENDERING:
            return claimed, time.perf_counter() - begin
        await asyncio.sleep(POLL_S)


def _first_frame(log: bytes) -> datetime:
    """Return when a worker says that its first frame was made."""
    lines = [json.loads(line) for line in log.splitlines()]
    return next(datetime.fromisoformat(line["time"]) for line in lines if line["message"] == "first frame")


def _start(url: str, folder: Path, name: str) -> subprocess.Popen[bytes]:
    (folder / "volumes" / "media").mkdir(parents=True, exist_ok=True)
    environment = {
        "VIDEOJOB_NAMESPACE": "bench",
        "VIDEOJOB_POOL": "bench",
        "VIDEOJOB_WORKER": name,
        "VIDEOJOB_JOB": name,
        "VIDEOJOB_REDIS_URL": url,
        "VIDEOJOB_SCRATCH": str(folder),
        "VIDEOJOB_VOLUMES": str(folder / "volumes"),
        "VIDEOJOB_TERMINATION_LOG": str(folder / "termination-log"),
        "VIDEOJOB_LOG_LEVEL": "INFO",
    }
    # Images hold compiled bytecode; here Python writes it in the first round.
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    cache = {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    program = Path(sys.executable).with_name("videojob-worker")
    return subprocess.Popen([program], env={**inherited, **cache, **environment}, stderr=subprocess.PIPE)


def main() -> None:
    """Measure and print median and worst."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    found = asyncio.run(measure(rounds + 1))
    for what, seconds in found.items():
        milliseconds = [value * 1000 for value in seconds[1:]]
        print(f"{what:30} median {statistics.median(milliseconds):6.0f} ms   worst {max(milliseconds):6.0f} ms")


if __name__ == "__main__":
    main()
