"""One look by an idle worker: its sources are fetched as for an attempt, and nothing is published."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from videojob_common.safe_open import UnsafePathError, open_file
from videojob_contract.errors import PermanentError, Reason, VideoJobError
from videojob_contract.inspection import MAX_PICTURE_BYTES, MAX_SPANS, Findings, Frames, Look, Unseen
from videojob_worker.pipeline import prepared
from videojob_worker.report import Unheard
from videojob_worker.request import source_uris

if TYPE_CHECKING:
    from videojob_contract.inspection import Inspection
    from videojob_worker.pipeline import AttemptContext
    from videojob_worker.renderer.task import Inspector

log = logging.getLogger("videojob.looking")


async def inspect(inspection: Inspection, context: AttemptContext, inspector: Inspector) -> tuple[Findings, bytes]:
    """Look at what an inspection asks for, within the deadline of its assignment; return the bytes of a picture too.

    Every failure becomes findings. Only cancelling is passed on, after everything has stopped and is cleared away.
    """
    wanted = source_uris(inspection.assignment.spec)
    if inspection.look is Look.PROBE:
        wanted = wanted[:1]
    try:
        return await _look(inspection, wanted, context, inspector)
    except VideoJobError as error:
        return Findings(refusal=Unseen(reason=error.reason, message=error.message)), b""
    except Exception as error:
        log.exception("the look failed unexpectedly")
        message = f"the worker failed: {type(error).__name__}"
        return Findings(refusal=Unseen(reason=Reason.RENDER_FAILED, message=message)), b""


async def _look(
    inspection: Inspection, wanted: list[tuple[str, str]], context: AttemptContext, inspector: Inspector
) -> tuple[Findings, bytes]:
    async with prepared(inspection.assignment, Unheard(), context, wanted) as task:
        match inspection.look:
            case Look.PROBE:
                return Findings(probe=await inspector.probe(task)), b""
            case Look.PLAN:
                plan = await inspector.plan(task)
                most = {name: getattr(plan, name)[:MAX_SPANS] for name in ("spans", "segments", "sounds")}
                short = plan.model_copy(update=most)
                return Findings(plan=short, spans=len(plan.spans), segments=len(plan.segments)), b""
            case Look.PREVIEW:
                made = await inspector.preview(task, inspection.frames or Frames())
                picture = await asyncio.to_thread(_read_preview, task.scratch, made.path)
                return Findings(picture=made.picture), picture


def _read_preview(folder: Path, path: str) -> bytes:
    try:
        fd = open_file(folder, Path(path).relative_to(folder).parts)
    except (UnsafePathError, OSError, ValueError) as error:
        raise PermanentError("the preview is not where it should be", Reason.RENDER_FAILED) from error
    with os.fdopen(fd, "rb") as file:
        picture = file.read(MAX_PICTURE_BYTES + 1)
    if len(picture) > MAX_PICTURE_BYTES:
        raise PermanentError("the preview is too large to be sent: make it smaller, or a JPEG", Reason.INVALID_SPEC)
    return picture
