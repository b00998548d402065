"""Headers of tus 1.0.0, read. Pure."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from videojob_gateway.assets.layout import DIGEST, UploadRecord
from videojob_gateway.errors import BadRequestError, TusVersionError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = "1.0.0"


def check_version(said: str) -> None:
    """Make sure that a request speaks this version; raises `TusVersionError`."""
    if said != VERSION:
        raise TusVersionError(f"Tus-Resumable is {VERSION} here", headers={"Tus-Version": VERSION})


def record_of(length: int, metadata: Mapping[str, str]) -> UploadRecord:
    """Return what an upload is to become; raises `BadRequestError`."""
    digest = metadata.get("sha256", "").lower()
    if digest and not DIGEST.fullmatch(digest):
        raise BadRequestError("sha256 of Upload-Metadata is a digest in hex")
    return UploadRecord(length=length, name=metadata.get("filename", metadata.get("name", ""))[:255], sha256=digest)


def read_metadata(header: str) -> dict[str, str]:
    """Read `Upload-Metadata`: names, each with its value in Base64 or none; raises `BadRequestError`."""
    found: dict[str, str] = {}
    for pair in filter(None, map(str.strip, header.split(","))):
        name, _, said = pair.partition(" ")
        try:
            found[name] = base64.b64decode(said, validate=True).decode(errors="replace")
        except (binascii.Error, ValueError):
            raise BadRequestError(f"Upload-Metadata: the value of {name[:40]!r} is not Base64") from None
    return found
