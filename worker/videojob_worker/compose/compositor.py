"""Turns spans into pictures: a still once with its number of frames, all others frame by frame."""

from collections.abc import Iterator, Sequence

import numpy as np

from videojob_worker.compose.captions import CaptionPainter
from videojob_worker.compose.clips import open_layer
from videojob_worker.compose.composition import Composition
from videojob_worker.compose.layers.base import Layer
from videojob_worker.compose.overlays import OverlayPainters, Painter, open_overlay
from videojob_worker.compose.refcounted import Refcounted
from videojob_worker.compose.span_iterators import SpanIterators
from videojob_worker.compose.transitions import start
from videojob_worker.pixels.yuv import Picture
from videojob_worker.timeline.spans import Span
from videojob_worker.unforeseen import named_failures, naming_failures


class Scene:
    """What spans show, opened when it is first needed; they may be composed in several threads."""

    def __init__(self, composition: Composition, spans: Sequence[Span]) -> None:
        """`spans` are all that will be composed, once each."""
        self._composition = composition
        self._clips = Refcounted[Layer](self._open_clip, (clip for span in spans for clip in span.clips))
        self._overlays = Refcounted[OverlayPainters](
            self._open_overlay, (place for span in spans for place in span.overlays)
        )

    def _open_clip(self, index: int) -> Layer:
        with naming_failures(self._composition.clip_name(index)):
            return open_layer(self._composition.clip(index))

    def _open_overlay(self, place: int) -> OverlayPainters:
        with naming_failures(self._composition.overlay_name(place)):
            return open_overlay(self._composition.overlays[place], self._composition)

    def close(self) -> None:
        """Close what was opened; needed when not all was composed."""
        self._clips.close()
        self._overlays.close()

    def compose(self, spans: Sequence[Span]) -> Iterator[tuple[Picture, int]]:
        """Yield the pictures of consecutive spans and for how many frames each is shown.

        Each is valid until the next is asked for.

        Raises:
            PermanentError: a source cannot be used.
        """
        composition, canvas = self._composition, self._composition.canvas
        drawn = np.empty((canvas.height * 3 // 2, canvas.width), np.uint8)
        starts = [times.start for times in composition.timeline.clips]
        clips = SpanIterators[Picture]((span, span.clips) for span in spans)
        overlays = SpanIterators[Painter]((span, span.overlays) for span in spans)
        # Drawing takes a libass of its own: only where something is drawn, which soft subtitles never are.
        captions = composition.captions if any(span.captions for span in spans) else None
        captioner = CaptionPainter(captions, canvas) if captions is not None else None
        for span in spans:
            with self._clips.use(span.clips) as layers, self._overlays.use(span.overlays) as arts:
                shown = [
                    clips.read(clip, span, named_failures(composition.clip_name(clip), layer.pictures), starts[clip])
                    for clip, layer in zip(span.clips, layers, strict=True)
                ]
                painters = [
                    (composition.overlay_name(place), overlays.read(place, span, art.painters))
                    for place, art in zip(span.overlays, arts, strict=True)
                ]
                pictures = shown[0] if len(shown) == 1 else self._transition(span, shown, drawn)
                for number, picture in enumerate(pictures, span.start):
                    if picture is not drawn and (painters or span.captions):
                        np.copyto(drawn, picture)
                    for name, painter in painters:
                        with naming_failures(name):
                            next(painter)(drawn)
                    if span.captions and captioner is not None:
                        with naming_failures("spec.subtitles"):
                            captioner.paint(drawn, number / composition.timeline.fps)
                    yield drawn if painters or span.captions else picture, span.frames if span.is_still else 1

    def _transition(self, span: Span, shown: Sequence[Iterator[Picture]], out: Picture) -> Iterator[Picture]:
        index = span.clips[1]
        transition, times = self._composition.clips[index].transition, self._composition.timeline.clips[index]
        if transition is None:
            raise AssertionError(f"clip {index} overlaps the one before it without a transition")
        place = f"spec.clips[{index}].transition"
        with naming_failures(place):
            render = start(transition, self._composition.canvas)
        length = times.settled - times.start
        for number, (old, new) in enumerate(zip(*shown, strict=True), span.start - times.start):
            # As in ffmpeg's xfade, the first frame is wholly the old clip, and the first after the span the new.
            with naming_failures(place):
                render(old, new, number / length, out)
            yield out
