"""Measures sources and outputs in object storage beside rclone and awscli, in one run on one machine.

`python -m bench.objects` starts a versitygw with TLS on loopback, and moves one large object and many small ones to it
and back. The programs take turns, and of several rounds the quickest of each counts: what else the machine does only
adds. CPU seconds are the program's alone, and tell more on a machine that is busy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.integration.objects.servers import BUCKET, REGION, Server, s3_server
from videojob_common.address_guard import resolve_by_system
from videojob_contract.assignment import SourceLimits
from videojob_worker.storage import registry
from videojob_worker.storage.base import Destination, FetchContext, ObjectAccess, RenderedFile
from videojob_worker.storage.sources import fetched

if TYPE_CHECKING:
    from collections.abc import Callable

_RESULTS = Path(__file__).parents[1] / ".bench"
_SMALL_BYTES = 64 << 10
_FOLDER = "film-0123456789ab"
_OURS, _RCLONE, _AWS = "ours", "rclone", "awscli"


def main() -> None:
    """Measure, print a table, and write .bench/objects.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the large object")
    parser.add_argument("--count", type=int, default=1000, help="how many small ones")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    with TemporaryDirectory(prefix="videojob-bench-") as name:
        folder = Path(name)
        (folder / "server").mkdir()
        with s3_server(folder / "server") as server:
            ways = _Ways(server, folder, server.access(folder / "objects"))
            ways.prepare(arguments.mib << 20, arguments.count)
            found = _measure(ways, arguments.rounds)
    _tell(found, arguments.mib, arguments.count)
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / "objects.json").write_text(json.dumps({"load": os.getloadavg(), "seconds": found}, indent=1))


class _Ways:
    """Each way to move the same bytes."""

    def __init__(self, server: Server, folder: Path, access: ObjectAccess) -> None:
        self._server = server
        self._folder = folder
        self._access = access
        self._large = folder / "large.mp4"
        self._small = folder / "small"
        self._down = folder / "down"
        self._authority = folder / "ca.crt"

    def prepare(self, size_bytes: int, count: int) -> None:
        with self._large.open("wb") as file:
            for _ in range(size_bytes >> 20):
                file.write(os.urandom(1 << 20))
        self._small.mkdir()
        for index in range(count):
            (self._small / f"{index}.m4s").write_bytes(os.urandom(_SMALL_BYTES))
        self._authority.write_text(self._server.authority)

    def ours(self, work: str) -> None:
        asyncio.run(getattr(self, f"_{work}")())

    def rclone(self, work: str) -> None:
        large, small = f"s3:{BUCKET}/large.mp4", f"s3:{BUCKET}/{_FOLDER}"
        words = {
            "large_up": ["copyto", self._large, large],
            "large_down": ["copyto", large, self._down / "large.mp4"],
            "small_up": ["copy", self._small, small],
            "small_down": ["copy", small, self._down],
        }[work]
        flags = ["--s3-upload-concurrency=8", "--multi-thread-streams=8", "--transfers=8", "--checkers=8"]
        options = {
            "TYPE": "s3",
            "PROVIDER": "Other",
            "ENDPOINT": self._server.url,
            "REGION": REGION,
            "ENV_AUTH": "true",
        }
        environment = {f"RCLONE_CONFIG_S3_{name}": value for name, value in options.items()}
        flags += ["--ignore-times", "--s3-no-check-bucket", "--log-level=ERROR"]
        self._run(["rclone", *words, *flags, "--ca-cert", self._authority], environment)

    def awscli(self, work: str) -> None:
        large, small = f"s3://{BUCKET}/large.mp4", f"s3://{BUCKET}/{_FOLDER}"
        words = {
            "large_up": [self._large, large],
            "large_down": [large, self._down / "large.mp4"],
            "small_up": ["--recursive", self._small, small],
            "small_down": ["--recursive", small, self._down],
        }[work]
        common = [
            "--endpoint-url",
            self._server.url,
            "--region",
            REGION,
            "--ca-bundle",
            self._authority,
            "--no-progress",
        ]
        self._run(["/usr/bin/aws", "s3", "cp", *common, "--only-show-errors", *words], {})

    def clear(self) -> None:
        shutil.rmtree(self._down, ignore_errors=True)
        self._down.mkdir()

    def _run(self, words: list[object], environment: dict[str, str]) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RCLONE_"))}
        subprocess.run([str(word) for word in words], check=True, env={**own, **self._server.secrets, **environment})

    async def _large_up(self) -> None:
        await self._publish("large.mp4", [(self._large, ())])

    async def _small_up(self) -> None:
        segments = [(path, (_FOLDER, path.name)) for path in self._small.iterdir()]
        await self._publish("film.m3u8", [*segments, (self._authority, ())])

    async def _large_down(self) -> None:
        await self._fetch(["large.mp4"])

    async def _small_down(self) -> None:
        await self._fetch([f"{_FOLDER}/{path.name}" for path in self._small.iterdir()])

    async def _publish(self, key: str, files: list[tuple[Path, tuple[str, ...]]]) -> None:
        rendered = [RenderedFile(_opener(path), parts) for path, parts in files]
        uri = f"s3://{BUCKET}/{key}"
        staged = await registry.stage(
            rendered, Destination("spec.outputs[0].uri", uri, "uid", 1, {}, lambda _: None, self._access)
        )
        await staged.commit()

    async def _fetch(self, keys: list[str]) -> None:
        context = FetchContext({}, SourceLimits(), self._down, resolve_by_system, self._access)
        wanted = [(f"spec.clips[{index}].image.uri", f"s3://{BUCKET}/{key}") for index, key in enumerate(keys)]
        async with fetched(wanted, context, lambda _: None):
            pass


def _opener(path: Path) -> Callable[[], int]:
    return lambda: os.open(path, os.O_RDONLY)


def _measure(ways: _Ways, rounds: int) -> dict[str, dict[str, tuple[float, ...]]]:
    found: dict[str, dict[str, tuple[float, ...]]] = {}
    for work in ("large_up", "large_down", "small_up", "small_down"):
        best = found.setdefault(work, {})
        for _ in range(rounds):
            for way in (_OURS, _RCLONE, _AWS):
                ways.clear()
                started, used = time.perf_counter(), _cpu_s(way)
                getattr(ways, way)(work)
                taken = time.perf_counter() - started, _cpu_s(way) - used
                best[way] = tuple(map(min, best.get(way, taken), taken))
    return found


def _cpu_s(way: str) -> float:
    """Return the CPU seconds so far: of this process, or of those that it has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_SELF if way == _OURS else resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tell(found: dict[str, dict[str, tuple[float, ...]]], mib: int, count: int) -> None:
    print("| work | ours | rclone | awscli | of the better |\n|---|---|---|---|---|")
    for work, seconds in found.items():
        what = f"{mib} MiB in one" if work.startswith("large") else f"{count} of {_SMALL_BYTES >> 10} KiB"
        where = "to the server" if work.endswith("up") else "from it"
        times = " | ".join(f"{seconds[way][0]:.2f} s, {seconds[way][1]:.2f} CPU" for way in (_OURS, _RCLONE, _AWS))
        ratio = min(seconds[_RCLONE][0], seconds[_AWS][0]) / seconds[_OURS][0]
        print(f"| {what}, {where} | {times} | {ratio:.2f} times |")


if __name__ == "__main__":
    main()
