"""What a render will cost: 10 is the first frame of a still, encoded by x264 at the size of the canvas.

So 1 is about ten milliseconds of a core at 1080p (8 to 12 measured, of stills), and it is less at a smaller size: a
cost is relative. Progress, ETA and the cut into segments are weighted by it.

The weights are measured, and need only be right enough for a steady progress bar and for segments of like length.
"""

from array import array
from collections.abc import Iterable
from typing import Final

from videojob_contract.resources.work import FIRST_FRAME_S, FRAME_S, WorkKind
from videojob_worker.timeline.spans import Span, SpanKind

UNITS_A_SECOND: Final = 100.0
"""Of one core, by the rates that all programs know."""
FIRST_FRAME: Final = FIRST_FRAME_S * UNITS_A_SECOND
"""Of a still: the only one that is more than a repeat of the one before."""
_FRAME: Final = {kind: FRAME_S[WorkKind(kind)] * UNITS_A_SECOND for kind in SpanKind}


def span_cost(span: Span) -> float:
    """Predicted cost of a span."""
    cost = span.frames * _FRAME[span.kind]
    return cost + FIRST_FRAME - _FRAME[SpanKind.STILL] if span.is_still else cost


def frame_costs(spans: Iterable[Span]) -> "array[float]":
    """Return the predicted cost of every frame, in order."""
    costs = array("f")
    for span in spans:
        first = FIRST_FRAME if span.is_still else _FRAME[span.kind]
        costs.append(first)
        costs.extend([_FRAME[span.kind]] * (span.frames - 1))
    return costs
