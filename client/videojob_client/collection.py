"""What the resources have in common: get, list, watch and patch, in one namespace or in all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Protocol, Self, TypeVar

from videojob_client.errors import ExpiredError
from videojob_client.resources import RenderPool, VideoHook, VideoSchedule, VideoTemplate
from videojob_client.transport import MERGE_PATCH
from videojob_client.watching import PAGE_SIZE, WatchEvent, watch
from videojob_contract.api_paths import RENDERPOOLS, VIDEOHOOKS, VIDEOSCHEDULES, VIDEOTEMPLATES, Resource

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from videojob_client.resources import Metadata
    from videojob_client.transport import Object, Transport


# A field that the API server does not know is refused, as kubectl has it: by default it would be dropped.
STRICT: Final = {"fieldValidation": "Strict"}


class Readable(Protocol):
    """An object that has been read from its manifest."""

    @property
    def metadata(self) -> Metadata:
        """What Kubernetes has of every object."""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Read it from an object as the API server has it."""


T = TypeVar("T", bound=Readable)


class Collection(Generic[T]):
    """The objects of one kind, in one namespace or in all."""

    resource: ClassVar[Resource]
    kind: type[T]

    def __init__(self, transport: Transport, namespace: str | None) -> None:
        self._transport = transport
        self._namespace = namespace

    def in_namespace(self, namespace: str) -> Self:
        """Return the objects of another namespace.

        Example:
            >>> [job.metadata.name async for job in client.videojobs.in_namespace("default").list()]
            []
        """
        return type(self)(self._transport, namespace)

    def in_all_namespaces(self) -> Self:
        """Return the objects of all namespaces, to list and watch; what needs a name raises ValueError.

        Example:
            >>> "films" in [pool.metadata.namespace async for pool in client.renderpools.in_all_namespaces().list()]
            True
        """
        return type(self)(self._transport, None)

    async def get(self, name: str) -> T:
        """Return one object.

        Raises:
            NotFoundError: there is none of that name.
            RequestError: any other kind, as for every method here.

        Example:
            >>> pool = await client.renderpools.get("default")
            >>> pool.spec.max_workers, pool.status.busy
            (10, 0)
        """
        return self.kind.of(await self._transport.read(self._one(name)))

    async def list(self, *, labels: str = "", fields: str = "", page_size: int = PAGE_SIZE) -> AsyncGenerator[T, None]:
        """Yield every object, by namespace and name, fetched page by page as it is needed.

        What is yielded is as it was at the moment of the first page. Only when reading takes longer than the API
        server remembers, five minutes by default, are later pages as they are then.

        Args:
            labels: a label selector, such as `team=films,stage!=draft`.
            fields: a field selector; both kinds have `metadata.name` and `metadata.namespace`.
            page_size: objects a request.

        Example:
            >>> async for pool in client.renderpools.list():
            ...     print(pool.metadata.name, pool.status.queued)
            default 0
        """
        query = {"limit": str(page_size), "labelSelector": labels, "fieldSelector": fields, "continue": ""}
        while True:
            try:
                page = await self._transport.read(self.resource.url(self._namespace), query)
            except ExpiredError as error:
                if not error.token:
                    raise
                query["continue"] = error.token
                continue
            for item in page["items"]:
                yield self.kind.of(item)
            query["continue"] = page["metadata"].get("continue", "")
            if not query["continue"]:
                return

    def watch(
        self,
        *,
        labels: str = "",
        fields: str = "",
        keep: Callable[[Object], Object] = lambda item: item,
        on_listed: Callable[[str], None] = lambda _: None,
    ) -> AsyncGenerator[WatchEvent[T], None]:
        """Yield what there is, each as ADDED, and then every change, without end.

        A connection that is lost is made again, and nothing is missed: when the API server no longer knows what
        happened in between, everything is listed, and what differs is yielded as changes, though only the last of
        several of one object.

        Args:
            labels: a label selector.
            fields: a field selector, such as `metadata.name=holiday`.
            keep: what to keep of each object, of its manifest, while it is watched: what is yielded has no more. For
                those who watch thousands. All of `metadata` that `Metadata` has must be in it. Default: the whole.
            on_listed: called when all that there was has been yielded, and after every further list, with the resource
                version of the list. What that finds deleted was so at a version that nobody knows: its own is its last.

        Raises:
            RequestError: it was refused. That the API server cannot be reached is raised for the first list alone.

        Example:
            >>> async for event in client.renderpools.watch():
            ...     print(event.type, event.object.metadata.name)
            ...     break
            ADDED default
        """
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        path = self.resource.url(self._namespace)
        return watch(self._transport, path, selectors, self._read, keep=keep, on_listed=on_listed)

    async def patch(self, name: str, changes: Mapping[str, Any], *, resource_version: str = "") -> T:
        """Merge changes into an object (RFC 7386: None removes a field, lists are replaced), and return it.

        Of a VideoJob how it is scheduled can change; what is rendered cannot.

        Args:
            name: of the object.
            changes: the part of its manifest to be changed.
            resource_version: of the state that was read; the change is made to that alone. Default: to any.

        Raises:
            ConflictError: it has changed since `resource_version`.
            InvalidError: the result is wrong, or changes what cannot change.

        Example:
            >>> _ = await client.videojobs.create("holiday", SPEC)
            >>> job = await client.videojobs.patch("holiday", {"spec": {"queue": "high", "deadline": "10m"}})
            >>> job.spec.queue, job.spec.deadline
            ('high', Fraction(600, 1))
        """
        body = dict(changes)
        if resource_version:
            body["metadata"] = {**body.get("metadata", {}), "resourceVersion": resource_version}
        url = self._one(name)
        return self._read(await self._transport.write("PATCH", url, body, query=STRICT, content=MERGE_PATCH))

    def _one(self, name: str = "") -> str:
        """Path of one object, or of the collection, in the one namespace in which something is done."""
        if self._namespace is None:
            raise ValueError("this is done in one namespace: say in which, with in_namespace()")
        return self.resource.url(self._namespace, name)

    def _read(self, manifest: Object) -> T:
        return self.kind.of(manifest)


class RenderPools(Collection[RenderPool]):
    """RenderPools: get, list, watch and patch; whoever runs the cluster writes them."""

    resource = RENDERPOOLS
    kind = RenderPool


class VideoSchedules(Collection[VideoSchedule]):
    """VideoSchedules: get, list, watch and patch."""

    resource = VIDEOSCHEDULES
    kind = VideoSchedule


class VideoTemplates(Collection[VideoTemplate]):
    """VideoTemplates: get, list, watch and patch."""

    resource = VIDEOTEMPLATES
    kind = VideoTemplate


class VideoHooks(Collection[VideoHook]):
    """VideoHooks: get, list, watch and patch."""

    resource = VIDEOHOOKS
    kind = VideoHook
