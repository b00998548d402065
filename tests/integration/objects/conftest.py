"""Object storage servers, each started once a session, and what a worker has of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.integration.objects.faulty_proxy import FaultyProxy, MultipartProxy, running
from tests.integration.objects.servers import BUCKET, Server, azure_server, gcs_server, s3_server
from videojob_common.address_guard import resolve_by_system
from videojob_contract.assignment import SourceLimits
from videojob_contract.errors import VideoJobError
from videojob_worker.storage import registry
from videojob_worker.storage.base import Destination, FetchContext, ObjectAccess, RenderedFile
from videojob_worker.storage.objects import opening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from videojob_worker.storage.base import Staged

SOURCE, OUTPUT = "spec.clips[0].image.uri", "spec.outputs[0].uri"


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask servers on loopback without a proxy that the machine may have."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave servers that say nothing soon: too soon for a machine that is busy, where that would be a failure."""
    monkeypatch.setattr(opening, "READING_SILENCE_S", 2)
    monkeypatch.setattr(opening, "WRITING_SILENCE_S", 3)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with gcs_server(tmp_path_factory.mktemp("gcs")) as server:
        yield server


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with azure_server(tmp_path_factory.mktemp("azure")) as server:
        yield server


@pytest.fixture
async def faulty(s3: Server) -> AsyncIterator[FaultyProxy]:
    async with running(FaultyProxy(s3)) as faulty:
        yield faulty


@dataclass(frozen=True)
class Worker:
    """What a worker does with a store."""

    server: Server
    folder: Path
    access: ObjectAccess

    def uri(self, path: str) -> str:
        return f"{self.server.provider}://{BUCKET}/{path}"

    async def open(self, path: str, most: int = 1 << 30) -> int:
        return await registry.fetch(SOURCE, self.uri(path), self.context(most))

    def context(self, most: int = 1 << 30) -> FetchContext:
        return FetchContext({}, SourceLimits(max_source_bytes=most), self.folder, resolve_by_system, self.access)

    async def fetch(self, path: str, most: int = 1 << 30) -> bytes:
        fd = await self.open(path, most)
        try:
            return os.pread(fd, 1 << 30, 0)
        finally:
            os.close(fd)

    async def refusal(self, path: str, most: int = 1 << 30) -> VideoJobError:
        """Fetch what must not be had, and return the error, which names field and URI and gives nothing away."""
        with pytest.raises(VideoJobError) as failure:
            await self.fetch(path, most)
        self.check(failure.value, SOURCE, path)
        return failure.value

    async def stage(self, path: str, content: bytes, attempt: int = 1, **more: object) -> Staged:
        return await self.stage_files(path, [(content, ())], attempt, **more)

    async def stage_files(
        self, path: str, files: Sequence[tuple[bytes, tuple[str, ...]]], attempt: int = 1, **more: object
    ) -> Staged:
        rendered = [self._rendered(index, *file) for index, file in enumerate(files)]
        return await registry.stage(rendered, self.destination(path, attempt, **more))

    def destination(self, path: str, attempt: int = 1, **more: object) -> Destination:
        return Destination(
            OUTPUT,
            self.uri(path),
            "uid",
            attempt,
            {},
            lambda _: None,
            self.access,
            **more,  # type: ignore[arg-type]
        )

    def check(self, error: VideoJobError, field: str, path: str) -> None:
        assert error.message.startswith(f"{field}: {self.uri(path)}")
        for secret in self.server.secrets.values():
            assert secret not in error.message
        assert len(error.message) < 400

    def keys(self, begin: str = "") -> list[str]:
        return sorted(
            found["path"] for page in self.server.admin().list() for found in page if found["path"].startswith(begin)
        )

    def put(self, key: str, content: bytes) -> None:
        self.server.put(key, content)

    def content(self, key: str) -> bytes:
        return bytes(self.server.admin().get(key).bytes())

    def _rendered(self, index: int, content: bytes, parts: tuple[str, ...]) -> RenderedFile:
        path = self.folder / f"rendered-{index}"
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        return RenderedFile(lambda: os.open(path, os.O_RDONLY), parts)


@pytest.fixture
def worker(s3: Server, tmp_path: Path) -> Worker:
    """A worker of a pool that has the S3 server's bucket."""
    return Worker(s3, tmp_path, s3.access(tmp_path / "objects"))


@pytest.fixture
def hindered(s3: Server, faulty: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker whose requests go through the faulty proxy, and are tried three times."""
    monkeypatch.setattr(opening, "_RETRIES", 2)
    return Worker(s3, tmp_path, s3.access(tmp_path / "objects", s3.entry(endpoint=faulty.url)))


@pytest.fixture(params=["s3", "gcs", "azure"])
async def any_worker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Worker]:
    """A worker of a pool that has a bucket of each provider in turn; the bucket is empty."""
    server: Server = request.getfixturevalue(request.param)
    keys = [found["path"] for page in server.admin().list() for found in page]
    for key in keys:
        server.admin().delete(key)
    if server.provider != "gs":
        yield Worker(server, tmp_path, server.access(tmp_path / "objects"))
        return
    async with running(MultipartProxy(server)) as faulty:
        yield Worker(server, tmp_path, server.access(tmp_path / "objects", server.entry(endpoint=faulty.url)))
