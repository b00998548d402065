"""The transitions of ffmpeg's `xfade` filter, run by libavfilter on the two pictures.

A graph is fed both pictures with the progress as their time, so that easing and odd lengths are exact. The filter
takes pictures without subsampled chroma, and the graph converts to them and back.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
import av.filter

from videojob_worker.pixels.frames import rows_of
from videojob_worker.pixels.yuv import Picture, planes

if TYPE_CHECKING:
    from videojob_contract.resources.timeline import Transition
    from videojob_worker.canvas import Canvas
    from videojob_worker.compose.transitions.base import Render

XFADE: Final = (
    "circlecrop",
    "diagbl",
    "diagbr",
    "diagtl",
    "diagtr",
    "distance",
    "fadeblack",
    "fadefast",
    "fadegrays",
    "fadeslow",
    "fadewhite",
    "hblur",
    "hlslice",
    "hlwind",
    "horzclose",
    "horzopen",
    "hrslice",
    "hrwind",
    "radial",
    "rectcrop",
    "revealdown",
    "revealleft",
    "revealright",
    "revealup",
    "smoothdown",
    "smoothleft",
    "smoothright",
    "smoothup",
    "squeezeh",
    "squeezev",
    "vdslice",
    "vdwind",
    "vertclose",
    "vertopen",
    "vuslice",
    "vuwind",
    "wipebl",
    "wipebr",
    "wipetl",
    "wipetr",
    "zoomin",
)
"""Those of libavfilter 11 for which there is none of our own."""

_TICKS: Final = 1_000_000
"""Of the graph's clock while the transition lasts."""


def xfade(canvas: Canvas, transition: Transition) -> Render:
    """Start the filter's transition of a name."""
    return _Xfade(transition.type, canvas).render


class _Xfade:
    def __init__(self, name: str, canvas: Canvas) -> None:
        # Kept, because what is in a graph does not keep it.
        self._graph = av.filter.Graph()
        self._graph.threads = 1
        size = f"video_size={canvas.width}x{canvas.height}:pix_fmt=yuv420p:colorspace=bt709:range=tv"
        mixed = self._graph.add("xfade", f"transition={name}:duration=1:offset=0")
        self._sources = []
        for place in range(2):
            source = self._graph.add("buffer", f"{size}:time_base=1/{_TICKS}:frame_rate=25")
            full = self._graph.add("format", "pix_fmts=yuv444p")
            source.link_to(full)
            full.link_to(mixed, 0, place)
            self._sources.append(source)
        half = self._graph.add("format", "pix_fmts=yuv420p")
        self._sink = self._graph.add("buffersink")
        mixed.link_to(half)
        half.link_to(self._sink)
        self._graph.configure()
        self._begun = False

    def render(self, before: Picture, after: Picture, progress: float, out: Picture) -> None:
        time = round(progress * _TICKS)
        if not time:
            out[...] = before
            return
        if not self._begun:
            # The filter counts from its first picture.
            self._feed(before, after, 0)
            self._begun = True
        made = self._feed(before, after, time)
        for plane, written in zip(made.planes, planes(out), strict=True):
            written[...] = rows_of(plane)[:, : plane.width]

    def _feed(self, before: Picture, after: Picture, time: int) -> av.VideoFrame:
        for source, picture in zip(self._sources, (before, after), strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = time, Fraction(1, _TICKS)
            source.push(frame)
        made = self._sink.pull()
        if not isinstance(made, av.VideoFrame):
            raise AssertionError("xfade gave no picture for two")  # noqa: TRY004 - it cannot happen
        return made
