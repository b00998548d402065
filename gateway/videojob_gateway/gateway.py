"""What routes work with: the API server, the VideoJobs as they are known, and who may do what."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - FastAPI reads annotations
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Request
from redis.asyncio import Redis  # noqa: TC002 - a field of a dataclass that FastAPI looks at

from videojob_client import Client  # noqa: TC001 - a field of a dataclass that FastAPI looks at
from videojob_client.errors import AlreadyExistsError, NotFoundError, UnreadableError
from videojob_contract.defaults import resolve
from videojob_contract.problems import Problem, SpecError
from videojob_contract.resources.status import Phase
from videojob_contract.support import unsupported
from videojob_contract.template_refs import fix, name_of_template
from videojob_contract.validation import parse_videojob
from videojob_gateway.assets.upload_stores import UploadStores
from videojob_gateway.config import Settings  # noqa: TC001 - the same
from videojob_gateway.errors import (
    InvalidRequestError,
    KeyReusedError,
    NameInUseError,
    NoLooksError,
    NoSuchJobError,
    NotReadyError,
)
from videojob_gateway.hooks.hook_book import HookBook
from videojob_gateway.job_cache import JobCache, number_of
from videojob_gateway.live import OpenStreams
from videojob_gateway.live_progress import LiveProgress  # noqa: TC001 - a field of a dataclass that FastAPI looks at
from videojob_gateway.looks import LookDesk  # noqa: TC001 - a field of a dataclass that FastAPI looks at
from videojob_gateway.rate_limits import RateLimits
from videojob_gateway.slots import Slots
from videojob_gateway.submission import check_same
from videojob_gateway.vitals import Vitals

if TYPE_CHECKING:
    from videojob_client import RenderPool, VideoJob
    from videojob_contract.resources.status import FixedTemplate
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_gateway.auth.caller import Caller
    from videojob_gateway.submission import Submission


MOST_RECEIVED: Final = 16
"""Files that one user sends at a time."""

MOST_DELIVERED: Final = 64
"""Deliveries to one hook that are taken at a time: nobody is known until all of a body is there."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway."""

    settings: Settings
    client: Client
    cache: JobCache = field(default_factory=JobCache)
    streams: OpenStreams = field(init=False)
    receiving: Slots = field(default_factory=lambda: Slots(MOST_RECEIVED, "uploads"))
    hooks: HookBook = field(default_factory=HookBook)
    deliveries: Slots = field(default_factory=lambda: Slots(MOST_DELIVERED, "deliveries"))
    ask: LookDesk | None = None
    """How workers are asked; None for not at all."""
    live_progress: LiveProgress | None = None
    """Who listens to workers; None for nobody."""
    rates: RateLimits = field(default_factory=lambda: RateLimits({}))
    """What callers ask for in a time."""
    redis: InitVar[Redis | None] = None
    """None where there is none."""
    vitals: Vitals = field(init=False)
    stores: UploadStores = field(init=False)

    def __post_init__(self, redis: Redis | None) -> None:
        object.__setattr__(self, "vitals", Vitals(self.client, redis, self.settings.operator_lease))
        object.__setattr__(self, "stores", UploadStores(self.settings.upload_secrets))
        object.__setattr__(self, "streams", OpenStreams(self.settings.max_streams))

    @property
    def looks(self) -> LookDesk:
        """How workers are asked.

        Raises:
            NoLooksError: they are not.
        """
        if self.ask is None:
            raise NoLooksError("no worker can be asked here: VIDEOJOB_REDIS_URL is not set")
        return self.ask

    def known(self) -> JobCache:
        """Return the VideoJobs; raises `NotReadyError` until all are known."""
        if not self.cache.listed.is_set():
            raise NotReadyError
        return self.cache

    async def job(self, name_or_uid: str, caller: Caller) -> VideoJob:
        """Return a VideoJob as the API server has it, by its name or its UID.

        Raises:
            NoSuchJobError: there is none, or the caller may not know of it.
        """
        uid = name_or_uid if _is_uid(name_or_uid) else ""
        if uid:  # which may be of one that was made just now, on another replica
            await self.cache.reach(lambda: self.cache.of_uid(uid) is not None)
        record = self.cache.of_uid(uid) if uid else None
        try:
            job = await self.client.videojobs.get(record.name if record else name_or_uid)
        except NotFoundError:
            raise _no_such(name_or_uid) from None
        if record and job.metadata.uid != uid:  # deleted, and its name used again
            raise _no_such(name_or_uid)
        if caller.owner is not None and job.manifest["spec"].get("user") != caller.owner:
            raise _no_such(name_or_uid)
        return job

    async def submit(self, submission: Submission) -> VideoJob:
        """Make a VideoJob, or return the one that the same request has made before.

        Raises:
            NameInUseError, KeyReusedError: there is another of its name.
            ClientError: as the client's `create` raises it.
        """
        try:
            job = await self.client.videojobs.create(
                submission.name, submission.spec, labels=submission.labels, annotations=submission.annotations
            )
        except AlreadyExistsError:
            job = await self.client.videojobs.get(submission.name)
            check_same(submission, job.manifest)
        await self.catch_up(job)
        return job

    async def accept(self, submission: Submission) -> VideoJob:
        """Make a VideoJob once it is found to be one that can be rendered; raises as `check` and `submit` do."""
        await self.check(submission)
        return await self.submit(submission)

    async def check(self, submission: Submission) -> None:
        """Make sure that a VideoJob can be rendered, or was made by the same request before.

        Raises:
            InvalidRequestError: it cannot be, with all that is wrong.
        """
        problems = await self.problems_of(submission.manifest)
        if problems and not await self.is_made(submission):  # its template, or its pool, may have changed since
            raise InvalidRequestError(problems)

    async def catch_up(self, job: VideoJob) -> None:
        """Let lists show what was just written, before its writer is told that it was."""
        metadata = job.metadata
        await self.cache.reach(lambda: self.cache.knows(metadata.uid, number_of(metadata.resource_version)))

    async def first_word(self, job: VideoJob, within_s: float) -> VideoJob:
        """Return a VideoJob once the operator has said something of it, or after so many seconds as it was."""
        uid = job.metadata.uid

        def is_told() -> bool:
            record = self.cache.of_uid(uid)
            return record is not None and (record.phase != Phase.PENDING or bool(record.reason))

        await self.cache.reach(is_told, within_s)
        try:
            now = await self.client.videojobs.get(job.metadata.name) if is_told() else job
        except NotFoundError:
            return job
        return now if now.metadata.uid == uid else job

    async def is_made(self, submission: Submission) -> bool:
        """Tell whether a request with an `Idempotency-Key` has made its VideoJob before."""
        if not submission.annotations:
            return False
        try:
            check_same(submission, (await self.client.videojobs.get(submission.name)).manifest)
        except (NotFoundError, NameInUseError, KeyReusedError):
            return False
        return True

    async def problems_of(self, manifest: Mapping[str, Any]) -> list[Problem]:
        """Return all that is wrong with a VideoJob, as the operator would find it, with its template and its pool.

        A pool that is not there is nothing wrong: the VideoJob waits for it.
        """
        name = name_of_template(manifest)
        template = await self._template(name) if name is not None else None
        try:
            spec = parse_videojob(manifest, template=template, further=lambda job: unsupported(job.spec)).spec
            if problems := unsupported(spec):
                return problems
            pool = await self.client.renderpools.get(spec.pool)
            resolve(spec, pool.spec, namespace=self.client.namespace, name=manifest["metadata"]["name"])
        except SpecError as error:
            return list(error.problems)
        except (NotFoundError, UnreadableError):
            return []
        return []

    async def resolved(self, manifest: Mapping[str, Any]) -> tuple[VideoJobSpec, RenderPool]:
        """Return the spec of a VideoJob as it would be rendered, and its pool.

        Raises:
            InvalidRequestError: it would be refused, or there is no such pool.
        """
        name = name_of_template(manifest)
        template = await self._template(name) if name is not None else None
        try:
            spec = parse_videojob(manifest, template=template, further=lambda job: unsupported(job.spec)).spec
            if problems := unsupported(spec):
                raise InvalidRequestError(problems)
            pool = await self.pool(spec.pool)
            namespace = self.client.namespace
            return resolve(spec, pool.spec, namespace=namespace, name=manifest["metadata"]["name"]), pool
        except SpecError as error:
            raise InvalidRequestError(error.problems) from error

    async def pool(self, name: str) -> RenderPool:
        """Return a pool; raises `InvalidRequestError` when there is none that can be read."""
        try:
            pool = await self.client.renderpools.get(name)
            _ = pool.spec  # which is read now
        except (NotFoundError, UnreadableError):
            raise InvalidRequestError([Problem("spec.pool", f"there is no RenderPool {name[:80]!r}")]) from None
        return pool

    async def _template(self, name: str) -> FixedTemplate | None:
        try:
            return fix((await self.client.videotemplates.get(name)).manifest)
        except (NotFoundError, SpecError):
            return None


async def gateway_of(request: Request) -> Gateway:  # async: FastAPI has a thread call what is not
    """Return the gateway that serves a request."""
    gateway: Gateway = request.app.state.gateway
    return gateway


Served = Annotated[Gateway, Depends(gateway_of)]


def _is_uid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _no_such(name: str) -> NoSuchJobError:
    return NoSuchJobError(f"there is no VideoJob {name[:80]!r}")
