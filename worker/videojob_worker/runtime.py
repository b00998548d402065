"""What a worker works with, loaded after its announcement: the pipeline, and a warm renderer process."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from videojob_contract.assignment import Assignment, Result
    from videojob_contract.inspection import Findings, Inspection
    from videojob_worker.assignments import Lease
    from videojob_worker.config import Settings
    from videojob_worker.pipeline import AttemptContext
    from videojob_worker.renderer.process import RendererProcess


class WorkerRuntime:
    """See `supervisor.Runtime`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._renderer: RendererProcess | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._renderer is not None:
            await self._renderer.aclose()

    async def prepare(self) -> None:
        """Start the renderer, which loads the engine by itself, and load the pipeline in a thread."""
        from videojob_worker.renderer.process import RendererProcess  # noqa: PLC0415 - after the announcement
        from videojob_worker.renderer.sandbox import Limits  # noqa: PLC0415 - the same

        self._renderer = RendererProcess(Limits.within(self._settings.memory_limit_bytes), self._settings.scratch)
        await self._renderer.warm_up()
        await asyncio.to_thread(_load)
        gc.freeze()
        gc.enable()  # disabled by `main`

    async def run(self, lease: Lease) -> Result:
        """Make what is asked for; `prepare` has ended before."""
        from videojob_worker.pipeline import run_attempt  # noqa: PLC0415 - loaded by `prepare`

        context = replace(self._context(self._warm()), before_publish=lease.confirm)
        return await run_attempt(lease.assignment, lease, context)

    def _warm(self) -> RendererProcess:
        if self._renderer is None:
            raise RuntimeError("prepare() comes before any work")
        return self._renderer

    def _context(self, renderer: RendererProcess) -> AttemptContext:
        from videojob_worker.pipeline import AttemptContext  # noqa: PLC0415 - loaded by `prepare`
        from videojob_worker.storage.source_cache import SourceCache  # noqa: PLC0415 - the same

        return AttemptContext(
            volumes=self._settings.mounted_volumes(),
            scratch=self._settings.scratch,
            renderer=renderer,
            threads=self._settings.threads,
            objects=self._settings.objects,
            cache=SourceCache(self._settings.cache, self._settings.cache_bytes) if self._settings.cache_bytes else None,
        )

    async def look(self, inspection: Inspection) -> tuple[Findings, bytes]:
        """Look at what an idle worker is asked to, in the renderer; another is started after that."""
        from videojob_worker.looking import inspect  # noqa: PLC0415 - loaded by `prepare`

        renderer = self._warm()
        try:
            return await inspect(inspection, self._context(renderer), renderer)
        finally:
            await renderer.warm_up()

    async def clean_up(self, assignment: Assignment) -> None:
        """Remove old uploads, if the pool has a place for them."""
        if assignment.uploads is None:
            return
        from videojob_worker.storage.base import ObjectAccess  # noqa: PLC0415 - loaded by `prepare`
        from videojob_worker.storage.uploads import remove_old_uploads  # noqa: PLC0415 - few pools need it

        access = ObjectAccess(assignment.objects, self._settings.objects)
        await remove_old_uploads(assignment.uploads, self._settings.mounted_volumes(), access)


def _load() -> None:
    """Import the pipeline, and have the models built that an attempt begins and ends with."""
    from videojob_contract.assignment import Assignment, Progress, Result  # noqa: PLC0415 - after the announcement
    from videojob_contract.inspection import Findings, Inspection  # noqa: PLC0415 - the same
    from videojob_worker import looking  # noqa: F401, PLC0415 - the same, and the pipeline with it
    from videojob_worker.renderer.protocol import Request  # noqa: PLC0415 - the same

    for model in (Assignment, Progress, Result, Inspection, Findings, Request):
        model.model_rebuild()
