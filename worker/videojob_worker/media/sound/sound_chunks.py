"""How much sound a file of chunks says it has, and how much of that is there.

WAV, RF64 (EBU Tech 3306), Wave64, AIFF, CAF and ASF name and size each of their chunks. What writes into a pipe does
not know the size yet and leaves 0 or the largest number there is, or nearly; others count their header as sound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final, Literal


@dataclass(frozen=True, slots=True)
class _Layout:
    start: int
    """Where the first chunk is."""
    name_bytes: int
    size_bytes: int
    order: Literal["little", "big"]
    sound: bytes
    """Name of the chunk of sound."""
    counts_header: bool = False
    """Whether a size includes name and size themselves."""
    align: int = 1


_LAYOUTS: Final[Mapping[str, _Layout]] = {
    "WAV": _Layout(12, 4, 4, "little", b"data", align=2),
    "Wave64": _Layout(
        40, 16, 8, "little", b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", counts_header=True, align=8
    ),
    "AIFF": _Layout(12, 4, 4, "big", b"SSND", align=2),
    "CAF": _Layout(8, 4, 8, "big", b"data"),
    "Windows Media": _Layout(
        0, 16, 8, "little", b"\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", counts_header=True
    ),
}
_MOST_CHUNKS: Final = 10_000
_RIFF_BYTES: Final = 8
_DS64: Final = slice(8, 16)
"""Where in a `ds64` chunk the size of the sound is."""
# The largest numbers of 28 bits and more, less what a header may have; and a round number, as some choose.
_LARGEST: Final = tuple(2**bits for bits in (28, 29, 30, 31, 32, 63, 64))
_NEARLY: Final = 64 * 1024
_ROUND: Final = 100_000_000


def share_of_sound(path: Path, kind: str) -> Fraction:
    """Return which share of the bytes of sound that a file says it has is there; 1 where it does not say.

    Raises:
        OSError: it cannot be read.
    """
    layout = _LAYOUTS.get(kind)
    if layout is None:
        return Fraction(1)
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(_RIFF_BYTES)
        found = _find(file, layout, size)
    if found is None:
        return Fraction(1)
    body, promised = found
    there = size - body
    if there <= 0 or promised <= there or _is_placeholder(promised):
        return Fraction(1)
    if kind == "WAV" and int.from_bytes(head[4:], "little") + _RIFF_BYTES == size:
        return Fraction(1)  # whole by the header around it
    return Fraction(there, promised)


def _find(file: BinaryIO, layout: _Layout, size: int) -> tuple[int, int] | None:
    """Return where the chunk of sound begins and how many bytes it says it has."""
    header = layout.name_bytes + layout.size_bytes
    at, large = layout.start, 0
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(header)
        if len(head) < header:
            return None
        name, length = head[: layout.name_bytes], int.from_bytes(head[layout.name_bytes :], layout.order)
        if name == b"ds64":
            large = int.from_bytes(file.read(_DS64.stop)[_DS64], layout.order)
        body = at + header
        if layout.counts_header:
            length = max(0, length - header)
        if name == layout.sound:
            return body, large or length
        at = body + -(-length // layout.align) * layout.align
        if at >= size:
            return None
    return None


def _is_placeholder(length: int) -> bool:
    return length == 0 or length % _ROUND == 0 or any(abs(length - largest) <= _NEARLY for largest in _LARGEST)
