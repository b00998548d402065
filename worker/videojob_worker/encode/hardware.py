"""Encoders outside the processor: found out by opening them, because a driver's word is no device."""

from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

import av
from av.codec.codec import UnknownCodecError
from av.error import FFmpegError

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.encoding import Encoding, Hardware
from videojob_contract.resources.outputs import Codec
from videojob_worker.encode.codecs import HARDWARE, SOFTWARE, Encoder
from videojob_worker.encode.encoder import new_encoder
from videojob_worker.encode.settings import VideoSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROBE_SIZE = (256, 256)
"""No smaller than what hardware encoders take."""
_NEEDS = {
    Hardware.NVENC: "an NVIDIA GPU with NVENC and its driver's libnvidia-encode.so.1 in the worker",
    Hardware.VAAPI: "a render node (/dev/dri/renderD128) and a VAAPI driver in the worker",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The encoder of an output, and what the user should know of the choice."""

    encoder: Encoder
    note: str | None = None


def choose_encoder(field: str, codec: Codec, encoding: Encoding) -> Chosen:
    """Choose the encoder of an output, found at `field` of the spec, as its pool asks.

    Raises:
        PermanentError: the pool's hardware cannot encode it, and the pool allows no other; reason `NotSupported`.
    """
    if encoding.hardware is Hardware.NONE:
        return Chosen(SOFTWARE[codec])
    missing = missing_hardware(codec, encoding.hardware)
    if missing is None:
        return Chosen(HARDWARE[encoding.hardware][codec])
    if encoding.fallback:
        return Chosen(SOFTWARE[codec], f"{field}: {missing}; encoding with {SOFTWARE[codec].name}")
    raise PermanentError(
        f"{field}: {missing}; mend the pool, or set its spec.encoding.fallback to encode with the processor",
        Reason.NOT_SUPPORTED,
    )


@cache
def missing_hardware(codec: Codec, hardware: Hardware) -> str | None:
    """Open the encoder, and say what is missing when it does not open; None when it works."""
    encoder = HARDWARE[hardware].get(codec)
    if encoder is None:
        return f"{hardware} has no encoder for {codec}"
    width, height = _PROBE_SIZE
    settings = VideoSettings(codec, encoder.name, width, height, Fraction(30), encoder.options, crf=30)
    with _libav_log() as logged:
        try:
            new_encoder(settings, 1).open()
        except UnknownCodecError:
            return f"this build of libav has no {encoder.name}"
        except (FFmpegError, NotImplementedError, ValueError) as error:
            said = next((text.strip() for _, _, text in logged), getattr(error, "strerror", None) or str(error))
            return f"{encoder.name} does not open ({said}); it needs {_NEEDS[hardware]}"
    return None


@contextmanager
def _libav_log() -> "Iterator[list[tuple[int, str, str]]]":
    """Gather what libav says of its errors; nobody else uses it yet."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as logged:
            yield logged
    finally:
        av.logging.set_level(before)
