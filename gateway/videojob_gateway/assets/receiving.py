"""Bodies that become assets: written and measured as they come, looked at, and given their place in one step."""

from __future__ import annotations

import asyncio
import base64
import binascii
import errno
import hashlib
import os
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starlette.requests import ClientDisconnect

from videojob_common.safe_open import UnsafePathError
from videojob_gateway import metrics
from videojob_gateway.assets import asset_files, partial_files
from videojob_gateway.assets.media_kinds import SNIFF_BYTES, kind_of
from videojob_gateway.connections import TAKE_BODY
from videojob_gateway.errors import (
    BadRequestError,
    ChecksumError,
    GatewayError,
    MediaTypeError,
    NoRoomError,
    NoSuchUploadError,
    TooLargeError,
    TooSlowError,
    VolumeError,
)
from videojob_gateway.threads import blocking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator
    from contextlib import AbstractContextManager

    from starlette.requests import Request

    from videojob_gateway.assets.asset_files import AssetFile
    from videojob_gateway.assets.partial_files import OpenUpload
    from videojob_gateway.assets.upload_place import UploadPlace

    T = TypeVar("T")

WRITE_BYTES: Final = 1024 * 1024
"""So much is written at once."""
CHUNK_S: Final = 60.0
"""How long nothing of a body may come."""
LONGEST_S: Final = 3600.0
"""How long one request may take; an upload that is resumed takes as many as it needs."""
ALGORITHMS: Final = ("sha1", "sha256")
"""Of checksums of a part; tus asks for the first."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CLOSE: Final = {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of a part are said to add up to."""

    algorithm: str
    digest: bytes

    @classmethod
    def parse(cls, header: str) -> Checksum:
        """Read `Upload-Checksum`; raises `BadRequestError`."""
        algorithm, _, said = header.partition(" ")
        try:
            digest = base64.b64decode(said, validate=True)
        except (binascii.Error, ValueError):
            digest = b""
        if algorithm not in ALGORITHMS or len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
            raise BadRequestError(
                f"Upload-Checksum is one of {', '.join(ALGORITHMS)}, a space and the digest in Base64"
            )
        return cls(algorithm, digest)

    def check(self, digest: bytes) -> None:
        """Make sure that a digest is this one; raises `ChecksumError`."""
        if digest != self.digest:
            raise ChecksumError("the bytes that came are not those of Upload-Checksum; send them again")


