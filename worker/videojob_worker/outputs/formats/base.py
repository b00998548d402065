"""What each format of outputs says of itself: all that planning, rendering and explaining ask of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.output_files import published_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction
    from pathlib import Path

    from videojob_contract.resources.outputs import Output
    from videojob_worker.encode.sound import SoundPacketFile
    from videojob_worker.outputs.frame_grabs import Take
    from videojob_worker.outputs.streams import EncodedStreams
    from videojob_worker.outputs.thread_pool import RenderThreads
    from videojob_worker.plan.outputs import PlannedOutput
    from videojob_worker.plan.render_plan import RenderPlan


@dataclass(frozen=True)
class OutputFormat(ABC):
    """One output in its format; by default made of streams that are encoded, and of nothing else."""

    output: PlannedOutput
    plan: RenderPlan

    @classmethod
    @abstractmethod
    def resolve(cls, field: str, spec: Output, plan: RenderPlan) -> PlannedOutput:
        """Resolve an output of a plan whose outputs are not planned yet; `field` is where the spec has it.

        Raises:
            PermanentError: it cannot be made; the message names the field.
        """

    def cost(self) -> float:
        """Predict what it costs beyond its streams, in the unit of `timeline/cost.py`; more than 0 where it has none.

        Raises:
            PermanentError: it cannot be made; the message names the field.
        """
        return 0.0

    def wants(self) -> Iterable[tuple[int, Take]]:
        """Return the frames of the timeline that it takes as they pass, and what it does with each; called once."""
        return ()

    def check_sound(self, sound: SoundPacketFile | None) -> None:
        """Check that there is the sound that it cannot be without; `sound` is the job's, as the output has it.

        Raises:
            PermanentError: there is not.
        """
        del sound

    @abstractmethod
    def write(self, encoded: EncodedStreams, render_threads: RenderThreads) -> tuple[Path, ...]:
        """Write its files and check them; return all but the main file.

        Args:
            encoded: its streams.
            render_threads: asked for each packet or picture whether to go on; told of the cost that `cost` predicts.

        Raises:
            PermanentError: the result is not what was planned.
            CancelledError: the render was stopped.
        """

    def length_s(self) -> Fraction | None:
        """Return how many seconds it plays; None where it does not."""
        if not self.output.tracks:
            return None
        rate = self.output.tracks[0].rate
        return rate.frames / rate.fps

    @abstractmethod
    def ways(self) -> Iterable[str]:
        """Say in words how it is made."""


def main_file(spec: Output, plan: RenderPlan) -> Path:
    """Return where an output of one file is put together."""
    return plan.scratch / f"{spec.name}.{spec.format.extension}"


def main_file_in_folder(spec: Output, plan: RenderPlan) -> Path:
    """Return where the main file of several is put together: in a folder of its own, named as it is published."""
    return plan.scratch / spec.name / published_name(spec)
