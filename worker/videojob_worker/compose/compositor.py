"""Turns spans into pictures: a still once with its number of frames, all others frame by frame."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np

from videojob_worker.compose.color import Picture
from videojob_worker.compose.layers import open_layer
from videojob_worker.compose.layers.base import Layer
from videojob_worker.compose.shared import Shared
from videojob_worker.compose.transitions import start
from videojob_worker.plan.spans import Span
from videojob_worker.project import Project


class Scene:
    """The layers of spans that will be composed, in this thread or in several."""

    def __init__(self, project: Project, spans: Sequence[Span]) -> None:
        """`spans` are all that will be composed, once each."""
        self.project = project
        self.clips: Shared[Layer] = Shared(
            lambda index: open_layer(project, index), (clip for span in spans for clip in span.clips)
        )

    def close(self) -> None:
        """Close what was opened; needed when not all was composed."""
        self.clips.close()

    def compose(self, spans: Sequence[Span]) -> Iterator[tuple[Picture, int]]:
        """Yield the pictures of consecutive spans and for how many frames each is shown.

        Each is valid until the next is asked for.

        Raises:
            PermanentError: a source cannot be used.
        """
        look = self.project.look
        canvas = np.empty((look.height * 3 // 2, look.width), np.uint8)
        with closing(_Reels(self.project, spans)) as reels:
            for span in spans:
                with self.clips.use(span.clips) as layers:
                    if span.is_still:
                        yield next(reels.pictures(span, 0, layers[0])), span.frames
                    elif len(layers) == 1:
                        for picture in reels.pictures(span, 0, layers[0]):
                            yield picture, 1
                    else:
                        for picture in self._transition(span, reels, layers, canvas):
                            yield picture, 1
                    reels.finish(span)

    def _transition(self, span: Span, reels: "_Reels", layers: Sequence[Layer], out: Picture) -> Iterator[Picture]:
        transition = self.project.clips[span.clips[1]].transition
        times = self.project.timeline.clips[span.clips[1]]
        if transition is None:
            raise AssertionError(f"clip {span.clips[1]} overlaps the one before it without a transition")
        render = start(transition, self.project.look)
        before, after = (reels.pictures(span, place, layer) for place, layer in enumerate(layers))
        length = times.settled - times.start
        for number, (old, new) in enumerate(zip(before, after, strict=True), span.start - times.start):
            # As in ffmpeg's xfade, the first frame is wholly the old clip, and the first after the span the new.
            render(old, new, number / length, out)
            yield out


class _Reels:
    """The pictures of each clip of consecutive spans, read through once, from the first span that shows it to the last.

    So a source is opened and searched once, however many captions and overlays come and go over it.
    """

    def __init__(self, project: Project, spans: Sequence[Span]) -> None:
        self._starts = [times.start for times in project.timeline.clips]
        self._ends = {clip: span.end for span in spans for clip in span.clips}
        self._running: dict[int, Iterator[Picture]] = {}

    def pictures(self, span: Span, place: int, layer: Layer) -> Iterator[Picture]:
        """Yield the pictures of a clip of the span, the first or the second of it."""
        clip = span.clips[place]
        if clip not in self._running:
            self._running[clip] = layer.pictures(span.start - self._starts[clip], self._ends[clip] - span.start)
        running = self._running[clip]
        for _ in range(span.frames):
            yield next(running)

    def finish(self, span: Span) -> None:
        """Stop reading the clips that are not seen after a span."""
        for clip in span.clips:
            if self._ends[clip] == span.end:
                _close(self._running.pop(clip))

    def close(self) -> None:
        """Stop reading all."""
        while self._running:
            _close(self._running.popitem()[1])


def _close(pictures: Iterator[Picture]) -> None:
    if hasattr(pictures, "close"):
        pictures.close()
