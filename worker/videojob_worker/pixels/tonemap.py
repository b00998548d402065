"""From wide and high dynamic range to the canvas: a table from the source's R'G'B' to BT.709's.

What is above the white of SDR is rolled off as ITU-R BT.2390-10, 5.4.1 says, so that a picture stays as bright
as it was mastered and highlights keep their shape; colours outside BT.709 go to its nearest edge.
"""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

PQ: Final = 16
"""Transfer characteristics of Rec. ITU-T H.273, table 3: SMPTE ST 2084."""
HLG: Final = 18
"""And ARIB STD-B67, hybrid log-gamma."""
BT709: Final = 1
BT2020: Final = 9
"""Colour primaries of Rec. ITU-T H.273, table 2."""
LEVEL: Final = 8
"""The table has `LEVEL**2` steps of each primary; it is a picture with sides of `LEVEL**3`."""

_PEAK_NITS: Final = 1000.0
_WHITE_NITS: Final = 203.0
"""Reference white of HDR, ITU-R BT.2408-7, 2.2; the canvas shows it as its brightest."""
_DISPLAY_GAMMA: Final = 2.4  # ITU-R BT.1886
_LUMA_2020: Final = np.array((0.2627, 0.6780, 0.0593))
_XY: Final = {
    BT709: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # DCI-P3, with its own white, which is taken for D65
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # Display P3
}
_D65: Final = (0.3127, 0.3290)
# SMPTE ST 2084:2014, 5.2
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def needs_table(transfer: int, primaries: int) -> bool:
    """Tell whether a source is more than BT.709, by its numbers of Rec. ITU-T H.273."""
    return transfer in {PQ, HLG} or (primaries in _XY and primaries != BT709)


def to_sdr(signal: Values, transfer: int, primaries: int) -> Values:
    """Convert `(..., 3)` R'G'B' of a source to R'G'B' of BT.709 on a display of BT.1886; all from 0 to 1."""
    if transfer == PQ:
        light = _rolled_off(pq_to_nits(signal)) / _WHITE_NITS
    elif transfer == HLG:
        light = _rolled_off(hlg_to_nits(signal)) / _WHITE_NITS
    else:
        light = np.asarray(signal**_DISPLAY_GAMMA)
    matrix = _gamut(primaries if primaries in _XY else BT2020)
    return np.asarray(np.clip(light @ matrix.T, 0, 1) ** (1 / _DISPLAY_GAMMA))


@lru_cache(maxsize=4)
def table(transfer: int, primaries: int) -> npt.NDArray[np.uint16]:
    """Return the table in the layout of `haldclut`: square, `(side, side, 3) uint16` of R'G'B', red fastest."""
    steps = np.linspace(0, 1, LEVEL * LEVEL)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    mapped = to_sdr(np.stack((red, green, blue), axis=-1), transfer, primaries)
    return np.round(mapped * 65535).astype(np.uint16).reshape(LEVEL**3, LEVEL**3, 3)


def pq_to_nits(signal: Values) -> Values:
    """Convert PQ to light in cd/m² (SMPTE ST 2084, 5.2)."""
    power = np.clip(signal, 0, 1) ** (1 / _M2)
    return np.asarray(10_000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1))


def nits_to_pq(nits: Values) -> Values:
    """Convert light in cd/m² to PQ."""
    power = (np.maximum(nits, 0) / 10_000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def hlg_to_nits(signal: Values) -> Values:
    """Convert `(..., 3)` HLG to light in cd/m² on a display of 1000 cd/m² (ITU-R BT.2100-2, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 1 / 2, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    brightness = np.maximum(scene @ _LUMA_2020, 1e-9)[..., None]
    return np.asarray(_PEAK_NITS * brightness**0.2 * scene)


def roll_off(nits: Values) -> Values:
    """Bring light of up to 1000 cd/m² within the white of SDR: unchanged where dark, then ever slower."""
    source_white = float(nits_to_pq(np.array(_PEAK_NITS)))
    signal = np.minimum(nits_to_pq(nits) / source_white, 1)
    most = float(nits_to_pq(np.array(_WHITE_NITS))) / source_white
    knee = 1.5 * most - 0.5
    t = np.clip((signal - knee) / (1 - knee), 0, 1)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    return pq_to_nits(np.where(signal < knee, signal, spline) * source_white)


def _rolled_off(light: Values) -> Values:
    """Roll off `(..., 3)` light by its brightest part, so that hues stay."""
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    return np.asarray(light * (roll_off(brightest) / brightest))


def _gamut(primaries: int) -> Values:
    """Return the matrix from linear RGB of some primaries to linear RGB of BT.709."""
    return np.asarray(np.linalg.inv(_to_xyz(_XY[BT709])) @ _to_xyz(_XY[primaries]))


def _to_xyz(corners: tuple[tuple[float, float], ...]) -> Values:
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in corners]).T
    x, y = _D65
    white = np.linalg.solve(columns, np.array((x / y, 1, (1 - x - y) / y)))
    return np.asarray(columns * white)
