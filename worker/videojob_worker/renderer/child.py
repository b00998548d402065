"""The supervisor's side of one renderer process: start it, talk to it, end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.errors import OutOfMemoryError, PermanentError, Reason, VideoJobError
from videojob_worker.renderer.cgroup import oom_kills
from videojob_worker.renderer.ending import error_of, explain
from videojob_worker.renderer.output import ProcessLog
from videojob_worker.renderer.protocol import (
    LENGTH,
    MAX_ANSWER,
    Advanced,
    AnyAnswer,
    Described,
    Done,
    Failed,
    Planned,
    PlannedPart,
    Previewed,
    Probed,
    Ready,
    Request,
    Work,
    decode_answer,
    send_request,
)
from videojob_worker.renderer.sandbox import Limits, clean_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from videojob_contract.assignment import Progress
    from videojob_contract.inspection import Frames, ProbeReport
    from videojob_contract.plan_report import Plan, SegmentEntry, SpanEntry
    from videojob_worker.renderer.task import RenderTask


_MOST_ENTRIES = 400_000
"""Of a plan: more than a plan that is told has, and what may be kept of one that is not to be believed."""


class _EndedError(Exception):
    """The process ended without an answer."""


@dataclass(frozen=True)
class Child:
    """A renderer process, good for one task."""

    process: asyncio.subprocess.Process
    requests: socket.socket
    answers: asyncio.StreamReader
    output: ProcessLog
    transports: tuple[asyncio.BaseTransport, ...]

    @classmethod
    async def start(cls, limits: Limits, directory: Path) -> Child:
        """Start the process; it confines itself before it loads anything that decodes."""
        requests, child_requests = socket.socketpair()
        answers, child_answers = os.pipe()
        # Not the pipe of `subprocess`: waiting for the process would wait for whoever else holds its end.
        errors, child_errors = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # nothing is imported from the working directory
                "-m",
                "videojob_worker.renderer",
                str(child_requests.fileno()),
                str(child_answers),
                str(os.getpid()),
                str(limits.memory_bytes or 0),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=child_errors,
                cwd=directory,
                env=clean_environment(os.environ),
                pass_fds=(child_requests.fileno(), child_answers),
                start_new_session=True,  # killed as a group, and out of reach of Ctrl-C
            )
        except BaseException:
            requests.close()
            os.close(answers)
            os.close(errors)
            raise
        finally:
            child_requests.close()
            os.close(child_answers)
            os.close(child_errors)
        requests.setblocking(False)
        answer_stream, answer_transport = await _stream(answers)
        error_stream, error_transport = await _stream(errors)
        return cls(process, requests, answer_stream, ProcessLog(error_stream), (answer_transport, error_transport))

    async def render(self, task: RenderTask, on_progress: Callable[[Progress], None]) -> Done:
        """Render; see `task.Renderer`."""
        async with self._explained():
            await self._send(task, Work.RENDER)
            return await self._done(on_progress)

    async def describe_segments(self, task: RenderTask) -> list[str]:
        """Describe the segments of a job, in order; none where nothing is made in such."""
        described: list[str] = []
        async with self._explained():
            await self._send(task, Work.DESCRIBE_SEGMENTS)
            while True:
                match await self._answer():
                    case Advanced():
                        pass
                    case Described(description=description):
                        described.append(description)
                        if len(described) > _MOST_ENTRIES:
                            raise nonsense()
                    case Done():
                        return described
                    case _:
                        raise nonsense()

    async def render_segment(self, task: RenderTask, description: str, on_progress: Callable[[Progress], None]) -> Done:
        """Make one segment in the task's scratch folder; the answer has no outputs."""
        async with self._explained():
            await self._send(task, Work.RENDER_SEGMENT, [description])
            return await self._done(on_progress)

    async def join_segments(
        self, task: RenderTask, descriptions: Sequence[str], on_progress: Callable[[Progress], None]
    ) -> Done:
        """Do what `render` does, with segments that are in `SEGMENTS_FOLDER` of the task's scratch folder."""
        async with self._explained():
            await self._send(task, Work.JOIN_SEGMENTS, descriptions)
            return await self._done(on_progress)

    async def plan(self, task: RenderTask) -> Plan:
        """Plan; see `task.Planner`."""
        spans: list[SpanEntry] = []
        segments: list[SegmentEntry] = []
        async with self._explained():
            await self._send(task, Work.PLAN)
            while True:
                match await self._answer():
                    case Advanced():
                        pass  # it takes a moment: nobody is told
                    case PlannedPart(spans=more_spans, segments=more_segments):
                        spans += more_spans
                        segments += more_segments
                        if len(spans) + len(segments) > _MOST_ENTRIES:
                            raise nonsense()
                    case Planned(plan=plan):
                        return plan.model_copy(update={"spans": spans, "segments": segments})
                    case _:
                        raise nonsense()

    async def preview(self, task: RenderTask, frames: Frames) -> Previewed:
        """Make a preview; see `task.Inspector`."""
        async with self._explained():
            await self._send(task, Work.PREVIEW, frames=frames)
            while True:
                match await self._answer():
                    case Advanced():
                        pass
                    case Previewed() as made:
                        return made
                    case _:
                        raise nonsense()

    async def probe(self, task: RenderTask) -> ProbeReport:
        """Look at a source; see `task.Inspector`."""
        async with self._explained():
            await self._send(task, Work.PROBE)
            match await self._answer():
                case Probed(report=report):
                    return report
                case _:
                    raise nonsense()

    async def kill(self) -> None:
        """End the process and whatever it started, now; may be called more than once."""
        self.requests.close()
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        await self.output.aclose()
        for transport in self.transports:
            transport.close()

    @contextlib.asynccontextmanager
    async def _explained(self) -> AsyncIterator[None]:
        """Say what it means when the process ends without an answer."""
        kills_before = oom_kills()
        try:
            yield
        except _EndedError:
            code = await self.process.wait()
            kills = _more(kills_before, oom_kills())
            said = await self.output.says_out_of_memory()
            raise explain(code, killed_for_memory=kills, said_out_of_memory=said) from None

    async def _done(self, on_progress: Callable[[Progress], None]) -> Done:
        while True:
            match await self._answer():
                case Advanced(progress=progress):
                    on_progress(progress)
                case Done() as done:
                    return done
                case _:
                    raise nonsense()

    async def _send(
        self, task: RenderTask, work: Work, descriptions: Sequence[str] = (), frames: Frames | None = None
    ) -> None:
        request = Request(
            settings=task.settings,
            sources=list(task.sources),
            scratch=str(task.scratch),
            cpu_s=task.cpu_s,
            work=work,
            descriptions=tuple(descriptions),
            frames=frames,
        )
        try:
            await send_request(self.requests, request, list(task.sources.values()))
        except OSError as error:
            raise _EndedError from error

    async def _failure(self, reason: Reason, message: str) -> VideoJobError:
        """Believe the renderer, save that encoders report a lack of memory as nothing in particular."""
        if reason is Reason.RENDER_FAILED and await self.output.says_out_of_memory():
            return OutOfMemoryError("rendering: out of memory")
        return error_of(reason, message)

    async def _answer(self) -> Advanced | Described | Done | PlannedPart | Planned | Previewed | Probed:
        """Wait for the next answer that says anything.

        Raises:
            VideoJobError: the answer is that it failed.
        """
        while True:
            match await self._any_answer():
                case Failed(reason=reason, message=message):
                    raise await self._failure(reason, message)
                case Ready():
                    pass  # the engine was loaded before this task came
                case answer:
                    return answer

    async def _any_answer(self) -> AnyAnswer:
        try:
            (length,) = LENGTH.unpack(await self.answers.readexactly(LENGTH.size))
            if length > MAX_ANSWER:
                raise nonsense()
            return decode_answer(await self.answers.readexactly(length))
        except asyncio.IncompleteReadError as error:
            raise _EndedError from error
        except ValueError as error:
            raise nonsense() from error


def nonsense() -> PermanentError:
    """Return the error of a renderer whose answer cannot be understood."""
    return PermanentError("the renderer answered nonsense", Reason.RENDER_FAILED)


async def _stream(fd: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(fd, "rb", buffering=0)
    )
    return stream, transport


def _more(before: int | None, after: int | None) -> bool | None:
    return None if before is None or after is None else after > before
