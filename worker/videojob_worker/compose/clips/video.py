"""A video: a stretch of a file, at a speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from videojob_worker.compose.clips.base import ClipKind, PlacedClip
from videojob_worker.compose.layers.video import VideoLayer
from videojob_worker.media.probe import ProbedSource, check_stretch, probe_video, video_clip_length
from videojob_worker.timeline.spans import SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from fractions import Fraction
    from typing import Self

    from videojob_contract.resources.timeline import Clip, Overlay, Video
    from videojob_worker.canvas import Canvas
    from videojob_worker.compose.layers.base import Layer
    from videojob_worker.media.probed import ProbedSources

_DECODED_FRAMES: Final = 24
"""Frames that a decoder holds: what later ones are predicted from, one for each thread, one shown."""
_FRAME_BYTES_A_PIXEL: Final = 1.5


@dataclass(frozen=True, slots=True)
class VideoClip(ClipKind):
    """Frames of a source."""

    video: Video
    probed: ProbedSource

    probe: ClassVar = (".video.uri", probe_video)
    span_kind: ClassVar = SpanKind.DECODED

    @classmethod
    def of(cls, layer: Clip | Overlay, probed: Mapping[str, ProbedSource]) -> Self | None:
        """Return the video of a layer."""
        return None if layer.video is None else cls(layer.video, probed[layer.video.uri])

    def open(self, placed: PlacedClip) -> Layer:
        """Open it; its frames are decoded when they are asked for."""
        return VideoLayer(
            placed.sources.source(f"{placed.field}.video.uri", self.video.uri),
            self.probed,
            self.video,
            placed.canvas,
            fit=placed.clip.fit,
            anchor=placed.clip.anchor,
            frames=placed.frames,
            fps=placed.fps,
        )

    def length_s(self) -> Fraction:
        """Return how long its stretch lasts at its speed."""
        return video_clip_length(self.video, self.probed)

    def check_length(self, sources: ProbedSources, field: str, wanted_s: Fraction, frame_s: Fraction) -> None:
        """Refuse a stretch that is not within the file, or too short and not repeated."""
        source = sources.source(f"{field}.video.uri", self.video.uri)
        check_stretch(source, self.video, self.probed, wanted_s, frame_s)

    def held_bytes(self, layer: Clip | Overlay, canvas: Canvas) -> int:  # noqa: ARG002 - it is as large as it is
        """Of its decoder."""
        return int(_DECODED_FRAMES * self.probed.pixels * _FRAME_BYTES_A_PIXEL)

    def does(self, fps: Fraction) -> Iterator[str]:
        """Say that it plays, and how, where that is not as it is."""
        yield "is a video"
        if self.video.speed != 1:
            yield f"plays at {self.video.speed:g}x"
        if self.video.reverse:
            yield "plays backwards"
        if self.video.loop:
            yield "repeats"
        if self.probed.fps is not None and self.probed.fps != fps:
            yield f"has {float(self.probed.fps):.5g} frames a second for {float(fps):.5g}"
