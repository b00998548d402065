"""A real Redis, and real worker processes beside it, each with folders of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.redis_server import redis_server
from videojob_contract.assignment import Result
from videojob_contract.queue.connection import connect
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import PoolKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PROGRAM = Path(sys.executable).with_name("videojob-worker")


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis of the test's own: some tests empty or stop it."""
    with redis_server() as url:
        yield url


@pytest.fixture
def pool() -> PoolKey:
    return PoolKey("films", "default")


@pytest.fixture
async def operator(redis_url: str, pool: PoolKey) -> AsyncIterator[OperatorQueue]:
    """The operator's side of the queue, ready for workers."""
    redis = connect(redis_url)
    queue = OperatorQueue(pool, redis)
    await queue.load_scripts()
    await queue.configure({"default": 1})
    await queue.ensure_epoch()
    yield queue
    await redis.aclose()


@dataclass
class Worker:
    """A running worker process."""

    process: subprocess.Popen[str]
    folder: Path
    started: float = field(default_factory=time.monotonic)

    @property
    def media(self) -> Path:
        """Its volume `media`."""
        return self.folder / "volumes" / "media"

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    def result(self) -> Result:
        """What its termination message says."""
        message = (self.folder / "termination-log").read_bytes()
        assert len(message) <= 4096
        return Result.model_validate_json(message)

    def renderer(self) -> int:
        """The process id of its renderer."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        assert len(children) == 1, children
        return int(children[0])

    def wait(self, timeout_s: float = 30) -> int:
        """Its exit code."""
        return self.process.wait(timeout_s)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def published(self) -> list[str]:
        """Every file on its volume."""
        return sorted(str(path.relative_to(self.media)) for path in self.media.rglob("*") if path.is_file())


class Workers:
    """Starts worker processes, and ends what is left of them."""

    def __init__(self, redis_url: str, pool: PoolKey, folder: Path) -> None:
        self._redis_url = redis_url
        self._pool = pool
        self._folder = folder
        self._all: list[Worker] = []

    def start(self, name: str = "worker-1", **environment: str) -> Worker:
        folder = self._folder / name
        (folder / "volumes" / "media").mkdir(parents=True)
        (folder / "scratch").mkdir()
        env = {
            **os.environ,
            "VIDEOJOB_NAMESPACE": self._pool.namespace,
            "VIDEOJOB_POOL": self._pool.name,
            "VIDEOJOB_WORKER": name,
            "VIDEOJOB_JOB": f"job-of-{name}",
            "VIDEOJOB_REDIS_URL": self._redis_url,
            "VIDEOJOB_SCRATCH": str(folder / "scratch"),
            "VIDEOJOB_VOLUMES": str(folder / "volumes"),
            "VIDEOJOB_TERMINATION_LOG": str(folder / "termination-log"),
            "VIDEOJOB_CPU_LIMIT": "1",
            **environment,
        }
        with (folder / "log").open("w") as log:
            process = subprocess.Popen([PROGRAM], env=env, stderr=log, stdout=log, text=True)
        self._all.append(Worker(process, folder))
        return self._all[-1]

    def stop(self) -> None:
        for worker in self._all:
            with contextlib.suppress(ProcessLookupError):
                worker.process.send_signal(signal.SIGKILL)
            worker.process.wait(10)


@pytest.fixture
def workers(redis_url: str, pool: PoolKey, tmp_path: Path) -> Iterator[Workers]:
    found = Workers(redis_url, pool, tmp_path)
    yield found
    found.stop()
