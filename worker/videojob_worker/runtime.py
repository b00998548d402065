"""What a worker works with, loaded after its announcement: the pipeline, and a warm renderer process."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from videojob_contract.assignment import Result
    from videojob_worker.assignments import Lease
    from videojob_worker.config import Settings
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
        from videojob_worker.pipeline import AttemptContext, run_attempt  # noqa: PLC0415 - loaded by `prepare`

        if self._renderer is None:
            raise RuntimeError("prepare() comes before run()")
        context = AttemptContext(
            volumes=self._settings.mounted_volumes(),
            scratch=self._settings.scratch,
            renderer=self._renderer,
            threads=self._settings.threads,
            before_publish=lease.confirm,
            objects=self._settings.objects,
        )
        return await run_attempt(lease.assignment, lease, context)


def _load() -> None:
    """Import the pipeline, and have the models built that an attempt begins and ends with."""
    from videojob_contract.assignment import Assignment, Progress, Result  # noqa: PLC0415 - after the announcement
    from videojob_worker import pipeline  # noqa: F401, PLC0415 - the same
    from videojob_worker.renderer.protocol import Request  # noqa: PLC0415 - the same

    for model in (Assignment, Progress, Result, Request):
        model.model_rebuild()
