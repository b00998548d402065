"""How an upload lies in a store: its record and its parts, by their names alone. Pure.

Parts are `partial/USER/ID/OFFSET`, and none goes over a multiple of `PART_BYTES`. How much has come is what is there
without a gap. A whole part may take the place of a shorter one that begins where it does: what lies within it then
counts no more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from videojob_gateway.assets.layout import (
    DIGEST,
    PARTIAL,
    UPLOAD_ID,
    AssetFile,
    folder_of,
    kind_of_name,
    owner_of_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from videojob_gateway.assets.store_requests import StoredObject

PART_BYTES: Final = 8 << 20
"""Length of a whole part; S3 takes none below 5 MiB of an object that is written in parts."""
MOST_PARTS: Final = 10_000
"""Whole parts of a file, as S3 has it."""
MOST_OBJECTS: Final = 2 * MOST_PARTS
"""Parts of a file, whole or not."""
RECORD: Final = "record.json"
_DONE: Final = "asset"
_OFFSET: Final = re.compile(r"[0-9]{20}")


@dataclass(slots=True)
class StoredUpload:
    """What there is of an upload."""

    id: str
    touched_at: datetime
    """When something of it came last."""
    sizes: dict[int, int] = field(default_factory=dict)
    """Of its parts, by their offsets."""
    has_record: bool = False
    asset: str = ""
    """What it has become."""
    length: int = 0
    """How long that is."""
    paths: list[str] = field(default_factory=list)
    """Of all of its objects."""


def folder_of_uploads(user: str) -> str:
    """Return where a user's uploads are."""
    return f"{PARTIAL}/{folder_of(user)}"


def folder_of_upload(user: str, identity: str) -> str:
    """Return where all of an upload is."""
    return f"{folder_of_uploads(user)}/{identity}"


def part_name(offset: int) -> str:
    """Return what a part is called that begins at a byte."""
    return f"{offset:020d}"


def done_name(asset: str, length: int) -> str:
    """Return what says which asset an upload has become, and of how many bytes."""
    return f"{_DONE}.{asset}.{length}"


def group(found: Iterable[StoredObject]) -> dict[str, StoredUpload]:
    """Return uploads by their ids, of what was listed of a user's."""
    uploads: dict[str, StoredUpload] = {}
    for each in found:
        _, _, identity, name = [*each.path.split("/", 3), "", "", ""][:4]
        if not UPLOAD_ID.fullmatch(identity):
            continue
        upload = uploads.setdefault(identity, StoredUpload(identity, each.written_at))
        upload.touched_at = max(upload.touched_at, each.written_at)
        upload.paths.append(each.path)
        if _OFFSET.fullmatch(name):
            upload.sizes[int(name)] = each.size_bytes
        elif name == RECORD:
            upload.has_record = True
        elif name.startswith(f"{_DONE}."):
            _, asset, length = [*name.split("."), "", ""][:3]
            if DIGEST.fullmatch(asset) and length.isascii() and length.isdecimal():
                upload.asset, upload.length = asset, int(length)
    return uploads


def asset_of(found: StoredObject) -> AssetFile | None:
    """Return an asset as it was listed; None for what nobody here has named.

    A store tells when an object was written, and not when it was read.
    """
    _, folder, sha256, name, more = [*found.path.split("/", 4), "", "", "", "", ""][:5]
    user, kind = owner_of_folder(folder), kind_of_name(name)
    if user is None or kind is None or more or not DIGEST.fullmatch(sha256):
        return None
    written = found.written_at
    return AssetFile(user, sha256, name, kind, found.size_bytes, created_at=written, used_at=written)


def room_at(offset: int) -> int:
    """Return how many bytes a part may have that begins there."""
    return PART_BYTES - offset % PART_BYTES


def contiguous(sizes: dict[int, int], length: int, begin: int = 0) -> Iterator[tuple[int, int]]:
    """Yield offset and length of the parts that follow one another from a byte on, up to a length."""
    at = begin
    while at < length and 0 < (size := sizes.get(at, 0)) <= min(room_at(at), length - at):
        yield at, size
        at += size


def missing_parts(sizes: dict[int, int], length: int) -> list[tuple[int, int]]:
    """Return offset and length of the whole parts that have not come, the first of them first."""
    missing = []
    for begin in range(0, length, PART_BYTES):
        end = min(begin + PART_BYTES, length)
        if sum(size for _, size in contiguous(sizes, end, begin)) < end - begin:
            missing.append((begin, end - begin))
    return missing
