"""Bodies that become assets: written and measured as they come, looked at, and given their place in one step."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from videojob_gateway import metrics
from videojob_gateway.assets import layout
from videojob_gateway.assets.media_kinds import SNIFF_BYTES, kind_of
from videojob_gateway.connections import TAKE_BODY
from videojob_gateway.errors import (
    BadRequestError,
    ChecksumError,
    GatewayError,
    MediaTypeError,
    TooLargeError,
    TooSlowError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from starlette.requests import Request

    from videojob_gateway.assets.keeping import OpenUpload
    from videojob_gateway.assets.layout import AssetFile
    from videojob_gateway.assets.media_kinds import MediaKind

WRITE_BYTES: Final = 1024 * 1024
"""So much is written at once."""
CHUNK_S: Final = 60.0
"""How long nothing of a body may come."""
LONGEST_S: Final = 3600.0
"""How long one request may take; an upload that is resumed takes as many as it needs."""
ALGORITHMS: Final = ("sha1", "sha256")
"""Of checksums of a part; tus asks for the first."""
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
        GatewayError: it cannot be written; see `MediaKeeper`.
    """
    begin = upload.offset
    whole = hashlib.sha256() if begin == 0 else None
    part = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
    try:
        async for chunk in _pieces(body):
            before = upload.offset
            _check_length(before + len(chunk), most_bytes)
            await upload.write(chunk, *filter(None, (whole, part)))
            metrics.received(len(chunk))
            if before < SNIFF_BYTES <= upload.offset:
                await _kind(upload)
        if checksum and part:
            checksum.check(part.digest())
    except BaseException:
        if checksum:
            await upload.cut(begin)
        raise
    return whole.hexdigest() if whole else ""


async def finish_upload(upload: OpenUpload, digest: str, said: str) -> AssetFile:
    """Make an asset of an upload that has come whole.

    Args:
        upload: that has come.
        digest: the SHA-256 of its bytes, in hex; empty where not all of them came here.
        said: what its sender says that that is; empty for nothing.

    Raises:
        MediaTypeError: it is no media.
        ChecksumError: its digest is not what its sender said.
        GatewayError: it cannot be put in its place; see `MediaKeeper`.
    """
    kind = await _kind(upload)
    return await upload.keep(layout.file_name(upload.record.name, kind), digest, said)


def _check_length(length: int, most_bytes: int) -> None:
    if length > most_bytes:
        raise TooLargeError(f"it is to have at most {most_bytes} bytes", headers=_CLOSE)


async def _kind(upload: OpenUpload) -> MediaKind:
    """Return what it is by what has come; raises `MediaTypeError` when it begins as no media do."""
    kind = kind_of(await upload.beginning())
    if kind is None:
        raise MediaTypeError(
            "it is no picture, video, sound, font or subtitles that a VideoJob could read", headers=_CLOSE
        )
    return kind


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
