"""`videojob plan`: what a render would do, known before the first frame, from the worker's own planner."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from videojob_cli.object_stores import write_authorities
from videojob_cli.render import Options, assignment_of, interruptible
from videojob_cli.volumes import mounts
from videojob_worker.pipeline import AttemptContext, plan_attempt
from videojob_worker.renderer.process import RendererProcess
from videojob_worker.renderer.sandbox import Limits, shield_this_process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.status import Status

    from videojob_cli.checks import Checked
    from videojob_contract.assignment import Progress
    from videojob_contract.plan_report import Plan


def plan_each(jobs: Sequence[Checked], options: Options) -> Iterator[tuple[str, Plan]]:
    """Plan one after the other; yields each job's name and plan.

    Raises:
        VideoJobError: a job cannot be planned.
    """
    shield_this_process()
    with tempfile.TemporaryDirectory(prefix="videojob-") as scratch:
        write_authorities(Path(scratch) / "objects", os.environ)
        for checked in jobs:
            yield checked.name, asyncio.run(_plan(checked, options, Path(scratch)))


async def _plan(checked: Checked, options: Options, scratch: Path) -> Plan:
    async with RendererProcess(Limits(), scratch) as renderer:
        context = AttemptContext(
            volumes=mounts(options.volumes, options.out),
            scratch=scratch,
            renderer=renderer,
            threads=options.threads,
            objects=scratch / "objects",
        )
        # On standard error, and gone when the plan is there: what is printed is the plan alone.
        with Console(stderr=True).status(f"planning {checked.name}") as status:
            reporter = _StatusReporter(checked.name, status)
            return await interruptible(plan_attempt(assignment_of(checked), reporter, context, renderer))


class _StatusReporter:
    """Says which source is fetched; on a terminal alone, as a status does."""

    def __init__(self, name: str, status: Status) -> None:
        self._name = name
        self._status = status

    def report(self, progress: Progress) -> None:
        self._status.update(f"planning {self._name}: {progress.message}")
