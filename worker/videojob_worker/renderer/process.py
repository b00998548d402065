"""The supervisor's side of the renderer process.

Start it warm, give it one render, make sense of how it ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from videojob_contract.errors import (
    FAILURE_CLASS,
    CancelledError,
    DeadlineError,
    FailureClass,
    InfrastructureError,
    OutOfMemoryError,
    PermanentError,
    Reason,
    TransientError,
    VideoJobError,
)
from videojob_worker.renderer.cgroup import oom_kills
from videojob_worker.renderer.protocol import (
    LENGTH,
    MAX_ANSWER,
    Advanced,
    Done,
    Failed,
    Ready,
    Rendered,
    Request,
    decode_answer,
    send_request,
)
from videojob_worker.renderer.sandbox import Limits, clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from videojob_contract.assignment import Progress
    from videojob_contract.resources.videojob import VideoJobSpec

log = logging.getLogger("videojob.renderer")

_ERRORS: dict[FailureClass, type[VideoJobError]] = {
    FailureClass.PERMANENT: PermanentError,
    FailureClass.TRANSIENT: TransientError,
    FailureClass.INFRASTRUCTURE: InfrastructureError,
    FailureClass.OUT_OF_MEMORY: OutOfMemoryError,
    FailureClass.DEADLINE: DeadlineError,
    FailureClass.CANCELLED: CancelledError,
}


@dataclass(frozen=True)
class RenderTask:
    """What to render, and from what."""

    spec: VideoJobSpec
    name: str
    sources: Mapping[str, int]
    """Open descriptors by URI."""
    scratch: Path
    """Folder for intermediate and finished files."""
    threads: int
    cpu_s: int
    """Most seconds of processor time."""


class Renderer(Protocol):
    """Something that renders."""

    async def render(self, task: RenderTask, on_progress: Callable[[Progress], None]) -> list[Rendered]:
        """Render and verify every output; cancelling it stops the work at once.

        Raises:
            VideoJobError: for every way in which it can fail.
        """


class RendererProcess:
    """A process that is started ahead, renders once, and is replaced when there is more to do."""

    def __init__(self, limits: Limits, directory: Path) -> None:
        """`directory` is its working directory, which it may write to."""
        self._limits = limits
        self._directory = directory
        self._child: _Child | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def warm_up(self) -> None:
        """Start the process, unless it is there; it loads the engine on its own time."""
        self._child = await self._running()

    async def _running(self) -> _Child:
        if self._child is not None:
            if self._child.process.returncode is None:
                return self._child
            await self._child.kill()  # it is dead; this closes our ends
        return await _Child.start(self._limits, self._directory)

    async def render(self, task: RenderTask, on_progress: Callable[[Progress], None]) -> list[Rendered]:
        """Render in the process.

        See `Renderer.render`. It ends with the render, or at once when that is cancelled.
        """
        child, self._child = await self._running(), None
        kills_before = oom_kills()
        try:
            return await child.render(task, on_progress)
        except _EndedError as error:
            raise await child.explain(out_of_memory=_more(kills_before, oom_kills())) from error
        finally:
            await child.kill()

    async def aclose(self) -> None:
        """End the process."""
        if self._child is not None:
            await self._child.kill()
            self._child = None


class _EndedError(Exception):
    """The process ended without an answer."""


@dataclass(frozen=True)
class _Child:
    process: asyncio.subprocess.Process
    requests: socket.socket
    answers: asyncio.StreamReader
    transport: asyncio.BaseTransport

    @classmethod
    async def start(cls, limits: Limits, directory: Path) -> _Child:
        requests, child_requests = socket.socketpair()
        answers_fd, child_answers_fd = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # nothing is imported from the working directory
                "-m",
                "videojob_worker.renderer",
                str(child_requests.fileno()),
                str(child_answers_fd),
                str(os.getpid()),
                str(limits.memory_bytes or 0),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                cwd=directory,
                env=clean_environment(os.environ),
                pass_fds=(child_requests.fileno(), child_answers_fd),
                start_new_session=True,  # killed as a group, and out of reach of Ctrl-C
            )
        except BaseException:
            requests.close()
            os.close(answers_fd)
            raise
        finally:
            child_requests.close()
            os.close(child_answers_fd)
        requests.setblocking(False)
        answers = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(answers), os.fdopen(answers_fd, "rb", buffering=0)
        )
        return cls(process, requests, answers, transport)

    async def render(self, task: RenderTask, on_progress: Callable[[Progress], None]) -> list[Rendered]:
        request = Request(
            spec=task.spec,
            name=task.name,
            sources=list(task.sources),
            scratch=str(task.scratch),
            threads=task.threads,
            cpu_s=task.cpu_s,
        )
        try:
            await send_request(self.requests, request, list(task.sources.values()))
        except OSError as error:
            raise _EndedError from error
        while True:
            match await self._answer():
                case Advanced(progress=progress):
                    on_progress(progress)
                case Done(outputs=outputs):
                    return outputs
                case Failed(reason=reason, message=message):
                    raise error_of(reason, message)
                case Ready():
                    log.debug("the renderer is warm")

    async def _answer(self) -> Ready | Advanced | Done | Failed:
        try:
            (length,) = LENGTH.unpack(await self.answers.readexactly(LENGTH.size))
            if length > MAX_ANSWER:
                raise PermanentError("the renderer answered nonsense", Reason.RENDER_FAILED)
            return decode_answer(await self.answers.readexactly(length))
        except asyncio.IncompleteReadError as error:
            raise _EndedError from error
        except ValueError as error:
            raise PermanentError("the renderer answered nonsense", Reason.RENDER_FAILED) from error

    async def explain(self, *, out_of_memory: bool | None) -> VideoJobError:
        """Say why the process ended; `out_of_memory` is what the kernel says, None when it says nothing."""
        code = await self.process.wait()
        if code >= 0:
            return InfrastructureError(f"the renderer process ended with status {code}; its log says why")
        name = signal.Signals(-code).name
        match -code:
            case signal.SIGKILL if out_of_memory is None or out_of_memory:
                return OutOfMemoryError("the renderer was killed because the container was out of memory")
            case signal.SIGKILL | signal.SIGTERM | signal.SIGINT | signal.SIGHUP:
                # A decoder does not send these; somebody did.
                return InfrastructureError(f"the renderer was killed from outside ({name})")
            case signal.SIGXCPU:
                return DeadlineError("the renderer used more processor time than the deadline allows")
        return PermanentError(f"the renderer crashed ({name}) while it read a source", Reason.RENDER_FAILED)

    async def kill(self) -> None:
        """End the process and whatever it started, now."""
        self.requests.close()
        self.transport.close()
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()


def error_of(reason: Reason, message: str) -> VideoJobError:
    """Make the error that a reason stands for."""
    failure_class = FAILURE_CLASS.get(reason, FailureClass.PERMANENT)
    return _ERRORS[failure_class](message, reason if reason in FAILURE_CLASS else Reason.RENDER_FAILED)


def _more(before: int | None, after: int | None) -> bool | None:
    return None if before is None or after is None else after > before
