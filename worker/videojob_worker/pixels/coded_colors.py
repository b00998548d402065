"""Colours that are told by numbers and not by a profile: code points of Rec. ITU-T H.273, or a PNG's chromaticities.

For what is not brighter than paper, they are put into an ICC profile, so that there is one way to sRGB. As browsers do,
the transfer curves of television are taken for sRGB's.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np
from PIL import Image, ImageFilter

from videojob_worker.pixels.tonemap import BT709, BT2020, HLG, PQ, to_sdr

Xy = tuple[float, float]

_D65: Final[Xy] = (0.3127, 0.3290)
_C: Final[Xy] = (0.310, 0.316)
_DCI: Final[Xy] = (0.314, 0.351)
# Red, green, blue and white (Rec. ITU-T H.273, table 2).
_CORNERS: Final[dict[int, tuple[Xy, Xy, Xy, Xy]]] = {
    BT709: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65),
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
_GAMMAS: Final = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
"""Exponents of transfer characteristics (table 3) that are plain powers."""
_NEARLY: Final = 1e-3
# What most writers mean by it is sRGB: it is the value that the PNG specification gives for sRGB.
_SRGB_GAMMA: Final = 0.45455
_D50_XYZ: Final = np.array((0.9642, 1.0, 0.8249))
_BRADFORD: Final = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_STEPS: Final = 33


@dataclass(frozen=True, slots=True)
class CodedColors:
    """What R'G'B' of a picture means."""

    corners: tuple[Xy, Xy, Xy, Xy]
    """Chromaticities of red, green, blue and white."""
    gamma: float | None = None
    """The exponent from signal to light; None for sRGB's curve."""
    transfer: int | None = None
    """PQ or HLG."""
    primaries: int = BT709

    @classmethod
    def of_code_points(cls, primaries: int, transfer: int) -> Self | None:
        """Return what two code points say; None when that is sRGB, or nothing."""
        if transfer in {PQ, HLG}:
            known = primaries if primaries in _CORNERS else BT2020
            return cls(_CORNERS[known], transfer=transfer, primaries=known)
        corners, gamma = _CORNERS.get(primaries, _CORNERS[BT709]), _GAMMAS.get(transfer)
        return None if corners is _CORNERS[BT709] and gamma is None else cls(corners, gamma)

    @classmethod
    def of_png(cls, gamma: float | None, corners: tuple[float, ...]) -> Self | None:
        """Return what `gAMA` (from light to signal) and the eight numbers of `cHRM`, white first, say.

        None when that is sRGB, or nothing.
        """
        if gamma is None or not _MIN_GAMMA < gamma < 1 / _MIN_GAMMA:
            return None
        white, *rgb = zip(corners[0::2], corners[1::2], strict=True) if corners else _WHITE_FIRST
        told = (rgb[0], rgb[1], rgb[2], white)
        if not all(0 < x < 1 and 0 < y <= 1 for x, y in told) or _area(*told[:3]) < _MIN_AREA:
            return None
        is_usual = np.allclose(told, _CORNERS[BT709], atol=_NEARLY)
        exponent = None if abs(gamma - _SRGB_GAMMA) < _NEARLY and is_usual else 1 / gamma
        return None if is_usual and exponent is None else cls(told, exponent)

    def profile(self) -> bytes:
        """Return an ICC profile of the same meaning (ICC.1:2022; version 4); not for PQ and HLG."""
        return _profile(self.corners, self.gamma)

    def tone_mapped(self, image: Image.Image) -> Image.Image:
        """Convert an RGB or RGBA image in PQ or HLG to sRGB, as videos are."""
        return image.filter(_table(self.transfer or PQ, self.primaries))


def luma_weights(primaries: int) -> tuple[float, float, float]:
    """Return how much of luma red, green and blue of some primaries are (Rec. ITU-T H.273, equations 32 to 37)."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in _CORNERS.get(primaries, _CORNERS[BT709])]).T
    red, green, blue = np.linalg.solve(columns[:, :3], columns[:, 3])
    return float(red), float(green), float(blue)


_MIN_GAMMA: Final = 0.1
_MIN_AREA: Final = 1e-3
_WHITE_FIRST: Final = (_D65, *_CORNERS[BT709][:3])


def _area(a: Xy, b: Xy, c: Xy) -> float:
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]))


@lru_cache(maxsize=4)
def _table(transfer: int, primaries: int) -> ImageFilter.Color3DLUT:
    steps = np.linspace(0, 1, _STEPS * 2 - 1)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    mapped = to_sdr(np.stack((red, green, blue), axis=-1), transfer, primaries)
    return ImageFilter.Color3DLUT(len(steps), mapped.ravel().tolist(), _copy_table=False)


@lru_cache(maxsize=16)
def _profile(corners: tuple[Xy, Xy, Xy, Xy], gamma: float | None) -> bytes:
    columns = _to_d50(corners)
    # Function types 0, a power, and 3, sRGB's (10.18).
    curve = (0, gamma) if gamma is not None else (3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    curve_tag = struct.pack(">4s4xHxx", b"para", curve[0]) + b"".join(map(_fixed, curve[1:]))
    tags = {
        b"desc": b"mluc" + bytes(11) + b"\x0c",
        b"wtpt": _xyz(_D50_XYZ),
        **{name: _xyz(columns[:, place]) for place, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve_tag),
    }
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    size = 128 + len(table) + len(data)
    head = struct.pack(">I4xI12s12x4s", size, 0x04400000, b"mntrRGB XYZ ", b"acsp").ljust(68, b"\0")
    return (head + b"".join(map(_fixed, _D50_XYZ))).ljust(128, b"\0") + table + data


def _to_d50(corners: tuple[Xy, Xy, Xy, Xy]) -> np.ndarray:
    """Return the columns of red, green and blue in XYZ under D50 (Bradford; ICC.1, annex E)."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in corners]).T
    rgb, white = columns[:, :3], columns[:, 3]
    scaled = rgb * np.linalg.solve(rgb, white)
    gain = np.diag((_BRADFORD @ _D50_XYZ) / (_BRADFORD @ white))
    return np.asarray(np.linalg.inv(_BRADFORD) @ gain @ _BRADFORD @ scaled)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(float(np.clip(value, -32768, 32767)) * 65536))


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))
