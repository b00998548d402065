"""Walks picture files by their parts, without decoding: how long each frame of an animation lasts, and bounds.

Pillow would decode every frame to tell how long it lasts, and keeps all metadata of a file in memory.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

import av
from av.error import FFmpegError

from videojob_contract.errors import Reason
from videojob_worker.media.files.decoders import FOR_AVIF
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.gif_layout import read_gif_layout
from videojob_worker.media.pictures.jpeg_layout import read_jpeg_layout
from videojob_worker.media.pictures.picture_layout import Bounds, PictureLayout
from videojob_worker.media.pictures.png_layout import read_png_layout
from videojob_worker.pixels.coded_colors import CodedColors

MAX_WHOLE_BYTES: Final = 256 * 1024**2
"""Largest WebP and AVIF, which are decoded from memory."""

# Browsers play what claims to be quicker than this at a tenth of a second; animations are made for browsers.
_QUICKEST_S: Final = Fraction(1, 100)
_USUAL_S: Final = Fraction(1, 10)

_WEBP_METADATA: Final = frozenset((b"EXIF", b"XMP ", b"ICCP"))


def read_layout(source: Source, kind: str) -> PictureLayout:
    """Walk a picture file of a kind that `sniff` names.

    Raises:
        PermanentError: too many frames, or more metadata than a picture may have.
        OSError: it cannot be read.
    """
    if kind in {"WebP", "AVIF"} and (size := source.path.stat().st_size) > MAX_WHOLE_BYTES:
        raise source.error(
            f"has {size / 1024**2:,.0f} MiB; at most {MAX_WHOLE_BYTES // 1024**2} MiB are allowed of a {kind}",
            Reason.SOURCE_TOO_LARGE,
        )
    with source.path.open("rb") as file:
        match kind:
            case "JPEG":
                return read_jpeg_layout(source, file)
            case "PNG":
                found = read_png_layout(source, file)
            case "GIF":
                found = read_gif_layout(source, file)
            case _:
                found = _read_others(source, file, kind)
    return replace(found, frame_times_s=tuple(time if time > _QUICKEST_S else _USUAL_S for time in found.frame_times_s))


def _read_others(source: Source, file: BinaryIO, kind: str) -> PictureLayout:
    bounds, times = Bounds(source), list[Fraction]()
    colors: CodedColors | None = None
    if kind in {"TIFF", "BMP"}:
        return PictureLayout((range(file.seek(0, 2)),))
    for part in _webp(file) if kind == "WebP" else _avif(source.path):
        if isinstance(part, Fraction):
            bounds.add(frames=1, parts=0)
            times.append(part)
        elif isinstance(part, int):
            bounds.add(metadata=part, parts=0)
        else:
            colors = part
    return PictureLayout((range(file.seek(0, 2)),), tuple(times), colors=colors)


def _webp(file: BinaryIO) -> Iterator[int | Fraction]:
    """Yield sizes of metadata, and the duration of each `ANMF` (RFC 9649, 2.7)."""
    file.seek(12)
    while len(head := file.read(8)) == 8:  # noqa: PLR2004 - name and length
        name, size = head[:4], int.from_bytes(head[4:], "little")
        if name in _WEBP_METADATA:
            yield size
        start = file.tell()
        if name == b"ANMF":
            yield Fraction(int.from_bytes(file.read(16)[12:15], "little"), 1000)
        file.seek(start + size + size % 2)


def _avif(path: Path) -> Iterator[Fraction | CodedColors]:
    """Yield the colours of a sequence, which is laid out like an MP4, and the duration of each sample."""
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2",
        "codec_whitelist": FOR_AVIF,
    }
    try:
        with av.open(f"file:{path}", format="mov", options=options, metadata_errors="replace") as container:
            tracks = [stream for stream in container.streams.video if stream.frames > 1]
            if tracks and tracks[0].time_base:
                shown = tracks[0].codec_context
                if colors := CodedColors.of_code_points(int(shown.color_primaries), int(shown.color_trc)):
                    yield colors
                for packet in container.demux(tracks[0]):
                    if packet.size:
                        yield (packet.duration or 0) * tracks[0].time_base
    except FFmpegError:  # a still picture that libav does not read; Pillow says whether it is one
        return
