"""The table of video encoders: names, presets and what the presets of quality mean to each.

The crf of one row look alike: measured against x264's on real clips, by PSNR. Hardware encoders take the crf of the
codec's own encoder as their constant quality.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from videojob_contract.resources.encoding import Hardware
from videojob_contract.resources.outputs import Codec, Quality


@dataclass(frozen=True, slots=True)
class Encoder:
    """One of libav's encoders."""

    name: str
    """As libav has it."""
    qualities: Mapping[Quality, tuple[str, int]]
    """Speed preset and crf of each preset of quality."""
    preset_option: str = "preset"
    quality_option: str = "crf"
    """What the constant rate factor is called."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What is always set."""
    bytes_a_pixel: int = 200
    """What an open encoder holds, mostly pictures that it looks ahead at; measured at 1080p."""
    cost: float = 1.0
    """Of a frame, against x264 with its medium preset."""


def _qualities(*rows: tuple[str, int]) -> dict[Quality, tuple[str, int]]:
    return dict(zip(Quality, rows, strict=True))


SOFTWARE: dict[Codec, Encoder] = {
    Codec.H264: Encoder("libx264", _qualities(("veryfast", 28), ("medium", 23), ("medium", 19), ("slow", 15))),
    Codec.H265: Encoder(
        "libx265",
        _qualities(("veryfast", 31), ("medium", 24), ("medium", 20), ("slow", 17)),
        bytes_a_pixel=270,
        cost=2.2,
    ),
    Codec.AV1: Encoder(
        "libsvtav1", _qualities(("10", 48), ("8", 31), ("7", 24), ("5", 16)), bytes_a_pixel=360, cost=1.0
    ),
    Codec.VP9: Encoder(
        "libvpx-vp9",
        _qualities(("5", 46), ("4", 30), ("3", 24), ("2", 18)),
        preset_option="cpu-used",
        options={"deadline": "good", "row-mt": "1"},
        bytes_a_pixel=200,
        cost=2.5,
    ),
}

_NVENC = _qualities(("p2", 0), ("p4", 0), ("p5", 0), ("p7", 0))
_VAAPI = _qualities(("7", 0), ("4", 0), ("2", 0), ("1", 0))


def _nvenc(name: str, codec: Codec) -> Encoder:
    crfs = SOFTWARE[codec].qualities
    return Encoder(
        name,
        {quality: (preset, crfs[quality][1]) for quality, (preset, _) in _NVENC.items()},
        quality_option="cq",
        # Without `forced-idr` a picture that must be a keyframe becomes one that cannot be sought to.
        options={"rc": "vbr", "forced-idr": "1"},
        bytes_a_pixel=60,
        cost=0.3,
    )


def _vaapi(name: str, codec: Codec) -> Encoder:
    crfs = SOFTWARE[codec].qualities
    return Encoder(
        name,
        {quality: (preset, crfs[quality][1]) for quality, (preset, _) in _VAAPI.items()},
        preset_option="compression_level",
        quality_option="qp",
        bytes_a_pixel=60,
        cost=0.3,
    )


HARDWARE: dict[Hardware, dict[Codec, Encoder]] = {
    Hardware.NVENC: {
        Codec.H264: _nvenc("h264_nvenc", Codec.H264),
        Codec.H265: _nvenc("hevc_nvenc", Codec.H265),
        Codec.AV1: _nvenc("av1_nvenc", Codec.AV1),
    },
    Hardware.VAAPI: {
        Codec.H264: _vaapi("h264_vaapi", Codec.H264),
        Codec.H265: _vaapi("hevc_vaapi", Codec.H265),
        Codec.AV1: _vaapi("av1_vaapi", Codec.AV1),
        Codec.VP9: _vaapi("vp9_vaapi", Codec.VP9),
    },
}


def crf_option(encoder: str) -> str:
    """Return what the constant rate factor of one of libav's encoders is called."""
    tables = [SOFTWARE, *HARDWARE.values()]
    return next(each.quality_option for table in tables for each in table.values() if each.name == encoder)
