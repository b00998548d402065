"""One attempt, from assignment to result: fetch, render, publish.

The same in a worker and at the command line. What differs comes in: where progress goes (`Reporter`), what
renders (`Renderer`), and who has to agree before anything is published (`before_publish`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from videojob_common.address_guard import Resolver, resolve_by_system
from videojob_common.safe_open import UnsafePathError, open_file
from videojob_contract import output_files
from videojob_contract.assignment import Assignment, Result
from videojob_contract.errors import CancelledError, DeadlineError, PermanentError, Reason, VideoJobError
from videojob_contract.resources.base import format_duration
from videojob_contract.resources.status import OutputStatus
from videojob_contract.resources.work import BEGIN_S, FRAME_S, SOUND_S, WorkDone, WorkKind
from videojob_worker import errno_mapping
from videojob_worker.concurrency import undisturbed
from videojob_worker.render_settings import RenderSettings
from videojob_worker.renderer.task import RenderTask
from videojob_worker.request import source_uris
from videojob_worker.storage import registry
from videojob_worker.storage.base import Destination, FetchContext, ObjectAccess, RenderedFile
from videojob_worker.storage.objects import media_types
from videojob_worker.storage.sources import Sources, fetched
from videojob_worker.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from videojob_contract.plan_report import Plan
    from videojob_contract.resources.outputs import Output
    from videojob_contract.resources.status import Stage
    from videojob_worker.renderer.protocol import Done, Rendered
    from videojob_worker.renderer.task import Planner, Renderer
    from videojob_worker.report import Reporter
    from videojob_worker.storage.base import PublishedUrl, Staged
    from videojob_worker.storage.source_cache import SourceCache

log = logging.getLogger("videojob.pipeline")

_CPU_SLACK_S = 60


async def _nobody_asked() -> None:
    """Let a render be published that nobody else could be working on."""


@dataclass(frozen=True)
class AttemptContext:
    """What an attempt works with."""

    volumes: Mapping[str, Path]
    """Folder of each volume."""
    scratch: Path
    """Existing folder for what lies around meanwhile; what an attempt puts there, it removes."""
    renderer: Renderer
    threads: int
    before_publish: Callable[[], Awaitable[None]] = _nobody_asked
    """Called when everything is ready to get its name; raises when it must not."""
    resolve: Resolver = field(default=resolve_by_system)
    """How hosts of sources become addresses."""
    objects: Path = Path("/objects")
    """Folder of the credentials of object stores, by their names."""
    cache: SourceCache | None = None
    """Where downloaded sources are kept, if anywhere."""


async def run_attempt(assignment: Assignment, reporter: Reporter, context: AttemptContext) -> Result:
    """Make what the assignment asks for, within its deadline.

    Every failure becomes a result. Only cancelling is passed on, after everything has stopped and is cleared
    away.
    """
    started = time.monotonic()
    wanted = source_uris(assignment.spec)
    tracker = Tracker(reporter, downloads=any(registry.is_downloaded(uri) for _, uri in wanted))
    tracker.starting()
    attempt = _Attempt(assignment, context, tracker)
    try:
        outputs, done = await attempt.run(wanted)
    except VideoJobError as error:
        log.warning("%s: %s", error.reason, error.message)
        return failed_result(assignment, error, time.monotonic() - started, tracker.took_s)
    except Exception as error:  # nobody foresaw it, so it would most likely be the same again and again
        log.exception("the attempt failed unexpectedly")
        unforeseen = errno_mapping.local(error, "the worker") or PermanentError(
            f"the worker failed: {type(error).__name__}: {error}"
        )
        return failed_result(assignment, unforeseen, time.monotonic() - started, tracker.took_s)
    render_s, video_s = time.monotonic() - started, max((output.duration or 0.0 for output in outputs), default=0.0)
    return Result(
        uid=assignment.uid,
        attempt=assignment.attempt,
        result="succeeded",
        outputs=outputs,
        warnings=done.warnings,
        render_s=render_s,
        video_s=video_s,
        work=(*done.work[: len(FRAME_S)], _overhead(render_s, video_s, done.work)),
        peak_bytes=done.peak_bytes,
        stages=tracker.took_s,
    )


def _overhead(render_s: float, video_s: float, work: Iterable[WorkDone]) -> WorkDone:
    """Return what was neither composing nor encoding."""
    took_s = render_s - sum(each.took_s for each in work)
    return WorkDone(kind=WorkKind.OVERHEAD, planned_s=BEGIN_S + SOUND_S * video_s, took_s=max(0.0, took_s))


async def plan_attempt(assignment: Assignment, reporter: Reporter, context: AttemptContext, planner: Planner) -> Plan:
    """Say how the assignment would be rendered: its sources are fetched and opened, and nothing is made.

    Raises:
        VideoJobError: it cannot be rendered, or not planned within its deadline.
    """
    async with prepared(assignment, reporter, context, source_uris(assignment.spec)) as task:
        return await planner.plan(task)


@asynccontextmanager
async def prepared(
    assignment: Assignment, reporter: Reporter, context: AttemptContext, wanted: list[tuple[str, str]]
) -> AsyncIterator[RenderTask]:
    """Give what a renderer needs for an assignment: its sources, fetched, and a fresh folder.

    Raises:
        VideoJobError: a source cannot be had; or what is done with it takes longer than the deadline.
    """
    tracker = Tracker(reporter, downloads=any(registry.is_downloaded(uri) for _, uri in wanted))
    async with _Attempt(assignment, context, tracker).prepared(wanted) as (_, task):
        yield task


def failed_result(
    assignment: Assignment, error: VideoJobError, elapsed_s: float, stages: dict[Stage, float] | None = None
) -> Result:
    """Say how an attempt failed, or that it was cancelled, and what its stages took."""
    return Result(
        uid=assignment.uid,
        attempt=assignment.attempt,
        result="cancelled" if isinstance(error, CancelledError) else "failed",
        reason=error.reason,
        message=error.message,
        render_s=elapsed_s,
        stages=stages or {},
    )


@dataclass(frozen=True)
class _Attempt:
    assignment: Assignment
    context: AttemptContext
    tracker: Tracker

    async def run(self, wanted: list[tuple[str, str]]) -> tuple[list[OutputStatus], Done]:
        async with self.prepared(wanted) as (opened, task):
            done = await self.context.renderer.render(task, self.tracker.rendering)
            opened.check_unchanged()
            return await self._publish(done.outputs, task.scratch), done

    @asynccontextmanager
    async def prepared(self, wanted: list[tuple[str, str]]) -> AsyncIterator[tuple[Sources, RenderTask]]:
        async with self._in_time(), self._fetched(wanted) as (opened, scratch):
            yield opened, self._task(opened, scratch)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Stop what is done at the deadline; turn what the scratch folder's disk says into errors."""
        deadline, soft = self.assignment.deadline, self.assignment.soft_deadline
        loop = asyncio.get_running_loop()
        warning = loop.call_later(float(soft), self._warn)
        try:
            async with asyncio.timeout(float(deadline)):
                yield
        except TimeoutError as error:
            raise DeadlineError(f"not done within its deadline of {format_duration(deadline)}") from error
        except OSError as error:
            raise errno_mapping.of_output(error, "the worker's scratch folder") from error
        finally:
            warning.cancel()

    def _warn(self) -> None:
        deadline = format_duration(self.assignment.deadline)
        log.warning("past its soft deadline of %s", format_duration(self.assignment.soft_deadline))
        self.tracker.warn(f"past its soft deadline, stops at {deadline}")

    @asynccontextmanager
    async def _fetched(self, wanted: list[tuple[str, str]]) -> AsyncIterator[tuple[Sources, Path]]:
        """Give the sources and a fresh folder to render in."""
        async with _scratch(self.context.scratch, self.assignment) as scratch:
            downloads, renders = scratch / "sources", scratch / "render"
            downloads.mkdir()
            renders.mkdir()
            context = FetchContext(
                self.context.volumes,
                self.assignment.sources,
                downloads,
                self.context.resolve,
                self._objects,
                self.context.cache,
                self.assignment.uploads,
            )
            self.tracker.fetching(0, len(wanted))
            async with fetched(wanted, context, lambda done: self.tracker.fetching(done, len(wanted))) as opened:
                yield opened, renders

    def _task(self, opened: Sources, scratch: Path) -> RenderTask:
        threads = self.context.threads
        return RenderTask(
            settings=RenderSettings(
                spec=self.assignment.spec,
                name=self.assignment.name,
                threads=threads,
                encoding=self.assignment.encoding,
            ),
            sources=opened.fds,
            scratch=scratch,
            # The wall clock limits a render; this limits one that has escaped from it.
            cpu_s=int(self.assignment.deadline * (threads + 1)) + _CPU_SLACK_S,
        )

    async def _publish(self, rendered: list[Rendered], folder: Path) -> list[OutputStatus]:
        wanted = self.assignment.spec.outputs or []
        if [output.name for output in rendered] != [output.name for output in wanted]:
            raise PermanentError("the renderer made other outputs than it was asked for", Reason.VERIFICATION_FAILED)
        files_of_each = [_files(folder, *each) for each in zip(rendered, wanted, strict=True)]
        async with AsyncExitStack() as stack:
            total = await asyncio.to_thread(sum, map(_size, chain.from_iterable(files_of_each)))
            count = _Count(self.tracker, total)
            staged: list[Staged] = []
            for index, (output, files) in enumerate(zip(wanted, files_of_each, strict=True)):
                staged.append(await registry.stage(files, self._destination(index, output, count)))
                stack.push_async_callback(staged[-1].discard)
            # Now, because nothing may keep from the result what is published.
            urls = [await each.url() for each in staged]
            await self.context.before_publish()
            await _commit(staged)
        outputs = [
            _status(output, each.uri or "", done, url)
            for output, each, done, url in zip(rendered, wanted, staged, urls, strict=True)
        ]
        self.tracker.completed(f"{len(outputs)} outputs published")
        return outputs

    def _destination(self, index: int, output: Output, count: _Count) -> Destination:
        return Destination(
            f"spec.outputs[{index}].uri",
            output.uri or "",
            self.assignment.uid,
            self.assignment.attempt,
            self.context.volumes,
            count.add,
            self._objects,
            media_types.attributes_of(output),
            self._is_ours,
        )

    @cached_property
    def _objects(self) -> ObjectAccess:
        return ObjectAccess(self.assignment.objects, self.context.objects)

    async def _is_ours(self) -> bool:
        try:
            await self.context.before_publish()
        except CancelledError:  # and so no other attempt follows
            return True
        except VideoJobError:
            return False
        return True