@asynccontextmanager
async def entered(context: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave something that blocks in a thread, with what the file system says turned into errors of ours."""
    with of_file_system():
        found = await blocking(context.__enter__)
        try:
            yield found
        except BaseException as error:
            await blocking(context.__exit__, type(error), error, error.__traceback__)
            raise
        await blocking(context.__exit__, None, None, None)


@contextmanager
def of_file_system() -> Iterator[None]:
    """Turn what the file system says into errors of ours.

    Raises:
        NoRoomError: the volume is full.
        NoSuchUploadError: what was there is gone.
        VolumeError: anything else.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise NoSuchUploadError("it was removed meanwhile") from error
    except UnsafePathError as error:
        raise VolumeError("the place of uploads is not as it should be: a link or a file is in the way") from error
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoomError("the volume of uploads is full; what has come stays") from error
        raise VolumeError(f"the volume of uploads fails: {os.strerror(error.errno or 0)}") from error


def taken_body(request: Request) -> AsyncGenerator[bytes | memoryview, None]:
    """Return the body of a request as it comes, to be closed; each piece is there until the next is asked for."""
    body: AsyncGenerator[bytes | memoryview, None] = request.scope["extensions"][TAKE_BODY]()
    return body


async def append(
    upload: OpenUpload, body: AsyncIterator[bytes | memoryview], most_bytes: int, checksum: Checksum | None = None
) -> str:
    """Write what comes behind what is there; return the digest of all, or nothing when not all came here.

    Whatever ends it, what has come stays, unless it comes with a checksum: that is of all of it.

    Raises:
        TooLargeError: more than `most_bytes` would be there.
        MediaTypeError: it begins as no media do.
        ChecksumError: the bytes that came are not those.
        TooSlowError, BadRequestError: the body does not come, or not whole.
        NoRoomError, VolumeError: it cannot be written.
    """
    begin = upload.offset
    whole = hashlib.sha256() if begin == 0 else None
    part = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
    try:
        with of_file_system():
            async for chunk in _pieces(body):
                await blocking(_write, upload, chunk, most_bytes, whole, part)
                metrics.received(len(chunk))
                if begin < SNIFF_BYTES <= upload.offset:
                    await blocking(check_kind, upload)
        if checksum and part:
            checksum.check(part.digest())
    except BaseException:
        if checksum:
            await blocking(_cut, upload, begin)
        raise
    return whole.hexdigest() if whole else ""


async def finish_upload(
    place: UploadPlace, user: str, upload: OpenUpload, digest: str, said_digest: str = ""
) -> AssetFile:
    """Make an asset of an upload that has come whole.

    Raises:
        MediaTypeError: it is no media.
        ChecksumError: its digest is not what its sender said.
        NoSuchUploadError, NoRoomError, VolumeError: it cannot be put in its place.
    """
    with of_file_system():
        return await blocking(_finish, place, user, upload, digest, said_digest or upload.record.sha256)


def check_kind(upload: OpenUpload) -> None:
    """Make sure that what has come begins as media do; raises `MediaTypeError`."""
    if kind_of(os.pread(upload.file, SNIFF_BYTES, 0)) is None:
        raise MediaTypeError(
            "it is no picture, video, sound, font or subtitles that a VideoJob could read", headers=_CLOSE
        )


def _finish(place: UploadPlace, user: str, upload: OpenUpload, digest: str, said_digest: str) -> AssetFile:
    kind = kind_of(os.pread(upload.file, SNIFF_BYTES, 0))
    check_kind(upload)
    assert kind is not None  # noqa: S101 - as was just checked
    os.fsync(upload.file)
    found = digest or _digest(upload.file)
    if said_digest and said_digest != found:
        raise ChecksumError(f"its SHA-256 is {found}, not the one that was said")
    name = asset_files.file_name(upload.record.name, kind)
    asset = asset_files.put_in_place(place.root, upload.folder, upload.id, user=user, sha256=found, name=name)
    partial_files.complete(upload, found)
    return asset


def _digest(file: int) -> str:
    digest, at = hashlib.sha256(), 0
    while chunk := os.pread(file, WRITE_BYTES, at):
        digest.update(chunk)
        at += len(chunk)
    return digest.hexdigest()


def _write(upload: OpenUpload, chunk: bytes | bytearray | memoryview, most_bytes: int, *digests: Any) -> None:
    if upload.offset + len(chunk) > most_bytes:
        raise TooLargeError(f"it is to have at most {most_bytes} bytes", headers=_CLOSE)
    for digest in filter(None, digests):
        digest.update(chunk)
    view = memoryview(chunk)
    while view:
        count = os.pwrite(upload.file, view, upload.offset)
        upload.offset += count
        view = view[count:]


def _cut(upload: OpenUpload, length: int) -> None:
    with suppress(OSError):
        os.ftruncate(upload.file, length)


async def _pieces(body: AsyncIterator[bytes | memoryview]) -> AsyncIterator[bytes | bytearray | memoryview]:
    """Yield a body in large pieces, and what has come of it before it fails."""
    gathered = bytearray()
    failure: GatewayError | None = None
    end = asyncio.get_running_loop().time() + LONGEST_S
    while failure is None:
        try:
            async with asyncio.timeout_at(min(end, asyncio.get_running_loop().time() + CHUNK_S)):
                chunk = await anext(body, None)
        except TimeoutError:
            failure = TooSlowError("the body does not come; what has come stays", headers=_CLOSE)
        except ClientDisconnect:
            failure = BadRequestError("the body ended before it was whole", headers=_CLOSE)
        else:
            if chunk is None:
                break
            if len(gathered) + len(chunk) < WRITE_BYTES:
                gathered += chunk
                continue
            if gathered:
                yield gathered
                gathered = bytearray()
            yield chunk
    if gathered:
        yield gathered
    if failure is not None:
        raise failure
