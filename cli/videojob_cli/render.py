"""`videojob render`: the worker's own pipeline, with no cluster and no Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from videojob_cli.object_stores import write_authorities
from videojob_cli.volumes import mounts, redirect_outputs
from videojob_contract.assignment import Assignment, Result, SourceLimits
from videojob_contract.defaults import DEFAULT_DEADLINE
from videojob_contract.errors import CancelledError
from videojob_worker.pipeline import AttemptContext, failed_result, run_attempt
from videojob_worker.renderer.process import RendererProcess
from videojob_worker.renderer.sandbox import Limits, shield_this_process
from videojob_worker.renderer.segmented import SegmentedRenderer

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from videojob_cli.checks import Checked
    from videojob_cli.reporters import RenderReporter


T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How to render."""

    out: Path
    volumes: Mapping[str, Path]
    threads: int
    segments: int | None = None
    """How many processes make segments at a time; None: one makes all."""


def render_all(jobs: Sequence[tuple[Checked, RenderReporter]], options: Options) -> list[Result]:
    """Render one after the other; stops after one that does not succeed."""
    return asyncio.run(_render_all(jobs, options))


async def _render_all(jobs: Sequence[tuple[Checked, RenderReporter]], options: Options) -> list[Result]:
    shield_this_process()
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="videojob-") as scratch:
        objects = Path(scratch) / "objects"
        write_authorities(objects, os.environ)
        async with RendererProcess(Limits(), Path(scratch)) as process:
            renderer = (
                process if options.segments is None else SegmentedRenderer(Limits(), Path(scratch), options.segments)
            )
            context = AttemptContext(
                volumes=mounts(options.volumes, options.out),
                scratch=Path(scratch),
                renderer=renderer,
                threads=options.threads,
                objects=objects,
            )
            for checked, reporter in jobs:
                assignment = assignment_of(checked)
                with reporter:
                    results.append(await _render(assignment, reporter, context))
                    reporter.finish(results[-1])
                if results[-1].result != "succeeded":
                    break
    return results


def assignment_of(checked: Checked) -> Assignment:
    """Make the assignment that the operator would."""
    spec = redirect_outputs(checked.spec, checked.name)
    storage = checked.pool.storage
    deadline = spec.deadline or DEFAULT_DEADLINE
    return Assignment(
        uid=str(uuid.uuid4()),
        namespace=checked.namespace,
        name=checked.name,
        attempt=1,
        spec=spec,
        deadline=deadline,
        soft_deadline=spec.soft_deadline or deadline,
        sources=SourceLimits(
            allow_private_networks=storage.allow_private_networks,
            allow_hosts=storage.allow_hosts,
            max_source_bytes=storage.max_source_bytes,
        ),
        objects=storage.objects,
        encoding=checked.pool.encoding,
    )


async def _render(assignment: Assignment, reporter: RenderReporter, context: AttemptContext) -> Result:
    try:
        return await interruptible(run_attempt(assignment, reporter, context))
    except CancelledError as error:
        return failed_result(assignment, error, 0.0)


async def interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Work until done or Ctrl-C, which stops the renderer and clears away before it is answered.

    Raises:
        CancelledError: it was Ctrl-C.
    """
    working = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, working.cancel)
    try:
        with suppress(asyncio.CancelledError):
            return await working
        raise CancelledError("cancelled")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def default_threads() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
