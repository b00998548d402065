"""A renderer of several processes: each makes one segment of the timeline after another, and one more joins them.

The bytes are those of a render in one process with as many threads. Segments travel as files that are sealed with a
digest and name the description that they were made from.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from videojob_contract.assignment import Progress
from videojob_contract.resources.status import MAX_WARNINGS, Stage
from videojob_worker.concurrency import end
from videojob_worker.renderer.child import Child, nonsense
from videojob_worker.renderer.protocol import SEGMENTS_FOLDER, Done

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from pathlib import Path
    from typing import Any

    from videojob_worker.renderer.sandbox import Limits
    from videojob_worker.renderer.task import RenderTask

_SEGMENTS_SHARE: Final = 90.0
"""Per cent of the work that is in the segments, for a steady progress bar; the rest is sound, joining and checking."""


class SegmentedRenderer:
    """A `task.Renderer` that makes the segments of a job in several processes at a time."""

    def __init__(self, limits: Limits, directory: Path, processes: int) -> None:
        """`directory` is the processes' working directory, which they may write to."""
        self._limits = limits
        self._directory = directory
        self._processes = processes

    async def render(self, task: RenderTask, on_progress: Callable[[Progress], None]) -> Done:
        """Render; every process ends with its part, and all at once when one fails or this is cancelled."""
        async with self._child() as child:
            descriptions = await child.describe_segments(task)
        made = await self._render_segments(task, descriptions, _Shares(descriptions, on_progress))
        start = _SEGMENTS_SHARE if descriptions else 0.0

        def joining(progress: Progress) -> None:
            percent = start + (100.0 - start) * progress.percent / 100
            on_progress(progress.model_copy(update={"percent": percent}))

        async with self._child() as child:
            joined = await child.join_segments(task, descriptions, joining)
        warnings = dict.fromkeys(warning for done in (*made, joined) for warning in done.warnings)
        return joined.model_copy(update={"warnings": tuple(warnings)[:MAX_WARNINGS]})

    async def _render_segments(self, task: RenderTask, descriptions: Sequence[str], shares: _Shares) -> list[Done]:
        folder = task.scratch / SEGMENTS_FOLDER
        folder.mkdir()
        free = asyncio.Semaphore(self._processes)

        async def make(number: int) -> Done:
            async with free, self._child() as child:
                part = replace(task, scratch=folder)
                return await child.render_segment(part, descriptions[number], lambda told: shares.tell(number, told))

        return await _all([make(number) for number in range(len(descriptions))])

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[Child]:
        child = await Child.start(self._limits, self._directory)
        try:
            yield child
        finally:
            await child.kill()


class _Shares:
    """Puts the progress of segments together: each counts by its frames."""

    def __init__(self, descriptions: Sequence[str], on_progress: Callable[[Progress], None]) -> None:
        self._frames = [_frames(description) for description in descriptions]
        self._done = [0.0] * len(descriptions)
        self._on_progress = on_progress

    def tell(self, number: int, told: Progress) -> None:
        self._done[number] = told.percent
        done = sum(frames * percent for frames, percent in zip(self._frames, self._done, strict=True))
        finished = sum(percent >= 100 for percent in self._done)  # noqa: PLR2004 - per cent
        self._on_progress(
            Progress(
                stage=Stage.RENDERING,
                percent=_SEGMENTS_SHARE * done / sum(self._frames) / 100,
                message=f"{finished} of {len(self._done)} segments",
            )
        )


def _frames(description: str) -> int:
    """Read from a description, which a renderer wrote, how many frames its segment has."""
    try:
        return max(1, int(json.loads(description)["frames"]))
    except (ValueError, TypeError, KeyError) as error:
        raise nonsense() from error


async def _all(works: Sequence[Coroutine[Any, Any, Done]]) -> list[Done]:
    """Do all side by side; the first that fails ends the others, and is raised when they have ended."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        if tasks:
            await end(*tasks)
