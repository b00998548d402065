"""Sources from a real S3 server, and through a proxy that harms what it says."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.integration.objects.faulty_proxy import Fault, answering, break_off, fall_silent, reset, truncate
from tests.integration.objects.servers import add_account, change_secret, let_below, make_certificate
from videojob_contract.errors import PermanentError, Reason, TransientError
from videojob_worker.storage.objects import download, opening

if TYPE_CHECKING:
    from tests.integration.objects.conftest import Worker
    from tests.integration.objects.faulty_proxy import FaultyProxy
    from tests.integration.objects.servers import Server

FAKETIME = f"/usr/lib/{platform.machine()}-linux-gnu/faketime/libfaketimeMT.so.1"
LONG = os.urandom(3 * download.RANGE_BYTES + 12345)


@pytest.mark.parametrize(
    "size", [0, 1, download.RANGE_BYTES - 1, download.RANGE_BYTES, download.RANGE_BYTES + 1, len(LONG)]
)
async def test_what_is_there_comes_whole(worker: Worker, size: int) -> None:
    worker.put("whole", LONG[:size])
    assert await worker.fetch("whole") == LONG[:size]
    assert await worker.fetch("whole", most=size) == LONG[:size]


@pytest.mark.parametrize(
    "key",
    [
        "a b.jpg",
        "été/日本語.jpg",
        "100%.jpg",
        "%41.jpg",
        "a#b?c.jpg",
        "a+b.jpg",
        "a&b=c;d.jpg",
        "~'()*!.jpg",
        "a:b@c,d.jpg",
    ],
)
async def test_keys_of_every_kind_are_found_by_their_escaped_uris(worker: Worker, key: str) -> None:
    worker.put(key, key.encode())
    assert await worker.fetch(quote(key)) == key.encode()


async def test_what_is_missing_or_too_large_is_refused_for_good(worker: Worker, s3: Server, tmp_path: Path) -> None:
    missing = await worker.refusal("missing.jpg")
    assert (type(missing), missing.reason) == (PermanentError, Reason.SOURCE_NOT_FOUND)
    worker.put("large", b"12345")
    large = await worker.refusal("large", most=4)
    assert (type(large), large.reason) == (PermanentError, Reason.SOURCE_TOO_LARGE)
    for path in ("a//b", "a/../b", "a/%2e%2e/b", "a/", "a%00b"):
        forbidden = await worker.refusal(path)
        assert (type(forbidden), forbidden.reason) == (PermanentError, Reason.SOURCE_FORBIDDEN)
    no_bucket = replace(worker, access=s3.access(tmp_path / "other", s3.entry(bucket="nothing")))
    uncovered = await no_bucket.refusal("a.jpg")
    assert (uncovered.reason, "no object store of the pool covers it" in uncovered.message) == (
        Reason.SOURCE_FORBIDDEN,
        True,
    )


async def test_a_bucket_that_is_missing_is_told_from_a_key(s3: Server, worker: Worker, tmp_path: Path) -> None:
    access = s3.access(tmp_path / "other", s3.entry(name="gone", bucket="nothing"))
    with pytest.raises(PermanentError, match="object store gone has no bucket nothing") as failure:
        await download.fetch("f", "s3://nothing/a.jpg", replace(worker, access=access).context())
    assert failure.value.reason is Reason.SOURCE_NOT_FOUND


async def test_credentials_that_are_wrong_may_be_put_right(s3: Server, worker: Worker, tmp_path: Path) -> None:
    worker.put("a.jpg", b"a")
    for secrets in ({"AWS_ACCESS_KEY_ID": "another"}, {"AWS_SECRET_ACCESS_KEY": "another"}):
        access = s3.access(tmp_path / "objects", **secrets)
        wrong = await replace(worker, access=access).refusal("a.jpg")
        assert type(wrong) is TransientError
        assert "does not know the credentials" in wrong.message
        # The Secret is put right, and the files change under the same worker.
        s3.access(tmp_path / "objects")
        assert await replace(worker, access=access).fetch("a.jpg") == b"a"


async def test_a_secret_that_lacks_a_key_is_told(worker: Worker) -> None:
    (worker.access.credentials / "store" / "AWS_SECRET_ACCESS_KEY").unlink()
    lacking = await worker.refusal("a.jpg")
    assert type(lacking) is TransientError
    assert "the Secret store-keys of object store store has no AWS_SECRET_ACCESS_KEY" in lacking.message


async def test_who_may_not_read_is_told_what_to_allow(s3: Server, worker: Worker, tmp_path: Path) -> None:
    worker.put("a.jpg", b"a")
    secrets = add_account(s3, "stranger", "stranger-secret")
    forbidden = await replace(worker, access=s3.access(tmp_path / "objects", **secrets)).refusal("a.jpg")
    assert (type(forbidden), forbidden.reason) == (PermanentError, Reason.SOURCE_FORBIDDEN)
    assert "AccessDenied" in forbidden.message
    assert "allow reading" in forbidden.message


async def test_who_has_no_credentials_is_told_that_they_are_wanted(s3: Server, worker: Worker, tmp_path: Path) -> None:
    access = s3.access(tmp_path / "objects", s3.entry(secretRef=None))
    refused = await replace(worker, access=access).refusal("a.jpg")
    assert (type(refused), refused.reason) == (PermanentError, Reason.SOURCE_FORBIDDEN)
    assert "does not let it be read without credentials (HTTP 403, AccessDenied): give it some" in refused.message


@pytest.mark.parametrize(
    "key",
    [
        *("AssumeRole.mp4", "TimedOut.mp4", "token%20request.mp4", "dns%20error.mp4", "security-credentials.mp4"),
        *("without%20LOCATION", "InvalidCertificate(UnknownIssuer", "%3CCode%3ESlowDown%3C%2FCode%3E"),
    ],
)
async def test_what_is_missing_is_told_whatever_its_name_is_like(worker: Worker, key: str) -> None:
    missing = await worker.refusal(key)
    assert (type(missing), missing.reason) == (PermanentError, Reason.SOURCE_NOT_FOUND)
    assert missing.message.endswith(": not found")


@pytest.mark.parametrize("name", ["a stranger", "test authority"])
async def test_a_certificate_of_a_stranger_is_refused(s3: Server, worker: Worker, tmp_path: Path, name: str) -> None:
    _, _, stranger = make_certificate(tmp_path / "stranger", name)
    access = s3.access(tmp_path / "objects", ca_crt=stranger.read_text())
    refused = await replace(worker, access=access).refusal("a.jpg")
    assert (type(refused), refused.reason) == (PermanentError, Reason.SOURCE_FORBIDDEN)
    assert "put who signed it into ca.crt" in refused.message


@pytest.mark.parametrize("fault", [answering("503 Slow Down", "SlowDown"), reset, break_off, truncate])
async def test_a_fault_that_passes_is_not_noticed(hindered: Worker, faulty: FaultyProxy, fault: object) -> None:
    hindered.put("a.mp4", LONG)
    faulty.faults = [Fault("^GET", fault, times=2)]  # type: ignore[arg-type]
    assert await hindered.fetch("a.mp4") == LONG


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", [answering("503 Slow Down", "SlowDown"), reset, break_off, truncate, fall_silent])
async def test_a_fault_that_stays_is_for_another_attempt(hindered: Worker, faulty: FaultyProxy, fault: object) -> None:
    hindered.put("a.mp4", LONG)
    faulty.faults = [Fault("^GET", fault)]  # type: ignore[arg-type]
    failure = await hindered.refusal("a.mp4")
    assert (type(failure), failure.reason) == (TransientError, Reason.STORAGE_UNAVAILABLE)


@pytest.mark.parametrize(
    ("code", "status", "kind", "says"),
    [
        ("ExpiredToken", "400 Bad Request", TransientError, "have expired"),
        ("RequestTimeTooSkewed", "403 Forbidden", TransientError, "clocks"),
        ("InvalidObjectState", "403 Forbidden", PermanentError, "archive"),
        ("PermanentRedirect", "301 Moved Permanently", PermanentError, "region"),
        ("AuthorizationHeaderMalformed", "400 Bad Request", PermanentError, "region"),
        ("InternalError", "500 Internal Server Error", TransientError, "HTTP 500"),
        ("MethodNotAllowed", "405 Method Not Allowed", PermanentError, "HTTP 405"),
        ("Unheard", "418 Teapot", PermanentError, "HTTP 418, Unheard"),
    ],
)
async def test_what_a_server_says_is_told(
    hindered: Worker, faulty: FaultyProxy, *, code: str, status: str, kind: type, says: str
) -> None:
    faulty.faults = [Fault("^GET", answering(status, code), asks=False)]
    failure = await hindered.refusal("a.jpg")
    assert type(failure) is kind
    assert says in failure.message


async def test_a_server_that_drips_is_left(
    hindered: Worker, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never silent for long, and would keep a worker for days."""

    async def drip(answer: bytes, writer: asyncio.StreamWriter) -> None:
        begin = answer.index(b"\r\n\r\n") + 4
        for start, end in ((0, begin), *((start, start + 100) for start in range(begin, len(answer), 100))):
            writer.write(answer[start:end])
            await writer.drain()
            await asyncio.sleep(0.05)

    monkeypatch.setattr(opening, "_REQUEST_S", 1.5)
    monkeypatch.setattr(opening, "_RETRY_S", 2)
    hindered.put("a.mp4", LONG)
    faulty.faults = [Fault("^GET", drip)]
    async with asyncio.timeout(30):
        failure = await hindered.refusal("a.mp4")
    assert (type(failure), failure.reason) == (TransientError, Reason.STORAGE_UNAVAILABLE)


