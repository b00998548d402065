"""What can be done with VideoJobs."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

from videojob_client import logs, waiting
from videojob_client.collection import STRICT, Collection
from videojob_client.resources import Event, VideoJob
from videojob_client.watching import PAGE_SIZE, watch
from videojob_contract.api_paths import EVENTS, VIDEOJOBS
from videojob_contract.resources import API_VERSION, VideoJobSpec
from videojob_contract.resources.status import Phase

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from videojob_client.transport import Object
    from videojob_client.waiting import Until

Propagation = Literal["Background", "Foreground", "Orphan"]
"""What becomes of the worker's Job: deleted afterwards, deleted before, or left to render on."""


class VideoJobs(Collection[VideoJob]):
    """The VideoJobs of one namespace, or of all."""

    resource = VIDEOJOBS
    kind = VideoJob

    async def create(
        self,
        name: str,
        spec: VideoJobSpec | Mapping[str, Any],
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> VideoJob:
        """Create a VideoJob and return it as the API server has it, defaults filled in.

        It is asked for once: after `UnavailableError` it may be there. Ask again, and take `AlreadyExistsError` for
        success.

        Args:
            name: at most 63 lower case letters, digits and `-`; one that ends in `-` is made unique by the server.
            spec: as a manifest has it, or the contract's model, of which what was set is sent.
            labels: to select it by.
            annotations: to keep with it.

        Raises:
            AlreadyExistsError: there is one of that name.
            InvalidError: the API server's own checks refuse it. What only the operator can check, such as what the
                pool has, fails the VideoJob: `wait` tells.

        Example:
            >>> clip = {"color": "#204060", "duration": "3s"}
            >>> job = await client.videojobs.create("holiday", {"clips": [clip]}, labels={"team": "ads"})
            >>> job.metadata.name, job.spec.queue, str(job.status.phase)
            ('holiday', 'default', 'Pending')

            A field that is wrong is named:

            >>> try:
            ...     await client.videojobs.create("wrong", {"clips": [{"color": "#204060", "duration": "0s"}]})
            ... except InvalidError as error:
            ...     print(error.problems[0])
            spec.clips[0].duration: Forbidden: must be longer than 0s
        """
        body: Object = {
            "apiVersion": API_VERSION,
            "kind": "VideoJob",
            "metadata": {
                "generateName" if name.endswith("-") else "name": name,
                "labels": dict(labels or {}),
                "annotations": dict(annotations or {}),
            },
            "spec": _document(spec),
        }
        return VideoJob.of(await self._transport.write("POST", self._one(), body, query=STRICT))

    def list(
        self, *, labels: str = "", fields: str = "", phase: Phase | None = None, page_size: int = PAGE_SIZE
    ) -> AsyncGenerator[VideoJob, None]:
        """Return every VideoJob, as `Collection.list` does, or those that are in a phase.

        Args:
            labels: a label selector, such as `team=films,stage!=draft`.
            fields: a field selector of `metadata.name`, `metadata.namespace`, `spec.pool` and `status.phase`.
            phase: the one that is wanted; that of those the operator has not seen is not known.
            page_size: objects a request.

        Example:
            >>> for number in range(3):
            ...     _ = await client.videojobs.create(f"job-{number}", SPEC, labels={"team": "ads"})
            >>> [job.metadata.name async for job in client.videojobs.list(labels="team=ads")]
            ['job-0', 'job-1', 'job-2']
            >>> [job.metadata.name async for job in client.videojobs.list(phase=Phase.FAILED)]
            []
        """
        if phase is not None:
            fields = ",".join(part for part in (fields, f"status.phase={phase}") if part)
        return super().list(labels=labels, fields=fields, page_size=page_size)

    async def wait(self, name: str, until: Until = Phase.SUCCEEDED, *, timeout_s: float | None = None) -> VideoJob:
        """Wait for a VideoJob, and return it as it is then.

        Wait for a condition where a phase may pass unseen: a status is written when something is known, not once for
        every phase, and a condition stays. `ConditionType.FINISHED` holds however it ends.

        Args:
            name: of the VideoJob, which must be there.
            until: a phase, a condition that holds, or a function that says whether it is as wanted.
            timeout_s: how long to wait, in seconds. Default: for ever.

        Raises:
            NotFoundError: there is none of that name.
            JobFailedError: it failed, and that was not waited for; with its `reason`.
            JobCancelledError: likewise.
            JobFinishedError: it has succeeded, and what was waited for cannot come any more.
            JobDeletedError: it was deleted meanwhile.
            WaitTimeoutError: time was up; a `TimeoutError` too.

        Example:
            >>> job = await client.videojobs.create("holiday", SPEC)
            >>> job = await client.videojobs.wait("holiday", timeout_s=60)
            >>> [output.uri for output in job.status.outputs]
            ['volume://media/out/holiday/main.mp4']

            What fails says why:

            >>> _ = await client.videojobs.create("broken", BROKEN)
            >>> try:
            ...     await client.videojobs.wait("broken", timeout_s=60)
            ... except JobFailedError as error:
            ...     print(error.reason)
            SourceNotFound
        """
        job = await self.get(name)
        selectors = {"fieldSelector": f"metadata.name={name}"}
        events = watch(self._transport, self._one(), selectors, self._read, [dict(job.manifest)])
        return await waiting.wait(job, events, until, timeout_s)

    async def cancel(self, name: str) -> VideoJob:
        """Stop a VideoJob for good; it is Cancelled when its worker has stopped, which `wait` tells.

        One that has finished stays as it is.

        Example:
            >>> _ = await client.videojobs.create("holiday", SPEC)
            >>> _ = await client.videojobs.cancel("holiday")
            >>> job = await client.videojobs.wait("holiday", Phase.CANCELLED, timeout_s=60)
        """
        return await self.patch(name, {"spec": {"cancel": True}})

    async def suspend(self, name: str) -> VideoJob:
        """Keep a VideoJob out of its queue until it is resumed; an attempt that runs is stopped.

        Example:
            >>> _ = await client.videojobs.create("holiday", SPEC)
            >>> job = await client.videojobs.suspend("holiday")
            >>> job.spec.suspend
            True
        """
        return await self.patch(name, {"spec": {"suspend": True}})

    async def resume(self, name: str) -> VideoJob:
        """Let a VideoJob that was suspended wait in its queue again.

        Example:
            >>> _ = await client.videojobs.create("holiday", SPEC | {"suspend": True})
            >>> job = await client.videojobs.resume("holiday")
            >>> job.spec.suspend
            False
        """
        return await self.patch(name, {"spec": {"suspend": False}})

    async def delete(
        self, name: str, *, uid: str = "", resource_version: str = "", propagation: Propagation = "Background"
    ) -> None:
        """Delete a VideoJob, which stops its worker; what was published stays.

        Args:
            name: of the VideoJob.
            uid: of the one that is meant, as its name may have been used again. Default: any.
            resource_version: of the state that was read. Default: any.
            propagation: what becomes of its worker's Job.

        Raises:
            NotFoundError: there is none of that name.
            ConflictError: it is another than was meant.

        Example:
            >>> job = await client.videojobs.create("holiday", SPEC)
            >>> await client.videojobs.delete("holiday", uid=job.metadata.uid)
        """
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        wanted = {"uid": uid, "resourceVersion": resource_version}
        body["preconditions"] = {key: value for key, value in wanted.items() if value}
        await self._transport.write("DELETE", self._one(name), body)

    async def events(self, name: str) -> tuple[Event, ...]:
        """Return the Events about a VideoJob, oldest first: what happened to it in the last hour, for people.

        Raises:
            NotFoundError: there is none of that name.

        Example:
            >>> _ = await client.videojobs.create("holiday", SPEC)
            >>> _ = await client.videojobs.wait("holiday", timeout_s=60)
            >>> for event in await client.videojobs.events("holiday"):
            ...     print(event.type, event.reason)
            Normal Started
            Normal Succeeded
        """
        job = await self.get(name)  # those of an earlier one of this name are not about it
        query = {"fieldSelector": f"regarding.kind=VideoJob,regarding.uid={job.metadata.uid}"}
        found = await self._transport.read(EVENTS.url(job.metadata.namespace), query)
        return tuple(sorted(map(Event.of, found["items"]), key=lambda event: event.at))

    async def logs(
        self,
        job: str | VideoJob,
        *,
        follow: bool = False,
        tail_lines: int | None = None,
        limit_bytes: int | None = None,
        timestamps: bool = False,
    ) -> AsyncGenerator[str, None]:
        """Yield the lines of the log of the worker that renders a VideoJob, or did in its last attempt.

        Args:
            job: its name, or the VideoJob as it was read.
            follow: go on until the worker ends. A connection that is lost is not made again, as nobody knows
                which lines were read.
            tail_lines: begin this many lines before the end. Default: from the start.
            limit_bytes: end after so many bytes. Default: none.
            timestamps: put the time before each line.

        Raises:
            NoPodError: no attempt has begun.
            NotFoundError: there is no such VideoJob, or its pod has been removed, minutes after its end.

        Example:
            >>> _ = await client.videojobs.create("holiday", SPEC)
            >>> _ = await client.videojobs.wait("holiday", ConditionType.STARTED, timeout_s=60)
            >>> async for line in client.videojobs.logs("holiday", follow=True):
            ...     print(line)
            {"level": "INFO", "message": "rendering"}
        """
        found = job if isinstance(job, VideoJob) else await self.get(job)
        pod = await logs.pod_of(self._transport, found)
        query = logs.LogQuery(follow=follow, tail_lines=tail_lines, limit_bytes=limit_bytes, timestamps=timestamps)
        lines = logs.read_log(self._transport, found.metadata.namespace, pod, query)
        async with aclosing(lines):
            async for line in lines:
                yield line


def _document(spec: VideoJobSpec | Mapping[str, Any]) -> Object:
    if isinstance(spec, VideoJobSpec):
        return spec.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    return dict(spec)
