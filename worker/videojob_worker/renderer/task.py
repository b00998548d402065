"""What a render is given, what renders, and what plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from videojob_contract.assignment import Progress
    from videojob_contract.inspection import Frames, ProbeReport
    from videojob_contract.plan_report import Plan
    from videojob_worker.render_settings import RenderSettings
    from videojob_worker.renderer.protocol import Done, Previewed


@dataclass(frozen=True)
class RenderTask:
    """What to render, and from what."""

    settings: RenderSettings
    sources: Mapping[str, int]
    """Open descriptors by URI."""
    scratch: Path
    """Folder for intermediate and finished files."""
    cpu_s: int
    """Most seconds of processor time."""


class Renderer(Protocol):
    """Something that renders."""

    async def render(self, task: RenderTask, on_progress: Callable[[Progress], None]) -> Done:
        """Render and verify every output; cancelling it stops the work at once.

        Raises:
            VideoJobError: for every way in which it can fail.
        """


class Inspector(Protocol):
    """Something that looks at sources and frames."""

    async def plan(self, task: RenderTask) -> Plan:
        """Plan; see `Planner`."""

    async def preview(self, task: RenderTask, frames: Frames) -> Previewed:
        """Make a picture of some frames; cancelling it stops the work at once.

        Raises:
            VideoJobError: for every way in which it can fail.
        """

    async def probe(self, task: RenderTask) -> ProbeReport:
        """Say what the first source is; cancelling it stops the work at once.

        Raises:
            VideoJobError: for every way in which it can fail.
        """


class Planner(Protocol):
    """Something that says how it would be rendered."""

    async def plan(self, task: RenderTask) -> Plan:
        """Open every source and plan; cancelling it stops the work at once.

        Raises:
            VideoJobError: for every way in which it can fail.
        """