async def test_keys_that_are_changed_at_the_server_and_then_in_the_secret(
    s3: Server, worker: Worker, tmp_path: Path
) -> None:
    """The same worker, which keeps its clients: before, between the two, and after."""
    worker.put("a.jpg", b"a")
    secrets = add_account(s3, "rotated", "before")
    let_below(s3, "rotated", "*")
    rotated = replace(worker, access=s3.access(tmp_path / "rotated", **secrets))
    assert await rotated.fetch("a.jpg") == b"a"
    change_secret(s3, "rotated", "after")
    refused = await rotated.refusal("a.jpg")
    assert type(refused) is TransientError
    assert "does not know the credentials" in refused.message
    s3.access(tmp_path / "rotated", **secrets | {"AWS_SECRET_ACCESS_KEY": "after"})
    assert await rotated.fetch("a.jpg") == b"a"


async def test_who_may_read_below_a_prefix_is_told_of_what_is_beside_it(
    s3: Server, worker: Worker, tmp_path: Path
) -> None:
    secrets = add_account(s3, "reads-below", "reads-below-secret")
    let_below(s3, "reads-below", "sources")
    for key in ("sources/a.jpg", "sources2/a.jpg", "a.jpg"):
        worker.put(key, b"a")
    below = replace(worker, access=s3.access(tmp_path / "below", **secrets))
    assert await below.fetch("sources/a.jpg") == b"a"
    # Who may not list is not told what is missing.
    for path in ("sources2/a.jpg", "a.jpg", "sources2/missing.jpg"):
        refused = await below.refusal(path)
        assert (type(refused), refused.reason) == (PermanentError, Reason.SOURCE_FORBIDDEN)
        assert "allow reading" in refused.message