async def _commit(staged: list[Staged]) -> None:
    """Give every output its name. Whoever cancels now is too late: it is done, and counts."""
    try:
        await undisturbed(_commit_each(staged))
    except asyncio.CancelledError:
        task = asyncio.current_task()
        while task is not None and task.cancelling():
            task.uncancel()


async def _commit_each(staged: list[Staged]) -> None:
    for each in staged:
        await each.commit()


class _Count:
    """Adds up copied bytes, which come from threads, and tells the tracker in the event loop."""

    def __init__(self, tracker: Tracker, total: int) -> None:
        self._tracker = tracker
        self._total = total
        self._done = 0
        self._loop = asyncio.get_running_loop()
        tracker.publishing(0, total)

    def add(self, count: int) -> None:
        self._loop.call_soon_threadsafe(self._add, count)

    def _add(self, count: int) -> None:
        self._done += count
        self._tracker.publishing(self._done, self._total)


def _files(folder: Path, output: Rendered, wanted: Output) -> list[RenderedFile]:
    """Return the files that the renderer says that it made; it may only name files of its own folder.

    Further files may only be called as those of this output are.
    """
    main = _inside(folder, output, ())
    name = unquote(wanted.uri or "").rpartition("/")[2]
    parts = [tuple(file.split("/")) for file in output.files]
    strange = next((each for each in parts if not output_files.is_companion(name, each)), None)
    if strange is not None:
        raise PermanentError(f"output {output.name} has a file that is none of its own", Reason.VERIFICATION_FAILED)
    return [*(RenderedFile(_inside(folder, output, each), each) for each in parts), RenderedFile(main)]


