"""Opens pictures of the kinds that people have, as upright 8-bit sRGB. Of an animation, the first frame.

The formats are an allow list and are recognised by content. A header is read and its pixels counted before
anything is decoded, so that a small file cannot claim a huge picture.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from videojob_contract.errors import PermanentError
from videojob_contract.resources.damage import OnDamage
from videojob_worker.media.files.sniff import describe_kind, file_kind
from videojob_worker.media.files.source import Source
from videojob_worker.media.files.spliced_file import open_spliced
from videojob_worker.media.pictures.composed_frames import MAX_FRAME_PIXELS, ComposedFrames, Disposal
from videojob_worker.media.pictures.decoding_memory import MOST_DECODED_PIXELS, RGBA_BYTES, STRIP_BYTES, DecodingMemory
from videojob_worker.media.pictures.heif_picture import inspect_heif, load_heif
from videojob_worker.media.pictures.jpeg_check import check_jpeg_data
from videojob_worker.media.pictures.jpeg_xl import inspect_jpeg_xl, load_jpeg_xl
from videojob_worker.media.pictures.layouts import read_layout
from videojob_worker.media.pictures.orientation import orientation_of
from videojob_worker.media.pictures.picture_colors import in_srgb
from videojob_worker.media.pictures.picture_errors import MAX_REDUCED_PIXELS, source_errors, too_large
from videojob_worker.media.pictures.picture_layout import PictureFacts, PictureLayout
from videojob_worker.media.pictures.png_layout import png_damage
from videojob_worker.media.pictures.png_strips import PngStrips, png_strips
from videojob_worker.media.pictures.tiff import OpenTiff, open_tiff
from videojob_worker.media.pictures.tiff_strips import TiffStrips
from videojob_worker.pixels.upright import ORIENTATIONS, SIDEWAYS, has_transparency, simplified, turned_upright

# Of a pixel: of what decoders give back and hold, and of Pillow's modes. Measured.
_DECODED_BYTES: Final = {"WebP": 16, "AVIF": 12}
_MODE_BYTES: Final = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
_COEFFICIENT_BYTES: Final = 2
_GREYS: Final = frozenset(("1", "L", "I;16", "I;16B"))

# Pillow's name for each kind.
_FORMATS: Final = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "WebP": "WEBP",
    "AVIF": "AVIF",
    "GIF": "GIF",
    "TIFF": "TIFF",
    "BMP": "BMP",
}
_READ: Final = "JPEG, PNG, WebP, AVIF, HEIC, JPEG XL, GIF, TIFF or BMP"
_ADVICE: Final = {
    "PSD": "export it as PNG or TIFF",
    "SVG": "export it as PNG, as large as it is to be seen",
    "PDF": "export its page as PNG",
    "camera raw": "develop it, and save it as JPEG, TIFF or HEIC",
}
_DRAWN_PARTLY: Final = frozenset(("JPEG", "PNG", "GIF", "TIFF", "BMP"))
"""Kinds of which there is a picture where their decoder gives up."""
_GREY: Final = 128
"""What the decoder of JPEG draws where nothing is left."""

# The count of pixels is checked here, before decoding, with a message that names the source.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class OpenPicture:
    """A picture of which the header is read."""

    source: Source
    kind: str
    image: ImageFile.ImageFile
    layout: PictureLayout
    orientation: int
    strips: PngStrips | TiffStrips | None = None
    """How it is decoded, a PNG where it is made smaller; None of what Pillow decodes as it is."""
    has_further_pages: bool = False
    """Whether it is the first of several."""

    @property
    def frame_times_s(self) -> tuple[Fraction, ...]:
        """How long each frame of an animation lasts; empty for a still picture."""
        return self.layout.frame_times_s if len(self.layout.frame_times_s) > 1 else ()

    @property
    def is_composed(self) -> bool:
        """Whether its frames, or its only one, are put together here."""
        frames = self.layout.frames
        return bool(frames) and (
            bool(self.frame_times_s) or self.kind == "PNG" or not frames[0].covers(self.image.size)
        )

    @property
    def has_alpha(self) -> bool:
        """Whether it can be seen through."""
        if has_transparency(self.image) or self.kind == "GIF":
            return True
        if not self.is_composed:
            return False
        first, *others = self.layout.frames
        is_left_out = not first.covers(self.image.size) or first.disposal is not Disposal.KEPT
        return is_left_out or any(frame.disposal is Disposal.CLEARED for frame in others)

    @property
    def decoding(self) -> DecodingMemory:
        """What its decoder takes of memory."""
        plain = self.image.mode in {"RGB", "RGBA"}
        return DecodingMemory(
            *self.image.size,
            decoded_bytes=_DECODED_BYTES.get(self.kind, _MODE_BYTES.get(self.image.mode, RGBA_BYTES)),
            stored_bytes=self.layout.coefficients * _COEFFICIENT_BYTES,
            is_copied=not plain and self.kind not in _DECODED_BYTES,
            is_sideways=self.orientation in SIDEWAYS,
            is_turned=self.orientation in ORIENTATIONS,
            has_drafts=self.kind == "JPEG",
            row_bytes=self.strips.row_bytes if self.strips else 0,
            strip_bytes=self.strips.strip_bytes if isinstance(self.strips, TiffStrips) else STRIP_BYTES,
            only_strips=isinstance(self.strips, TiffStrips),
            is_grey=self.image.mode in _GREYS,
        )

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Close it in the end, and turn what its decoder raises into an error that names the source."""
        with self.image, source_errors(self.source, self.kind):
            yield

    def decoded(self, at_least: tuple[int, int]) -> Image.Image:
        """Return the frame that is loaded: upright, RGB or RGBA, in sRGB, no smaller than twice `at_least`."""
        wanted = at_least[::-1] if self.orientation in SIDEWAYS else at_least
        return self.finished(simplified(self.image, wanted))

    def composed(self) -> ComposedFrames | None:
        """Open its frames, where they are put together here."""
        if not self.is_composed:
            return None
        return ComposedFrames(self.source.path, _FORMATS[self.kind], self.layout.frames, self.image.size)

    def frame(self, frames: ComposedFrames, number: int) -> Image.Image:
        """Return one of its frames: upright, RGB or RGBA, in sRGB."""
        image = frames.image(number)
        return self.finished(image if self.has_alpha else image.convert("RGB"))

    def finished(self, simple: Image.Image) -> Image.Image:
        """Return what is decoded, in mode RGB, RGBA, L or CMYK, as it is shown: upright, RGB or RGBA, in sRGB."""
        profile = self.layout.profile or self.image.info.get("icc_profile") or b""
        is_grey = self.image.mode in {"L", "LA"}
        return turned_upright(
            in_srgb(self.source, simple, self.layout.colors, profile, is_grey=is_grey), self.orientation
        )


