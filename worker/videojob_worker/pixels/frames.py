"""Draws decoded frames on the canvas: one libavfilter graph crops, scales and converts; what fits already is copied."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, cast

import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane

from videojob_contract.resources.timeline import Anchor, Fit
from videojob_worker.pixels import tonemap
from videojob_worker.pixels.backdrop import backdrop_picture, backdrop_size
from videojob_worker.pixels.colorspace import ColorSpace, grey_in_full, name_matrix, shades_of
from videojob_worker.pixels.place import Place, Steps, place, steps
from videojob_worker.pixels.yuv import Picture, planes, solid

Rgba = npt.NDArray[np.uint8]
Crop = tuple[int, int, int, int]
"""Width, height, left and top of a part of a frame."""

_SCALE: Final = "flags=bicubic"
_EXACT: Final = "flags=bicubic+accurate_rnd+full_chroma_int"
# Of colour times opacity, neither may swing over at an edge and not the other.
_SOFT: Final = "flags=bilinear+accurate_rnd+full_chroma_int"
_TO_CANVAS: Final = "out_color_matrix=bt709:out_range=limited"
# As the filter `colorspace` names matrices.
_NAMES: Final = {"bt601": "smpte170m", "fcc": "fcc", "smpte240m": "smpte240m", "bt2020": "bt2020nc"}
_BLACK: Final = (16, 128, 128)


class FilterChain:
    """A graph for frames of one kind, made for the first and made again when the frames change.

    Args:
        turn: the filters that turn frames upright.
        where: which part of a frame is seen, and how large.
        pixels: what comes out: `yuv420p` of the canvas' meaning, `yuva420p` of it with colour multiplied by
            opacity, or `rgba` as it is.
        crop: what counts as the frame of what is stored, before it is turned; None for all of it.
    """

    def __init__(self, turn: Sequence[str], where: Place, pixels: str = "yuv420p", crop: Crop | None = None) -> None:
        self._turn = turn
        self._crop = crop
        self._where = where
        self._pixels = pixels
        self._key: tuple[object, ...] = ()
        self._graph: Graph | None = None
        self._count = 0

    def convert(self, frame: VideoFrame) -> VideoFrame:
        """Return the part of the frame that is seen, in its size and pixels."""
        name_matrix(frame)
        shades = shades_of(frame)
        key = (frame.width, frame.height, frame.format.name, shades)
        if key != self._key:
            self._graph, self._key = self._build(frame, shades), key
        if self._graph is None:
            return frame
        frame.pts, frame.time_base = self._count, Fraction(1)
        self._count += 1
        self._graph.vpush(frame, at=0)
        return self._graph.vpull()

    def _build(self, frame: VideoFrame, shades: ColorSpace) -> Graph | None:
        width, height, *_ = self._crop or (frame.width, frame.height)
        first = [] if self._crop is None else ["crop={}:{}:{}:{}:exact=1".format(*self._crop)]
        sideways = any(step.startswith("transpose") for step in self._turn)
        upright = (height, width) if sideways else (width, height)
        cut = steps(upright, self._where)
        is_ready = frame.format.name == self._pixels == "yuv420p" and shades.matrix == "bt709" and not shades.is_full
        if is_ready and not first and not self._turn and not shades.is_wide and cut.scaled == upright == cut.after[:2]:
            return None
        graph = Graph()
        graph.threads = 1
        source = graph.add(
            "buffer",
            f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1:pixel_aspect=1/1"
            f":colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
        )
        last = source
        if shades.is_limited_grey:
            first.append(grey_in_full(frame.format))
        for step in (*first, *self._turn, *_crop(cut.before, upright)):
            last = _then(graph, last, step)
        last = self._colour(graph, last, shades, cut)
        for step in _crop(cut.after, cut.scaled):
            last = _then(graph, last, step)
        _then(graph, last, "buffersink")
        graph.configure()
        if shades.is_wide:
            _push_table(graph, shades)
        return graph

    def _colour(self, graph: Graph, last: FilterContext, shades: ColorSpace, cut: Steps) -> FilterContext:
        """Scale, and convert on the way with as few steps as the colours allow."""
        size = f"scale={cut.scaled[0]}:{cut.scaled[1]}"
        read = (
            ""
            if shades.is_rgb
            else f":in_color_matrix={shades.matrix}:in_range={'full' if shades.is_full else 'limited'}"
        )
        if self._pixels == "yuv420p" and not shades.is_wide and not shades.is_rgb:
            # A change of matrix alone is quicker, and finer, in a filter of its own than on the way through RGB.
            wanted = f"{size}:{_SCALE}{read}:out_color_matrix={shades.matrix}:out_range=limited"
            last = _then(graph, _then(graph, last, wanted), "format=yuv420p")
            if shades.matrix == "bt709":
                return last
            return _then(
                graph, last, f"colorspace=all=bt709:iall=bt709:ispace={_NAMES[shades.matrix]}:irange=tv:fast=1"
            )
        if self._pixels == "yuv420p" and not shades.is_wide:
            return _then(graph, _then(graph, last, f"{size}:{_EXACT}:{_TO_CANVAS}"), "format=yuv420p")
        if shades.has_alpha:
            # Colour is scaled as it is seen, times its opacity: what is under the invisible must not seep out.
            pixels = "gbrap16le" if shades.is_wide else "gbrap"
            last = _then(graph, _then(graph, last, f"scale={_EXACT}{read}"), f"format={pixels}")
            if shades.is_wide:
                last = _with_table(graph, last, pixels)
            last = _then(graph, last, "premultiply=inplace=1")
            last = _then(graph, last, f"{size}:{_SOFT}")
            if self._pixels == "rgba":
                last = _then(graph, last, "unpremultiply=inplace=1")
        elif shades.is_wide:
            last = _then(graph, _then(graph, last, f"{size}:{_EXACT}{read}"), "format=gbrp16le")
            last = _with_table(graph, last, "gbrp16le")
        else:
            last = _then(graph, last, f"{size}:{_EXACT}{read}")
        end = _EXACT if self._pixels == "rgba" else f"{_EXACT}:{_TO_CANVAS}"
        return _then(graph, _then(graph, last, f"scale={end}"), f"format={self._pixels}")


class CanvasConverter:
    """Draws frames on a canvas of its own, one after the other.

    Args:
        size: width and height of the source, upright, in square pixels.
        canvas: width and height of the canvas.
        turn: the filters that turn the source's frames upright.
        fit: how the source fills it.
        anchor: which part stays when it is cropped.
        background: the canvas' colour, `#rrggbb`.
        has_alpha: whether the source's frames have transparency.
        crop: what of them is the source, if not all.
    """

    def __init__(
        self,
        size: tuple[int, int],
        canvas: tuple[int, int],
        *,
        turn: Sequence[str],
        fit: Fit,
        anchor: Anchor,
        background: str,
        has_alpha: bool,
        crop: Crop | None = None,
    ) -> None:
        self._where = place(size, canvas, fit, anchor)
        self._chain = FilterChain(turn, self._where, "yuva420p" if has_alpha else "yuv420p", crop)
        self._canvas = canvas
        self._background = solid(background, *canvas) if has_alpha else None
        self._behind = None
        if fit is Fit.BLUR and (self._where.width, self._where.height) != canvas:
            small = backdrop_size(canvas)
            self._behind = CanvasConverter(
                size,
                small,
                turn=turn,
                fit=Fit.COVER,
                anchor=anchor,
                background=background,
                has_alpha=has_alpha,
                crop=crop,
            )
        self._picture = solid(background, *canvas)

    def draw(self, frame: VideoFrame) -> Picture:
        """Draw a frame; the picture is valid until the next is drawn."""
        if self._behind is not None:
            self._picture = backdrop_picture(self._behind.draw(frame), self._canvas)
        elif self._background is not None:
            np.copyto(self._picture, self._background)
        shown = self._chain.convert(frame)
        targets = self._targets()
        rows = [rows_of(plane) for plane in shown.planes]
        if self._background is None:
            for target, colour in zip(targets, rows, strict=True):
                target[...] = colour[:, : target.shape[1]]
            return self._picture
        opacity = rows[3][:, : self._where.width]
        for target, colour, share, black in zip(
            targets, rows, (opacity, *[_halved(opacity)] * 2), _BLACK, strict=False
        ):
            _lay(target, colour[:, : target.shape[1]], share, black)
        return self._picture

    def _targets(self) -> list[Picture]:
        where = self._where
        found = []
        for plane, by in zip(planes(self._picture), (1, 2, 2), strict=True):
            rows = slice(where.top // by, (where.top + where.height) // by)
            found.append(plane[rows, where.left // by : (where.left + where.width) // by])
        return found


def rows_of(plane: VideoPlane) -> Picture:
    """View a plane as its rows, `(height, bytes of a line)`; a line may be longer than its pixels."""
    rows: Picture = np.frombuffer(cast("memoryview", plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height]


def _lay(target: Picture, colour: Picture, opacity: Picture, black: int) -> None:
    """Lay colour that is already multiplied by its opacity over what is there."""
    share = opacity.astype(np.int32)
    below = (target.astype(np.int32) - black) * (255 - share)
    below += 127
    below //= 255
    below += colour
    np.clip(below, 0, 255, out=below)
    target[...] = below


def _halved(opacity: Picture) -> Picture:
    """Return the mean opacity of each four pixels that share a sample of chroma."""
    wide = opacity.astype(np.uint16)
    total = wide[0::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 0::2] + wide[1::2, 1::2]
    return ((total + 2) >> 2).astype(np.uint8)


def _then(graph: Graph, last: FilterContext, step: str) -> FilterContext:
    name, _, arguments = step.partition("=")
    added = graph.add(name, arguments or None)
    last.link_to(added)
    return added


def _crop(crop: tuple[int, int, int, int], size: tuple[int, int]) -> list[str]:
    width, height, left, top = crop
    return [] if (width, height) == size else [f"crop={width}:{height}:{left}:{top}"]


def _with_table(graph: Graph, last: FilterContext, pixels: str) -> FilterContext:
    """Add the filter that maps colours by a table; the table itself is its second input, pushed once."""
    side = tonemap.LEVEL**3
    source = graph.add("buffer", f"video_size={side}x{side}:pix_fmt=rgb48le:time_base=1/1:pixel_aspect=1/1")
    planar = _then(graph, source, f"format={pixels}")
    mapper = graph.add("haldclut", "interp=tetrahedral:clut=first:eof_action=repeat")
    last.link_to(mapper, 0, 0)
    planar.link_to(mapper, 0, 1)
    return mapper


def _push_table(graph: Graph, shades: ColorSpace) -> None:
    # libavfilter 11 takes the planes of a planar table for R, G and B, and they are G, B and R.
    table = np.ascontiguousarray(tonemap.table(shades.transfer, shades.primaries)[..., (2, 0, 1)])
    frame = VideoFrame.from_ndarray(table, format="rgb48le")
    frame.pts, frame.time_base = 0, Fraction(1, 1)
    graph.vpush(frame, at=1)
    graph.vpush(None, at=1)