def _inside(folder: Path, output: Rendered, parts: tuple[str, ...]) -> Callable[[], int]:
    def open_() -> int:
        try:
            path = Path(output.path)
            return open_file(folder, (path.parent.joinpath(*parts) if parts else path).relative_to(folder).parts)
        except (UnsafePathError, OSError, ValueError) as error:
            raise PermanentError(
                f"output {output.name} is not where it should be", Reason.VERIFICATION_FAILED
            ) from error

    return open_


def _size(file: RenderedFile) -> int:
    fd = file.open()
    try:
        return os.fstat(fd).st_size
    finally:
        os.close(fd)


def _status(output: Rendered, uri: str, staged: Staged, url: PublishedUrl | None) -> OutputStatus:
    return OutputStatus(
        name=output.name,
        uri=uri,
        url=url.url if url else None,
        url_expires_at=url.expires_at if url else None,
        bytes=staged.size_bytes,
        sha256=staged.sha256,
        width=output.width,
        height=output.height,
        frames=output.frames,
        duration=output.duration_s,
    )


@asynccontextmanager
async def _scratch(parent: Path, assignment: Assignment) -> AsyncIterator[Path]:
    """Give a fresh folder, and remove it with all that is in it."""
    folder = parent / f"{assignment.uid}-{assignment.attempt}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        await undisturbed(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
