"""Tells x264 where nothing moves.

After a still's first frames, which refine the picture, every further frame repeats the one before. There the encoder
is told not to search: it then finds at once that each block can be skipped. It is most of what a render of photographs
saves; `make bench` measures it, with the quality.
"""

from collections.abc import Sequence

from videojob_worker.plan.cost import SETTLING_FRAMES
from videojob_worker.plan.spans import Span

_SETTLED = "me=dia,subme=0,trellis=0,ref=1"

CRF_OFFSET = -0.7
"""Added to a crf, so that the quality is that of plain x264 with this crf, at no greater size."""


def still_zones(spans: Sequence[Span]) -> str:
    """Return x264's `zones` for consecutive spans, counted from the first frame of them; it may be empty."""
    origin = spans[0].start
    return "/".join(
        f"{span.start - origin + SETTLING_FRAMES},{span.start - origin + span.frames - 1},{_SETTLED}"
        for span in spans
        if span.is_still and span.frames > SETTLING_FRAMES
    )
