"""What each kind of clip says of itself: all that probing, planning, composing and explaining ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from videojob_worker.compose.layers.motion import move_layer
from videojob_worker.timeline.spans import SpanKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from fractions import Fraction
    from typing import Self

    from videojob_contract.resources.motion import Motion
    from videojob_contract.resources.timeline import Clip, Overlay
    from videojob_worker.canvas import Canvas
    from videojob_worker.compose.layers.base import Layer
    from videojob_worker.media.files.source import Source
    from videojob_worker.media.probe import ProbedSource
    from videojob_worker.media.probed import ProbedSources
    from videojob_worker.text.fonts import Fonts


@dataclass(frozen=True, slots=True)
class PlacedClip:
    """A clip of the timeline, and all that its layer is made with."""

    number: int
    clip: Clip
    frames: int
    """How many frames of the timeline it lasts."""
    fps: Fraction
    """Of the timeline."""
    canvas: Canvas
    sources: ProbedSources
    fonts: Fonts

    @property
    def field(self) -> str:
        """Where the spec has it, such as `spec.clips[3]`."""
        return f"spec.clips[{self.number}]"


class ClipKind(Protocol):
    """What a clip or an overlay shows; without motion, effects and transitions, unless a method says so.

    By default a picture that is made of the spec alone, and stands still.
    """

    probe: ClassVar[tuple[str, Callable[[Source], ProbedSource]] | None] = None
    """How a field's path ends that names a source of this kind, and what that source has to be."""
    span_kind: ClassVar[SpanKind] = SpanKind.STILL
    """How its frames come about: still, animated or decoded; they cost what `timeline/cost.py` says."""

    @classmethod
    def of(cls, layer: Clip | Overlay, probed: Mapping[str, ProbedSource]) -> Self | None:
        """Return what a layer shows, if that is of this kind; `probed` are of each source, by its URI."""

    def open(self, placed: PlacedClip) -> Layer:
        """Open its pictures.

        Raises:
            PermanentError: its source cannot be used.
        """

    def open_moving(self, placed: PlacedClip, motion: Motion) -> Layer:
        """Open its pictures with a motion.

        Raises:
            PermanentError: its source cannot be used.
        """
        return move_layer(self.open(placed), motion, placed.clip, frames=placed.frames, canvas=placed.canvas)

    def length_s(self) -> Fraction | None:
        """Return how many seconds it lasts by itself, if it does."""
        return None

    def check_length(self, sources: ProbedSources, field: str, wanted_s: Fraction, frame_s: Fraction) -> None:
        """Check that it lasts as many seconds of the timeline as it is seen.

        Args:
            sources: all of the job.
            field: the layer's.
            wanted_s: how long it is seen.
            frame_s: how long a frame of the timeline is.

        Raises:
            PermanentError: it does not.
        """

    def held_bytes(self, layer: Clip | Overlay, canvas: Canvas) -> int:
        """Predict what its pictures are made from, in bytes."""
        del layer, canvas
        return 0

    def loading_bytes(self, layer: Clip | Overlay, canvas: Canvas) -> int:
        """Predict what it takes for a moment to make its pictures ready, in bytes."""
        del layer, canvas
        return 0

    def does(self, fps: Fraction) -> Iterable[str]:
        """Say in words what makes its frames change, as `is a video`; `fps` is the timeline's rate."""
        del fps
        return ()
