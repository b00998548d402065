"""Packet files that another process reads: the packets, then their index, then a digest of all before it.

The packets are where a `PacketFile` has them, at the start, so a sealed file is read as any other. What was damaged on
the way, cut short, or made from another description is refused before a byte of it is used.
"""

import hashlib
import struct
from array import array
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ValidationError

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.base import Model
from videojob_worker.encode.packet_file import PacketFile

_LENGTH: Final = struct.Struct(">Q")
"""Of the index, in bytes."""
_DIGEST_BYTES: Final = hashlib.sha256().digest_size
_MOST_INDEX_BYTES: Final = 64 << 20
_BLOCK_BYTES: Final = 1 << 20


class _Index(Model):
    made_from: str
    parameter_sets: str
    """In hexadecimal."""
    pts: list[int]
    dts: list[int]
    sizes: list[int]
    keyframes: list[bool]


def seal(packet_file: PacketFile, made_from: str) -> Path:
    """Add the index and the digest to a packet file, and return the file.

    Args:
        packet_file: a segment's packets, that are all written.
        made_from: digest of the description that they were made from.
    """
    index = _Index(
        made_from=made_from,
        parameter_sets=packet_file.parameter_sets.hex(),
        pts=list(packet_file.pts),
        dts=list(packet_file.dts),
        sizes=list(packet_file.sizes),
        keyframes=list(map(bool, packet_file.keyframes)),
    )
    body = index.model_dump_json(by_alias=True).encode()
    with packet_file.path.open("r+b") as file:
        digest = _digest(file, packet_file.path.stat().st_size)
        for part in (body, _LENGTH.pack(len(body))):
            digest.update(part)
            file.write(part)
        file.write(digest.digest())
    return packet_file.path


def open_sealed(path: Path, made_from: str, frames: range) -> PacketFile:
    """Check a sealed file, and return the packets in it.

    Args:
        path: the file.
        made_from: digest of the description that it has to be made from.
        frames: which frames have to be in it, counted in the whole timeline.

    Raises:
        PermanentError: it is missing, damaged, of another description or of other frames; the message says which.
    """
    try:
        with path.open("rb") as file:
            index, packets_bytes = _read(file, path)
    except FileNotFoundError as error:
        raise _refused(path, "is missing") from error
    if index.made_from != made_from:
        raise _refused(path, f"was made from another description ({index.made_from[:12]}, not {made_from[:12]})")
    if not len(index.pts) == len(index.dts) == len(index.sizes) == len(index.keyframes):
        raise _refused(path, "has an index whose parts have different lengths")
    if sorted(index.pts) != list(frames):
        raise _refused(path, f"does not have the {len(frames)} frames from {frames.start}, each once")
    if min(index.sizes) < 0 or sum(index.sizes) != packets_bytes:
        raise _refused(path, f"has {packets_bytes} bytes of packets, and its index {sum(index.sizes)}")
    return PacketFile(
        path,
        bytes.fromhex(index.parameter_sets),
        array("q", index.pts),
        array("q", index.dts),
        array("q", index.sizes),
        bytearray(index.keyframes),
    )


def _read(file: BinaryIO, path: Path) -> tuple[_Index, int]:
    """Return the index, and how many bytes of packets are before it."""
    size = file.seek(0, 2)
    signed = size - _DIGEST_BYTES
    if signed < _LENGTH.size:
        raise _refused(path, f"is cut short: it has {size} bytes")
    file.seek(0)
    if _digest(file, signed).digest() != file.read():
        raise _refused(path, "is damaged: it does not have the digest that it says")
    file.seek(signed - _LENGTH.size)
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    packets_bytes = signed - _LENGTH.size - length
    if packets_bytes < 0 or length > _MOST_INDEX_BYTES:
        raise _refused(path, f"has an index of {length} bytes")
    file.seek(packets_bytes)
    try:
        return _Index.model_validate_json(file.read(length)), packets_bytes
    except ValidationError as error:
        raise _refused(path, "has an index that is none") from error


def _digest(file: BinaryIO, length: int) -> "hashlib._Hash":
    """Read so many bytes from where the file is, and return their digest."""
    digest = hashlib.sha256()
    while length and (block := file.read(min(length, _BLOCK_BYTES))):
        digest.update(block)
        length -= len(block)
    return digest


def _refused(path: Path, why: str) -> PermanentError:
    return PermanentError(f"packet file {path.name} {why}", Reason.VERIFICATION_FAILED)
