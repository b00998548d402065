"""Boxes of the ISO base media file format (ISO/IEC 14496-12), of which MP4, MOV, HEIC and AVIF are made."""

from fractions import Fraction
from typing import BinaryIO, Final

CLEAN_APERTURE_BYTES: Final = 32
_HEADER_BYTES: Final = 16
# The first four numbers are a width and a height over what divides them; of the offsets, the dividends have a sign.
_SIGNED_AT: Final = (16, 24)


def box_header(head: bytes, rest: int) -> tuple[bytes, int, int]:
    """Read the header of a box (4.2).

    Args:
        head: the first 16 bytes from its start on, or as many as there are.
        rest: how many bytes there are from its start on: what a box has that goes on to the end.

    Returns:
        its name, and how many bytes its header and the whole box have by what it says.
    """
    length, name, header = int.from_bytes(head[:4]), head[4:8], 8
    if length == 1:
        length, header = int.from_bytes(head[8:16]), 16
    elif length == 0:
        length = rest
    return name, header, length


def read_box(file: BinaryIO, start: int, end: int) -> tuple[bytes, int, int]:
    """Read the name of a box, and where its content starts and the box ends by what it says."""
    file.seek(start)
    name, header, length = box_header(file.read(_HEADER_BYTES), end - start)
    return name, start + header, start + length


def box_at(file: BinaryIO, start: int, end: int) -> tuple[bytes, int, int] | None:
    """Read the name of a box, and where its content starts and ends; None where no box is that ends before `end`."""
    if start + 8 > end:
        return None
    name, body, until = read_box(file, start, end)
    return (name, body, until) if body <= until <= end else None


def aperture(clap: bytes, size: tuple[int, int]) -> tuple[Fraction, Fraction, Fraction, Fraction] | None:
    """Read a clean aperture (12.1.4) of pictures of a size: its width, height, left and top, in pixels.

    None where a divisor is 0. It need not be within the picture.
    """
    numbers = [int.from_bytes(clap[at : at + 4], signed=at in _SIGNED_AT) for at in range(0, CLEAN_APERTURE_BYTES, 4)]
    if not all(numbers[1::2]):
        return None
    width, height, right, down = (Fraction(*pair) for pair in zip(numbers[0::2], numbers[1::2], strict=True))
    return width, height, (size[0] - width) / 2 + right, (size[1] - height) / 2 + down
