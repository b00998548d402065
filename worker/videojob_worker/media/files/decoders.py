"""Which of libav's decoders may read what users send: the one allow list, by libav's names.

Each decoder is a door for hostile files: what nobody films, edits, records or publishes with today stays shut.
"""

from collections.abc import Iterable
from typing import Final

PICTURES: Final = frozenset(
    (
        *("h264", "hevc", "av1", "vp8", "vp9"),
        *("mpeg4", "mpeg2video", "mpeg1video", "h263", "theora", "mjpeg", "vc1", "wmv3"),
        *("msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "flv1"),
        *(
            "prores",
            "dnxhd",
            "cfhd",
            "ffv1",
            "huffyuv",
            "ffvhuff",
            "utvideo",
            "qtrle",
            "png",
            "dvvideo",
            "rawvideo",
            "v210",
        ),
    )
)
"""Codecs whose pictures are read."""
_PICTURE_LIBRARIES: Final = frozenset(("libdav1d", "libvpx-vp9", "msmpeg4", "flv"))
"""Decoders of these that go by another name than their codec."""
_BESIDE_PICTURES: Final = frozenset(
    (
        *("aac", "mp3", "mp3float", "mp2", "mp2float", "ac3", "eac3", "opus", "libopus", "vorbis", "flac", "alac"),
        *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_u8"),
    )
)
"""Decoders of sound that take part when libav looks for what the header of a video leaves out."""
SOUND: Final = _BESIDE_PICTURES | frozenset(
    (
        *("aac_fixed", "aac_latm", "dca", "amrnb", "amrwb", "wmav1", "wmav2", "wmapro", "wmalossless"),
        *("adpcm_ms", "adpcm_ima_wav", "gsm_ms"),
        *("pcm_alaw", "pcm_mulaw", "pcm_s8", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_bluray", "pcm_dvd"),
    )
)
"""Decoders whose sound is heard."""


def _option(*allowed: Iterable[str]) -> str:
    return ",".join(sorted(frozenset().union(*allowed)))


# Values of libav's `codec_whitelist`, for each way in which a file is opened.
FOR_PICTURES: Final = _option(PICTURES, _PICTURE_LIBRARIES, _BESIDE_PICTURES)
FOR_SOUND: Final = _option(SOUND)
FOR_AVIF: Final = "libdav1d"
FOR_JPEG_CHECK: Final = "mjpeg"
FOR_PACKETS: Final = "none"
"""Nothing is decoded while a file is opened."""
FOR_STILLS: Final = {b"hvc1": "hevc", b"av01": "libdav1d"}
"""The decoder of each kind of item of a HEIF file."""
