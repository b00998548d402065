"""Containers changed by hand, to say what no writer at hand says."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

SEGMENT, TRACKS, TRACK, VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0


def add_box(path: Path, names: Sequence[bytes], box: bytes) -> None:
    """Append a box to one of an MP4 whose index is its last box; `names` lead to it, the last being a sample entry."""
    data = bytearray(path.read_bytes())
    starts, at = [], 0
    for name in names:
        at = data.index(name, at)
        starts.append(at - 4)
    end = starts[-1] + int.from_bytes(data[starts[-1] : starts[-1] + 4])
    data[end:end] = box
    for start in starts:
        size = int.from_bytes(data[start : start + 4]) + len(box)
        data[start : start + 4] = size.to_bytes(4)
    path.write_bytes(data)


def add_clean_aperture(path: Path, entry: bytes, numbers: Sequence[int]) -> None:
    """Give an MP4 a clean aperture: width, height, and how far right and down of the middle, each as a ratio."""
    box = struct.pack(">I4s8i", 40, b"clap", *numbers)
    add_box(path, [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", entry], box)


def add_pixel_crop(path: Path, left: int, top: int, right: int, bottom: int) -> None:
    """Give a live Matroska file, which has no index, pixels to crop of each side."""
    crops = b"".join(
        bytes.fromhex(number) + b"\x82" + pixels.to_bytes(2)
        for number, pixels in (("54cc", left), ("54bb", top), ("54dd", right), ("54aa", bottom))
    )
    path.write_bytes(_rewritten(path.read_bytes(), [SEGMENT, TRACKS, TRACK, VIDEO], crops))


def _rewritten(data: bytes, numbers: list[int], added: bytes) -> bytes:
    """Append to the content of an element; the numbers of elements lead to it."""
    made, at = b"", 0
    while at < len(data):
        id_end = at + 9 - data[at].bit_length()
        body = id_end + 9 - data[id_end].bit_length()
        bits = 7 * (body - id_end)
        size = int.from_bytes(data[id_end:body]) & (1 << bits) - 1
        unknown = size == (1 << bits) - 1
        end = len(data) if unknown else body + size
        content = data[body:end]
        if int.from_bytes(data[at:id_end]) == numbers[0]:
            content = _rewritten(content, numbers[1:], added) if numbers[1:] else content + added
        made += data[at:id_end] + (b"\x01" + b"\xff" * 7 if unknown else (1 << 56 | len(content)).to_bytes(8)) + content
        at = end
    return made


def concatenate(parts: Sequence[Path], path: Path, fps: Fraction) -> None:
    """Write the packets of videos behind each other into one stream, whose header is that of the first."""
    with av.open(str(path), "w") as out:
        stream, number = None, 0
        for part in parts:
            with av.open(str(part)) as source:
                stream = stream or out.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.pts, packet.dts, packet.duration = number, number, 1
                        packet.time_base, packet.stream = 1 / fps, stream
                        out.mux(packet)
                        number += 1
