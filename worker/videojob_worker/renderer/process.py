"""The renderer process as the pipeline sees it: started ahead, given one render, replaced when there is more."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from videojob_worker.renderer.child import Child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from videojob_contract.assignment import Progress
    from videojob_contract.inspection import Frames, ProbeReport
    from videojob_contract.plan_report import Plan
    from videojob_worker.renderer.protocol import Done, Previewed
    from videojob_worker.renderer.sandbox import Limits
    from videojob_worker.renderer.task import RenderTask


class RendererProcess:
    """A `task.Renderer` and `task.Planner` that keeps a process warm."""

    def __init__(self, limits: Limits, directory: Path) -> None:
        """`directory` is its working directory, which it may write to."""
        self._limits = limits
        self._directory = directory
        self._child: Child | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the process."""
        if self._child is not None:
            await self._child.kill()
            self._child = None

    async def warm_up(self) -> None:
        """Start the process, unless it is there; it loads the engine on its own time."""
        self._child = await self._running()

    async def render(self, task: RenderTask, on_progress: Callable[[Progress], None]) -> Done:
        """Render in the process, which ends with the render, or at once when that is cancelled."""
        async with self._one() as child:
            return await child.render(task, on_progress)

    async def plan(self, task: RenderTask) -> Plan:
        """Plan in the process, which ends with that, or at once when it is cancelled."""
        async with self._one() as child:
            return await child.plan(task)

    async def preview(self, task: RenderTask, frames: Frames) -> Previewed:
        """Make a preview in the process, which ends with that, or at once when it is cancelled."""
        async with self._one() as child:
            return await child.preview(task, frames)

    async def probe(self, task: RenderTask) -> ProbeReport:
        """Look at a source in the process, which ends with that, or at once when it is cancelled."""
        async with self._one() as child:
            return await child.probe(task)

    @asynccontextmanager
    async def _one(self) -> AsyncIterator[Child]:
        """Give the process away for one task; what follows gets another."""
        child, self._child = await self._running(), None
        try:
            yield child
        finally:
            await child.kill()

    async def _running(self) -> Child:
        if self._child is not None:
            if self._child.process.returncode is None:
                return self._child
            await self._child.kill()  # it died while it was idle; this closes our ends
        return await Child.start(self._limits, self._directory)
