"""Opens still pictures of HEIF files, HEIC and AVIF, as sources; sequences are read elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, BinaryIO, Final

from videojob_worker.media.pictures.decoding_memory import MOST_DECODED_PIXELS, DecodingMemory
from videojob_worker.media.pictures.heif import Heif, open_heif
from videojob_worker.media.pictures.heif_tiles import Tiles, frame_bytes
from videojob_worker.media.pictures.layouts import read_layout
from videojob_worker.media.pictures.picture_colors import in_srgb
from videojob_worker.media.pictures.picture_errors import source_errors, too_large
from videojob_worker.media.pictures.picture_layout import PictureFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

    from videojob_worker.media.files.source import Source

_TILE_BYTES: Final = 10
"""Of a pixel of a tile, beside its frame: what the decoder holds, and its way to RGB. Measured."""
_KINDS: Final = ("AVIF", "HEIC")


def inspect_heif(source: Source, kind: str) -> PictureFacts | None:
    """Read the index of a HEIF file; None when its kind is none of HEIF, or it is a sequence.

    Raises:
        PermanentError: damaged, of a kind that is not read, or beyond a limit.
    """
    with _opened(source, kind) as opened:
        if opened is None:
            return None
        heif, _ = opened
        return PictureFacts(*heif.size, heif.opacity is not None, (), _decoding(heif))


def load_heif(source: Source, kind: str, at_least: tuple[int, int]) -> Image.Image | None:
    """Decode the picture of a HEIF file, as `load_image` does; None as for `inspect_heif`.

    Raises:
        PermanentError: as for `inspect_heif`, or it cannot be decoded.
    """
    with _opened(source, kind) as opened:
        if opened is None:
            return None
        heif, file = opened
        image, colors = heif.decode(file, at_least)
        # A profile tells more than code points do, except of what is brighter than paper.
        is_high = colors is not None and colors.transfer is not None
        return in_srgb(source, image, None if heif.profile and not is_high else colors, heif.profile)


@contextmanager
def _opened(source: Source, kind: str) -> Iterator[tuple[Heif, BinaryIO] | None]:
    if kind not in _KINDS:
        yield None
        return
    with source_errors(source, kind), source.path.open("rb") as file:
        heif = None if _is_sequence(source, kind) else open_heif(file)
        if heif is None:
            if kind == "HEIC":
                raise source.error("is a HEIC sequence, which is not read; save one of its pictures")
            yield None
            return
        if prod(heif.largest) > MOST_DECODED_PIXELS:
            raise too_large(source, heif.largest, MOST_DECODED_PIXELS)
        yield heif, file


def _decoding(heif: Heif) -> DecodingMemory:
    opacity = None if heif.opacity is None else _decoding_of(heif.opacity)
    is_turned = bool(heif.turns or heif.crop)
    return replace(_decoding_of(heif.tiles), is_sideways=heif.is_sideways, is_turned=is_turned, opacity=opacity)


def _decoding_of(tiles: Tiles) -> DecodingMemory:
    is_single = tiles.tile == tiles.size
    return DecodingMemory(
        *tiles.size,
        decoded_bytes=_TILE_BYTES + max(map(frame_bytes, tiles.items)),
        is_copied=not is_single,
        tile=None if is_single else tiles.tile,
    )


def _is_sequence(source: Source, kind: str) -> bool:
    return kind == "AVIF" and len(read_layout(source, kind).frame_times_s) > 1