async def test_a_node_whose_clock_is_wrong_is_told_so(worker: Worker, tmp_path: Path) -> None:
    worker.put("a.jpg", b"a")
    program = f"""
import asyncio
from pathlib import Path
from videojob_common.address_guard import resolve_by_system
from videojob_contract.assignment import SourceLimits
from videojob_contract.errors import VideoJobError
from videojob_contract.resources.object_stores import ObjectStore
from videojob_worker.storage import registry
from videojob_worker.storage.base import FetchContext, ObjectAccess

store = ObjectStore.model_validate_json({worker.access.stores[0].model_dump_json(by_alias=True, exclude_none=True)!r})
access = ObjectAccess([store], Path({str(worker.access.credentials)!r}))
context = FetchContext({{}}, SourceLimits(), Path({str(tmp_path)!r}), resolve_by_system, access)
try:
    asyncio.run(registry.fetch("f", "s3://films/a.jpg", context))
except VideoJobError as error:
    print(type(error).__name__, error.message)
"""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        env={**os.environ, "LD_PRELOAD": FAKETIME, "FAKETIME": "+20m"},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert said.decode().strip() == (
        "TransientError f: s3://films/a.jpg: the clocks of the node and of object store store differ too much: set them"
    )


async def test_an_object_that_changes_meanwhile_is_for_another_attempt(hindered: Worker, faulty: FaultyProxy) -> None:
    hindered.put("a.mp4", LONG)

    async def change(_answer: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(hindered.put, "a.mp4", bytes(len(LONG)))
        writer.transport.abort()  # it is asked again

    faulty.faults = [Fault("^GET", change, times=1, asks=False)]
    assert await hindered.fetch("a.mp4") == bytes(len(LONG))  # the first request had not begun

    ranges = [request for request in faulty.requests if b"if-match" in request.head.lower()]
    assert len(ranges) == 3
    hindered.put("a.mp4", LONG)
    faulty.faults = [Fault("^GET", change_after(hindered), times=1)]
    failure = await hindered.refusal("a.mp4")
    assert type(failure) is TransientError
    assert "was changed while it was read" in failure.message


async def weaken(answer: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(re.sub(rb'(?i)\r\netag: *"', b'\r\nETag: W/"', answer, count=1))
    await writer.drain()


async def test_weak_tags_of_a_server_are_compared_here(hindered: Worker, faulty: FaultyProxy) -> None:
    hindered.put("a.mp4", LONG)
    faulty.faults = [Fault("^GET", weaken)]
    assert await hindered.fetch("a.mp4") == LONG

    async def weaken_and_change(answer: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(hindered.put, "a.mp4", bytes(len(LONG)))
        await weaken(answer, writer)

    faulty.faults = [Fault("^GET", weaken_and_change, times=1), Fault("^GET", weaken)]
    failure = await hindered.refusal("a.mp4")
    assert type(failure) is TransientError
    assert "was changed while it was read" in failure.message


def change_after(worker: Worker) -> object:
    async def change(answer: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(worker.put, "a.mp4", bytes(len(LONG)))
        writer.write(answer)
        await writer.drain()

    return change


async def test_nothing_is_left_when_it_is_stopped(hindered: Worker, faulty: FaultyProxy) -> None:
    hindered.put("a.mp4", LONG)
    faulty.faults = [Fault("^GET", fall_silent)]
    before = files_of(hindered.folder)
    fetching = asyncio.ensure_future(hindered.fetch("a.mp4"))
    await asyncio.sleep(0.2)
    fetching.cancel()
    with suppress(asyncio.CancelledError):
        await fetching
    assert fetching.cancelled()
    assert [path.name for path in hindered.folder.iterdir() if path.is_file()] == []
    assert files_of(hindered.folder) == before


def files_of(folder: Path) -> list[Path]:
    """Return the files below a folder that are open."""
    opened = []
    for fd in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            opened.append(fd.readlink())
    return sorted(path for path in opened if path.is_relative_to(folder))
