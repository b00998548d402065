"""JPEG XL files: by cjxl, and headers written bit by bit (ISO/IEC 18181-1, annex D) that no writer would make."""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

ALPHA, DEPTH, BLACK = 0, 1, 4
"""Types of channels beside colour."""


def write_jpeg_xl(image: Image.Image, path: Path, *options: str) -> None:
    """Write a picture by cjxl."""
    made_from = path.with_suffix(".png")
    image.save(made_from, compress_level=1)
    encode(made_from, path, *options)


def encode(made_from: Path, path: Path, *options: str) -> None:
    """Have cjxl write a file from another."""
    subprocess.run(["cjxl", str(made_from), str(path), *options], check=True, capture_output=True)


def header(size: tuple[int, int], channels: Sequence[int] = ()) -> bytes:
    """Return a header without a picture, in sRGB of 8 bits, with channels beside colour of such types."""
    bits = "".join(map(_bits, _fields(size, channels)))
    bits += "0" * (-len(bits) % 8)
    return b"\xff\x0a" + bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))


def _fields(size: tuple[int, int], channels: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield values and in how many bits they are written."""
    width, height = size
    yield from ((0, 1), (3, 2), (height - 1, 30), (0, 3), (3, 2), (width - 1, 30))
    yield from ((0, 1), (0, 1), (0, 1), (0, 2), (1, 1))  # not all as usual, no more fields, 8 bits, enough of 16
    yield from ((3, 2), (len(channels) - 1, 12)) if channels else ((0, 2),)
    for kind in channels:
        yield from ((0, 1), *(((kind, 2),) if kind < 2 else ((2, 2), (kind - 2, 4))))
        yield from ((0, 1), (0, 2), (0, 2), (0, 2))  # 8 bits, of full size, without a name
        if kind == ALPHA:
            yield 0, 1
    yield from ((0, 1), (1, 1), (0, 2), (1, 1))  # its own colours, sRGB, nothing more


def _bits(field: tuple[int, int]) -> str:
    """Return a value's bits, the lowest first."""
    value, count = field
    return f"{value:0{count}b}"[::-1]
