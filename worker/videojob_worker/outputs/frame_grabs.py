"""Single frames that posters and sprites are made of, taken as they pass by, or composed alone when nothing passes."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from videojob_worker.compose.compositor import Scene
from videojob_worker.pixels.yuv import Picture
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.timeline.spans import Span

Take = Callable[[Picture], None]
"""Does something with a picture of the canvas, at once: it changes afterwards."""


class FrameGrabs:
    """Which frames are wanted, and what for."""

    def __init__(self) -> None:
        self._takes: defaultdict[int, list[Take]] = defaultdict(list)
        self._frames: list[int] = []

    def want(self, frame: int, take: Take) -> None:
        """Ask for a frame of the timeline; before any of them passes."""
        self._takes[frame].append(take)
        self._frames = sorted(self._takes)

    def __len__(self) -> int:
        return len(self._frames)

    def show(self, first: int, count: int, picture: Picture) -> None:
        """Show the picture of `count` frames from `first`."""
        for frame in self._frames[bisect_left(self._frames, first) : bisect_left(self._frames, first + count)]:
            for take in self._takes[frame]:
                take(picture)

    def compose(self, plan: RenderPlan) -> Iterator[int]:
        """Compose the wanted frames and no other; yields the number of each when it is done.

        Raises:
            PermanentError: a source cannot be used.
        """
        spans = list(_single(plan.spans, self._frames))
        scene = Scene(plan.composition, spans)
        try:
            for span in spans:
                for picture, count in scene.compose([span]):
                    self.show(span.start, count, picture)
                yield span.start
        finally:
            scene.close()


def _single(spans: tuple[Span, ...], frames: list[int]) -> Iterator[Span]:
    """Cut a span of one frame out for each frame."""
    rest = iter(spans)
    span = next(rest)
    for frame in frames:
        while span.end <= frame:
            span = next(rest)
        yield replace(span, start=frame, frames=1)
