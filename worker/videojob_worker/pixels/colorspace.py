"""What the numbers of a decoded frame mean as colour, and the filters that turn them into the canvas' meaning.

The canvas is BT.709, limited range. What a source leaves unsaid is taken as players take it: YUV of standard
definition is BT.601, larger is BT.709; without a word on the range it is limited.
"""

from dataclasses import dataclass
from typing import Final

from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from videojob_worker.pixels.tonemap import BT709, BT2020, HLG, PQ, needs_table

_UNSAID: Final = 2
BY_PRIMARIES: Final = 12
"""Matrix coefficients that are derived from the primaries."""
_LIMITED: Final = 1
_FULL: Final = 2
_SD: Final = (1280, 576)
"""The first width that is not standard definition, and the last height that is."""
# Rec. ITU-T H.273, table 4, as libswscale's filter names them.
_MATRICES: Final = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}


@dataclass(frozen=True, slots=True)
class ColorSpace:
    """How a frame's numbers are to be read."""

    is_rgb: bool
    has_alpha: bool
    matrix: str
    is_full: bool
    is_limited_grey: bool
    """Whether it has no colours, and says that its range is the limited one."""
    transfer: int
    primaries: int

    @property
    def is_wide(self) -> bool:
        """Whether its colours have to be mapped by a table."""
        return needs_table(self.transfer, self.primaries)


def shades_of(frame: VideoFrame) -> ColorSpace:
    """Read, or guess, what a frame says of its colours."""
    name = frame.format.name
    is_rgb = frame.format.is_rgb or name.startswith("pal8")
    transfer, primaries = int(frame.color_trc), int(frame.color_primaries)
    matrix = _MATRICES.get(int(frame.colorspace))
    if primaries == _UNSAID and (transfer in {PQ, HLG} or matrix == "bt2020"):
        primaries = BT2020
    if matrix is None:
        is_sd = frame.width < _SD[0] and frame.height <= _SD[1]
        matrix = "bt2020" if primaries == BT2020 else "bt601" if is_sd and primaries != BT709 else "bt709"
    return ColorSpace(
        is_rgb=is_rgb,
        has_alpha=any(component.is_alpha for component in frame.format.components),
        matrix=matrix,
        is_full=is_rgb or name.startswith("yuvj") or int(frame.color_range) == _FULL,
        is_limited_grey=name.startswith("gray") and int(frame.color_range) == _LIMITED,
        transfer=transfer,
        primaries=primaries,
    )


def nearest_matrix(primaries: int) -> int:
    """Return the matrix coefficients with a name that are those of primaries, or nearly."""
    return primaries if primaries == BT2020 else BT709  # each has the number of its matrix


def name_matrix(frame: VideoFrame) -> None:
    """Have a frame whose matrix is derived from its primaries say which it is, if only nearly.

    libswscale takes none that says what it does not know.
    """
    if int(frame.colorspace) == BY_PRIMARIES:
        frame.colorspace = nearest_matrix(int(frame.color_primaries))


def grey_in_full(pixels: VideoFormat) -> str:
    """Return the filter, and its arguments, that brings grey of the limited range to the full.

    libswscale takes what has no colours for full, whatever it is told, and so do players that are built on it alone.
    """
    depth = pixels.components[0].bits
    step, most = 1 << (depth - 8), (1 << depth) - 1
    return f"lut=c0=clip((val-{16 * step})*{most}/{219 * step}\\,0\\,{most})"