def inspect_picture(source: Source) -> PictureFacts:
    """Read the header of a picture.

    Raises:
        PermanentError: not a picture of a kind that is read, damaged, or beyond a limit.
    """
    kind = file_kind(source.path)
    for inspect in (inspect_heif, inspect_jpeg_xl):
        if (facts := inspect(source, kind)) is not None:
            return facts
    picture = open_picture(source, kind)
    image, times = picture.image, picture.frame_times_s
    with picture.opened():
        width, height = image.size[::-1] if picture.orientation in SIDEWAYS else image.size
        if times and width * height > MAX_FRAME_PIXELS:
            raise too_large(source, image.size, MAX_FRAME_PIXELS)
        if picture.has_further_pages:
            source.warn("has several pages, and its first is shown")
        if picture.layout.is_cut_off or (picture.kind == "PNG" and not times):
            _conceal(picture)
        must_be_whole = source.on_damage is OnDamage.FAIL and width * height <= MAX_FRAME_PIXELS
        if picture.kind == "JPEG" and must_be_whole:
            check_jpeg_data(source, picture.layout.parts)
        return PictureFacts(width, height, picture.has_alpha, times, picture.decoding)


def load_image(source: Source, at_least: tuple[int, int]) -> Image.Image:
    """Decode a picture, upright, in mode RGB or (where it has transparency) RGBA, 8 bits, sRGB.

    A picture much larger than `at_least` (width, height) is made smaller by a whole factor, a JPEG while it is decoded,
    never below twice `at_least`.

    Raises:
        PermanentError: as for `inspect_picture`, or what follows its header is damaged.
    """
    kind = file_kind(source.path)
    for load in (load_heif, load_jpeg_xl):
        if (still := load(source, kind, at_least)) is not None:
            return still
    picture = open_picture(source, kind)
    with picture.opened():
        if (by := picture.decoding.draft(at_least)) > 1:
            picture.image.draft(None, (picture.image.width // by, picture.image.height // by))
        if picture.strips is not None and (
            (by := picture.decoding.strips(at_least)) > 1 or picture.decoding.only_strips
        ):
            return picture.finished(_decoded_strips(picture, picture.strips, by))
        if (frames := picture.composed()) is not None:
            return picture.frame(frames, 0)
        _load(picture)
        return picture.decoded(at_least)


def open_picture(source: Source, kind: str) -> OpenPicture:
    """Open a picture, whose kind `file_kind` names, that is not too large to be decoded.

    Raises:
        PermanentError: not a picture that is read here, damaged, or beyond a limit.
    """
    if kind not in _FORMATS:
        raise _not_read(source, kind)
    with source_errors(source, kind):
        layout = read_layout(source, kind)
        tiff: OpenTiff | None = None
        try:
            if kind == "TIFF":
                tiff = open_tiff(source)
                image = tiff.image
            else:
                image = Image.open(open_spliced(source.path, layout.parts), formats=[_FORMATS[kind]])
        except UnidentifiedImageError as error:
            raise source.error(f"is a damaged {kind}: its header cannot be read") from error
        if tiff is not None and tiff.is_raw:
            image.close()
            raise _not_read(source, "camera raw")
        strips: PngStrips | TiffStrips | None = tiff.strips if tiff else None
        if kind == "PNG" and len(layout.frame_times_s) < 2:  # noqa: PLR2004
            strips = _strips(source, image, layout)
    is_reduced = strips is not None or (kind == "JPEG" and not layout.coefficients)
    most = MAX_REDUCED_PIXELS if is_reduced else MOST_DECODED_PIXELS
    if image.width * image.height > most:
        image.close()
        raise too_large(source, image.size, most)
    if tiff is not None and tiff.strips is not None:
        return OpenPicture(source, kind, image, layout, tiff.orientation, tiff.strips, tiff.has_further_pages)
    orientation = orientation_of(source, layout.exif or image.info.get("exif", b""))
    has_further_pages = tiff is not None and tiff.has_further_pages
    return OpenPicture(source, kind, image, layout, orientation, strips, has_further_pages)


def _strips(source: Source, image: ImageFile.ImageFile, layout: PictureLayout) -> PngStrips | None:
    with open_spliced(source.path, layout.parts) as file:
        return png_strips(file, image)


def _decoded_strips(picture: OpenPicture, strips: PngStrips | TiffStrips, factor: int) -> Image.Image:
    with open_spliced(picture.source.path, picture.layout.parts) as file:
        image, rows = strips.decode(file, factor)
    if rows >= picture.image.height:
        return image
    if picture.kind == "TIFF":
        missing = 1 - rows / picture.image.height
        picture.source.conceal(f"is a damaged TIFF: it breaks off, {_missing(missing)}", missing)
    elif not _conceal(picture):
        raise OSError("it breaks off")
    return image


def _not_read(source: Source, kind: str) -> PermanentError:
    advice = f"; {_ADVICE[kind]}" if kind in _ADVICE else ""
    return source.error(f"is {describe_kind(kind)}, not a {_READ} image{advice}")


def _load(picture: OpenPicture) -> None:
    """Decode; of a still picture at which its decoder gives up on the way, what is there."""
    try:
        picture.image.load()
    except OSError:
        picture.image.tile = []
        if picture.frame_times_s or picture.kind not in _DRAWN_PARTLY:
            raise
        if picture.kind == "PNG":  # its probe has found what
            if not _conceal(picture):
                raise
            return
        missing = _undrawn(picture)
        picture.source.conceal(f"is a damaged {picture.kind}: its decoder gives up, {_missing(missing)}", missing)


def _conceal(picture: OpenPicture) -> bool:
    """Say that a still picture is drawn as far as it is there; False when all of it is.

    Raises:
        PermanentError: it must be whole, most of it is missing, or it is an animation.
    """
    if picture.frame_times_s:
        raise picture.source.error(f"is a damaged {picture.kind}: it is cut short")
    damage = _jpeg_damage(picture) if picture.kind == "JPEG" else None
    if picture.kind == "PNG":
        with picture.source.path.open("rb") as file:
            damage = png_damage(file)
    if damage is not None:
        what, missing = damage
        picture.source.conceal(f"is a damaged {picture.kind}: {what}", missing)
    return damage is not None


def _jpeg_damage(picture: OpenPicture) -> tuple[str, float]:
    """Return what is wrong with a JPEG that breaks off, and for which share of rows, from 0 to 1, nothing is left."""
    with Image.open(open_spliced(picture.source.path, picture.layout.parts), formats=["JPEG"]) as image:
        image.draft("L", (1, 1))
        rows = (np.asarray(image.convert("L")) != _GREY).any(axis=1)
    missing = 1 - float(np.flatnonzero(rows)[-1] + 1) / len(rows) if rows.any() else 1.0
    return f"it breaks off, {_missing(missing)}", missing


def _undrawn(picture: OpenPicture) -> float:
    """Return for which share of rows, from 0 to 1, a decoder that gave up left one colour."""
    rows = np.asarray(picture.image).reshape(picture.image.height, picture.image.width, -1)
    last = rows[0 if picture.kind == "BMP" else -1, 0]
    return float((rows == last).all(axis=(1, 2)).mean())


def _missing(share: float) -> str:
    return f"about {share:.1%} of the picture are missing" if share else "and is shown as far as it is there"
