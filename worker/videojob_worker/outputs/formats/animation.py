"""Moving pictures without sound: parked without loss, and made from there, so that they may be long."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Final

from videojob_contract.resources.outputs import Output
from videojob_worker.encode.settings import lossless_settings
from videojob_worker.outputs.formats.base import OutputFormat, main_file
from videojob_worker.outputs.lossless_frames import LosslessFrames
from videojob_worker.outputs.sizes import output_size
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.plan.outputs import PlannedOutput, VideoTrack
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.timeline.rate import Rate

_WIDTH: Final = 480
"""The widest by default, in pixels."""
_FPS: Final = Fraction(15)
"""The most by default."""
_FRAME_COST: Final = 4.0
"""Of a frame of the canvas' size, once it is parked, in the unit of `timeline/cost.py`."""
_READINGS: Final = 3
"""How often each of them is read at most: for the palette, to be written, to be checked."""


class AnimationOutput(OutputFormat):
    """Moving pictures in a file of their own kind."""

    @classmethod
    def resolve(cls, field: str, spec: Output, plan: RenderPlan) -> PlannedOutput:
        """Plan a stream of pictures that is parked, and no sound.

        Raises:
            PermanentError: it has more frames a second than the format can have.
        """
        size = output_size(spec, plan.canvas, most=_WIDTH)
        fps = spec.fps or min(plan.timeline.fps, _FPS)
        track = VideoTrack(spec.name, lossless_settings(*size, fps), Rate(plan.timeline, fps))
        return PlannedOutput(field, spec, main_file(spec, plan), size, (track,), None)

    @property
    def track(self) -> VideoTrack:
        """Its pictures."""
        [track] = self.output.tracks
        return track

    def cost(self) -> float:
        """Predict what it costs to read, write and check parked pictures, in the unit of `timeline/cost.py`."""
        track, canvas = self.track, self.plan.canvas
        share = track.settings.width * track.settings.height / (canvas.width * canvas.height)
        return _FRAME_COST * share * track.rate.frames

    def write(self, encoded: EncodedStreams, render_threads: RenderThreads) -> tuple[Path, ...]:
        """Make it of the parked pictures, check it, and delete them.

        Raises:
            PermanentError: the result is larger than the format allows, or not what was planned.
            CancelledError: the render was stopped.
        """
        lossless = LosslessFrames(self.track, encoded.packet_files[self.track.name], self._counted(render_threads))
        self.write_frames(lossless)
        lossless.delete()
        return ()

    @abstractmethod
    def write_frames(self, lossless: LosslessFrames) -> None:
        """Write the frames, and check the file.

        Raises:
            PermanentError: the result is larger than the format allows, or not what was planned.
        """

    def ways(self) -> Iterable[str]:
        """Say what it is made from."""
        return ("from pictures of the timeline",)

    def _counted(self, render_threads: RenderThreads) -> Callable[[], None]:
        """Count the cost of pictures as they are read, written and checked."""
        step = self.cost() / (_READINGS * self.track.rate.frames)

        def check_cancelled() -> None:
            render_threads.check_cancelled()
            render_threads.tally.add(step)

        return check_cancelled
