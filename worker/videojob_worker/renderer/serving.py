"""What the renderer process does: confine itself, load the engine while it is idle, then one thing."""

from __future__ import annotations

import gc
import logging
import os
import resource
import select
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason, VideoJobError
from videojob_contract.inspection import Frames, PictureReport
from videojob_worker import engine, errno_mapping
from videojob_worker.renderer.landlock import confine_files
from videojob_worker.renderer.protocol import (
    SEGMENTS_FOLDER,
    Advanced,
    Described,
    Done,
    Failed,
    Planned,
    PlannedPart,
    Previewed,
    Probed,
    Ready,
    Rendered,
    Request,
    Work,
    encode_message,
    planned,
    receive_request,
)
from videojob_worker.renderer.sandbox import Limits, confine, limit_cpu
from videojob_worker.request import RenderedOutput, RenderRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from videojob_contract.assignment import Progress
    from videojob_contract.inspection import PictureFormat
    from videojob_contract.resources.base import Model
    from videojob_worker.outputs.preview import Preview

log = logging.getLogger("videojob.renderer")


def serve(requests_fd: int, answers_fd: int, parent: int, memory_bytes: int) -> None:
    """Serve one request; for the arguments see `__main__`."""
    confine(Limits(memory_bytes or None), parent)
    requests = socket.socket(fileno=requests_fd)
    engine.preload()
    for model in (Request, Advanced, Done):
        model.model_rebuild()  # while nobody waits
    gc.freeze()
    gc.enable()
    _send(answers_fd, Ready())
    received = receive_request(requests)
    if received is None:
        return
    request, fds = received
    limit_cpu(request.cpu_s)
    confine_files(fds, Path(request.scratch))
    for answer in _serve(request, fds, requests, answers_fd):
        _send(answers_fd, answer)


def _serve(
    request: Request, fds: list[int], requests: socket.socket, answers_fd: int
) -> Iterable[Described | Done | PlannedPart | Planned | Previewed | Probed | Failed]:
    def on_progress(progress: Progress) -> None:
        _send(answers_fd, Advanced(progress=progress))

    def hung_up() -> bool:
        # Nothing more is sent to us, so what can be read is the end: the supervisor is gone.
        return bool(select.select([requests], [], [], 0)[0])

    wanted = RenderRequest(
        settings=request.settings,
        sources={uri: Path(f"/dev/fd/{fd}") for uri, fd in zip(request.sources, fds, strict=True)},
        scratch=Path(request.scratch),
    )
    try:
        if request.work in _LOOKS:
            return _look(request, wanted, on_progress, hung_up)
        return _make(request, wanted, on_progress, hung_up)
    except VideoJobError as error:
        return [_failed(error)]
    except Exception as error:  # the boundary of the process: every failure becomes an answer
        log.warning("the render failed unexpectedly", exc_info=True)
        unforeseen = errno_mapping.local(error, "rendering") or PermanentError(
            f"the renderer failed: {type(error).__name__}: {error}", Reason.RENDER_FAILED
        )
        return [_failed(unforeseen)]


_LOOKS = frozenset((Work.PLAN, Work.PREVIEW, Work.PROBE))


def _look(
    request: Request, wanted: RenderRequest, on_progress: Callable[[Progress], None], hung_up: Callable[[], bool]
) -> Iterable[PlannedPart | Planned | Previewed | Probed]:
    """Look at what is asked for, and make nothing that stays."""
    match request.work:
        case Work.PLAN:
            return planned(engine.plan(wanted, on_progress, hung_up))
        case Work.PREVIEW:
            frames = request.frames or Frames()
            return [_previewed(engine.preview(wanted, frames, on_progress, hung_up), frames.format)]
        case _:
            return [Probed(report=engine.probe(wanted))]


def _make(
    request: Request, wanted: RenderRequest, on_progress: Callable[[Progress], None], hung_up: Callable[[], bool]
) -> Iterable[Described | Done]:
    outputs: list[RenderedOutput] = []
    match request.work:
        case Work.RENDER:
            outputs = engine.render(wanted, on_progress, hung_up)
        case Work.DESCRIBE_SEGMENTS:
            described = engine.describe_segments(wanted, on_progress, hung_up)
            return [*(Described(description=each) for each in described), _done([], wanted)]
        case Work.RENDER_SEGMENT:
            [description] = request.descriptions
            engine.render_segment(wanted, description, on_progress, hung_up)
        case _:
            folder = wanted.scratch / SEGMENTS_FOLDER
            outputs = engine.join_segments(wanted, request.descriptions, folder, on_progress, hung_up)
    return [_done(outputs, wanted)]


def _done(outputs: list[RenderedOutput], asked: RenderRequest) -> Done:
    return Done(
        outputs=[
            Rendered(
                name=output.name,
                path=str(output.path),
                files=tuple(file.relative_to(output.path.parent).as_posix() for file in output.files),
                width=output.width,
                height=output.height,
                frames=output.frames,
                duration_s=None if output.duration is None else float(output.duration),
            )
            for output in outputs
        ],
        warnings=asked.warnings.said,
        work=asked.work.report(),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,  # Linux counts in KiB
    )


def _previewed(made: Preview, picture_format: PictureFormat) -> Previewed:
    picture = PictureReport(format=picture_format, width=made.width, height=made.height, frames=list(made.frames))
    return Previewed(path=str(made.path), picture=picture)


def _failed(error: VideoJobError) -> Failed:
    return Failed(reason=error.reason, message=error.message)


def _send(fd: int, message: Model) -> None:
    data = encode_message(message)
    while data:
        data = data[os.write(fd, data) :]
