"""From a source's own rate and channels to 48 kHz stereo float32, sample exact.

- Channels are mixed down by the coefficients of ITU-R BS.775: centre and surround at -3 dB to each side, no LFE.
  Nothing is scaled down for it: the mix is limited once, at its end. Mono is heard unchanged on both sides.
- The filter is twice as long as libswresample's default: flat to 20 kHz from 44.1 kHz, and 100 dB of aliasing.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import numpy as np
from av import AudioFrame
from av.error import BlockingIOError as NothingYetError
from av.error import EOFError as EndError
from av.filter import Graph

from videojob_worker.clock import SAMPLE_RATE, to_frame
from videojob_worker.media.sound.samples import Samples

_TO_48K = f"{SAMPLE_RATE}:filter_size=64:cutoff=0.97"
_TO_STEREO = "sample_fmts=fltp:channel_layouts=stereo"
_MONO_TO_STEREO = "stereo|c0=c0|c1=c0"


class Resampler:
    """Converts frames of one format, layout and rate, which come without a gap.

    Raises:
        FFmpegError: libav knows no way to mix these channels down.
    """

    def __init__(self, like: AudioFrame) -> None:
        self.kind = _kind(like)
        self._rate = like.sample_rate
        self._taken = self._given = 0
        graph = Graph()
        self._source = graph.add_abuffer(
            sample_rate=like.sample_rate,
            format=like.format,
            layout=like.layout,
            time_base=Fraction(1, like.sample_rate),
        )
        self._sink = graph.add("abuffersink")
        filters = [graph.add("aresample", _TO_48K), graph.add("aformat", _TO_STEREO)]
        if like.layout.nb_channels == 1:
            filters.insert(1, graph.add("pan", _MONO_TO_STEREO))
        graph.link_nodes(self._source, *filters, self._sink).configure()
        self._graph = graph  # its parts do not keep it alive

    def takes(self, frame: AudioFrame) -> bool:
        """Tell whether a frame is of the kind that this converts."""
        return _kind(frame) == self.kind

    @property
    def seconds(self) -> Fraction:
        """How long what was pushed lasts."""
        return Fraction(self._taken, self._rate)

    def push(self, frame: AudioFrame) -> Iterator[Samples]:
        """Convert a frame; what comes out may be late by the length of the filter."""
        frame.pts, frame.time_base = self._taken, Fraction(1, self._rate)
        self._taken += frame.samples
        self._source.push(frame)
        yield from self._ready()

    def finish(self) -> Iterator[Samples]:
        """Return the rest, so that as many samples came out as went in, times the ratio of the rates."""
        self._source.push(None)
        whole = to_frame(self.seconds, Fraction(SAMPLE_RATE))
        for block in self._ready():
            # What the filter gives after the end is its ringing.
            surplus = max(0, self._given - whole)
            yield block[:, : block.shape[1] - surplus]
            self._given -= surplus
        if self._given < whole:
            yield np.zeros((2, whole - self._given), np.float32)
            self._given = whole

    def _ready(self) -> Iterator[Samples]:
        while True:
            try:
                frame = cast("AudioFrame", self._sink.pull())
            except (NothingYetError, EndError):
                return
            self._given += frame.samples
            yield np.asarray(frame.to_ndarray(), np.float32)


def _kind(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
