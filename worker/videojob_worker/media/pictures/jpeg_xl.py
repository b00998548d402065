"""Opens JPEG XL pictures (ISO/IEC 18181), by libjxl: upright by their own header, of an animation the first picture."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from PIL import Image

from videojob_contract.errors import Reason
from videojob_worker.media.pictures import libjxl as jxl
from videojob_worker.media.pictures.decoding_memory import MOST_DECODED_PIXELS, RGBA_BYTES, DecodingMemory
from videojob_worker.media.pictures.picture_colors import in_srgb
from videojob_worker.media.pictures.picture_errors import source_errors, too_large
from videojob_worker.media.pictures.picture_layout import MAX_METADATA_BYTES, PictureFacts
from videojob_worker.pixels.coded_colors import CodedColors
from videojob_worker.pixels.tonemap import HLG, PQ
from videojob_worker.pixels.upright import simplified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_worker.media.files.source import Source

KIND: Final = "JPEG XL"
MAX_FILE_BYTES: Final = 256 * 1024**2
"""Largest file: its decoder holds what it has read of it."""
MAX_CHANNELS: Final = 8
"""Most channels beside colour: opacity, spot colours, depth, and such."""

_BLOCK: Final = 1 << 20
# Of a pixel, by whether it is coded in its own colours, as without loss, and has channels beside them. Measured.
_DECODED_BYTES: Final = {(False, False): 9, (False, True): 36, (True, False): 6, (True, True): 7}
_SRGB: Final = 13
_P3: Final = {11: 12}
"""What libjxl calls P3 has the white of its own field; with that of screens, H.273 has another number."""


class BrokenJpegXlError(Exception):
    """libjxl does not decode it."""


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    """Upright."""
    height: int
    has_alpha: bool
    is_grey: bool
    decoded_bytes: int
    """Of a pixel that is decoded."""
    colors: CodedColors | None
    """Where it is brighter than paper."""
    profile: bytes
    has_further: bool
    """Whether it is an animation."""


def inspect_jpeg_xl(source: Source, kind: str) -> PictureFacts | None:
    """Read the header of a JPEG XL picture; None when it is of another kind.

    Raises:
        PermanentError: damaged, of a kind that is not read, beyond a limit, or libjxl is not installed.
    """
    if kind != KIND:
        return None
    with _opened(source) as (header, _):
        if header.has_further:
            source.warn("is an animation, and its first picture is shown")
        return PictureFacts(
            header.width,
            header.height,
            header.has_alpha,
            (),
            DecodingMemory(header.width, header.height, header.decoded_bytes),
        )


def load_jpeg_xl(source: Source, kind: str, at_least: tuple[int, int]) -> Image.Image | None:
    """Decode a JPEG XL picture, as `load_image` does; None as for `inspect_jpeg_xl`.

    Raises:
        PermanentError: as for `inspect_jpeg_xl`, or it cannot be decoded.
    """
    if kind != KIND:
        return None
    with _opened(source) as (header, decoder):
        pixels, mode = decoder.pixels(header), "RGBA" if header.has_alpha else "RGBX"
        image = simplified(Image.frombuffer(mode, (header.width, header.height), pixels, "raw", mode, 0, 1), at_least)
        if header.is_grey and not header.has_alpha:
            image = image.getchannel(0)
        return in_srgb(source, image, header.colors, header.profile, is_grey=header.is_grey)


@contextmanager
def _opened(source: Source) -> Iterator[tuple[_Header, _Decoder]]:
    library = jxl.libjxl()
    if (length := source.path.stat().st_size) > MAX_FILE_BYTES:
        most = MAX_FILE_BYTES // 1024**2
        raise source.error(
            f"has {length / 1024**2:,.0f} MiB; at most {most} MiB are allowed of a {KIND}", Reason.SOURCE_TOO_LARGE
        )
    with source_errors(source, KIND), source.path.open("rb") as file:
        handle = library.JxlDecoderCreate(None)
        try:
            decoder = _Decoder(library, handle, file)
            size = decoder.size()
            if size[0] * size[1] > MOST_DECODED_PIXELS:
                raise too_large(source, size, MOST_DECODED_PIXELS)
            yield decoder.header(), decoder
        finally:
            library.JxlDecoderDestroy(handle)


class _Decoder:
    def __init__(self, library: Any, handle: int, file: BinaryIO) -> None:
        self._library, self._handle = library, handle
        self._info = jxl.JxlBasicInfo()
        library.JxlDecoderSubscribeEvents(handle, jxl.BASIC_INFO | jxl.COLOR_ENCODING | jxl.FULL_IMAGE)
        library.JxlDecoderSetUnpremultiplyAlpha(handle, 1)
        self._events = self._processed(file)

    def size(self) -> tuple[int, int]:
        """Read the header up to its size, upright."""
        self._until(jxl.BASIC_INFO)
        self._checked(self._library.JxlDecoderGetBasicInfo(self._handle, self._info))
        return self._info.xsize, self._info.ysize

    def header(self) -> _Header:
        """Read the rest of it."""
        info = self._info
        if info.num_extra_channels > MAX_CHANNELS:
            raise BrokenJpegXlError(
                f"it has {info.num_extra_channels} channels beside colour, and may have {MAX_CHANNELS}"
            )
        if any(self._channel(number) == jxl.BLACK for number in range(info.num_extra_channels)):
            raise BrokenJpegXlError("it is coded as CMYK, which is not read; convert it to RGB")
        self._until(jxl.COLOR_ENCODING)
        colors = self._colors()
        return _Header(
            width=info.xsize,
            height=info.ysize,
            has_alpha=bool(info.alpha_bits),
            is_grey=info.num_color_channels == 1,
            decoded_bytes=_DECODED_BYTES[bool(info.uses_original_profile), bool(info.num_extra_channels)],
            colors=colors,
            profile=b"" if colors else self._profile(),
            has_further=bool(info.have_animation),
        )

    def pixels(self, header: _Header) -> np.ndarray:
        """Decode it: `(height, width, 4) uint8`, of which libjxl holds the least beside them."""
        self._until(jxl.NEED_IMAGE_OUT_BUFFER)
        made = np.empty((header.height, header.width, RGBA_BYTES), np.uint8)
        layout = jxl.JxlPixelFormat(num_channels=RGBA_BYTES, data_type=jxl.UINT8)
        self._checked(self._library.JxlDecoderSetImageOutBuffer(self._handle, layout, made.ctypes.data, made.nbytes))
        self._until(jxl.FULL_IMAGE)
        return made

    def _channel(self, number: int) -> int:
        info = jxl.JxlExtraChannelInfo()
        self._checked(self._library.JxlDecoderGetExtraChannelInfo(self._handle, number, info))
        return int(info.type)

    def _colors(self) -> CodedColors | None:
        """Return what is brighter than paper; have all else that libjxl can convert come in sRGB."""
        told = jxl.JxlColorEncoding()
        asked = (self._handle, *self._library.unused, jxl.ORIGINAL, told)
        is_told = self._library.JxlDecoderGetColorAsEncodedProfile(*asked) == jxl.SUCCESS
        if is_told and told.transfer_function in {PQ, HLG}:
            return CodedColors.of_code_points(_P3.get(told.primaries, told.primaries), told.transfer_function)
        if not self._info.uses_original_profile:
            space = jxl.GREY if self._info.num_color_channels == 1 else 0
            wanted = jxl.JxlColorEncoding(
                color_space=space, white_point=1, primaries=1, transfer_function=_SRGB, rendering_intent=1
            )
            # Where it cannot, its profile says what comes.
            self._library.JxlDecoderSetPreferredColorProfile(self._handle, wanted)
        return None

    def _profile(self) -> bytes:
        asked = (self._handle, *self._library.unused, jxl.OF_DATA)
        size = ctypes.c_size_t()
        if self._library.JxlDecoderGetICCProfileSize(*asked, size) != jxl.SUCCESS:
            return b""
        if size.value > MAX_METADATA_BYTES:
            return b"broken"
        profile = ctypes.create_string_buffer(size.value)
        self._checked(self._library.JxlDecoderGetColorAsICCProfile(*asked, profile, size))
        return profile.raw

    def _until(self, wanted: int) -> None:
        if not any(event == wanted for event in self._events):
            raise BrokenJpegXlError("it has no picture")

    def _processed(self, file: BinaryIO) -> Iterator[int]:
        """Yield what libjxl stops at."""
        left = b""
        while True:
            read = file.read(_BLOCK)
            data = left + read
            self._checked(self._library.JxlDecoderSetInput(self._handle, data, len(data)))
            while (event := self._library.JxlDecoderProcessInput(self._handle)) != jxl.NEED_MORE_INPUT:
                self._checked(jxl.ERROR if event == jxl.ERROR else jxl.SUCCESS)
                yield event
                if event == jxl.SUCCESS:
                    return
            rest = self._library.JxlDecoderReleaseInput(self._handle)
            if not read:
                raise BrokenJpegXlError("it breaks off")
            left = data[len(data) - rest :]

    @staticmethod
    def _checked(status: int) -> None:
        if status != jxl.SUCCESS:
            raise BrokenJpegXlError("it cannot be decoded")
