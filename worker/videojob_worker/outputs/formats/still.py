"""Posters: one frame of the timeline as a JPEG or PNG."""

from abc import abstractmethod
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Final

from PIL import Image

from videojob_contract.resources.outputs import Output
from videojob_worker.outputs.formats.base import OutputFormat, main_file
from videojob_worker.outputs.frame_grabs import Take
from videojob_worker.outputs.jpeg import save_jpeg
from videojob_worker.outputs.sizes import output_size
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.outputs.thread_pool import RenderThreads
from videojob_worker.pixels.yuv import Picture, to_rgb
from videojob_worker.plan.outputs import PlannedOutput
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.timeline.times import Timeline
from videojob_worker.verify.pictures import verify_picture

_COST: Final = 40.0
"""Predicted cost, in the unit of `timeline/cost.py`."""


def poster_frame(output: Output, timeline: Timeline) -> int:
    """Return which frame a poster shows: at `at`; else at 1 s, or in the middle of a shorter timeline."""
    at = output.at if output.at is not None else min(Fraction(1), timeline.length_s / 2)
    return timeline.frame_at(at)


class StillOutput(OutputFormat):
    """A picture of one moment."""

    @staticmethod
    @abstractmethod
    def save(image: Image.Image, path: Path) -> None:
        """Write a picture."""

    @classmethod
    def resolve(cls, field: str, spec: Output, plan: RenderPlan) -> PlannedOutput:
        """Plan a picture, and no stream."""
        return PlannedOutput(field, spec, main_file(spec, plan), output_size(spec, plan.canvas), (), None)

    def cost(self) -> float:
        """Predict what a poster costs, in the unit of `timeline/cost.py`."""
        return _COST

    def wants(self) -> Iterable[tuple[int, Take]]:
        """Write its frame when that passes."""
        return ((poster_frame(self.output.spec, self.plan.timeline), self._take),)

    def write(self, encoded: EncodedStreams, render_threads: RenderThreads) -> tuple[Path, ...]:
        """Check the picture, which is written.

        Raises:
            PermanentError: it is not what was planned.
        """
        del encoded, render_threads
        verify_picture(self.output.path, *self.output.picture_size)
        return ()

    def ways(self) -> Iterable[str]:
        """Say which frame it shows."""
        return (f"frame {poster_frame(self.output.spec, self.plan.timeline)}",)

    def _take(self, picture: Picture) -> None:
        image = to_rgb(picture)
        if image.size != self.output.picture_size:
            image = image.resize(self.output.picture_size, Image.Resampling.LANCZOS)
        self.save(image, self.output.path)


class JpgOutput(StillOutput):
    """A JPEG."""

    @staticmethod
    def save(image: Image.Image, path: Path) -> None:
        """Write a JPEG."""
        save_jpeg(image, path)


class PngOutput(StillOutput):
    """A PNG."""

    @staticmethod
    def save(image: Image.Image, path: Path) -> None:
        """Write a PNG."""
        image.save(path, "PNG")
