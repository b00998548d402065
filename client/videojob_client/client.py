"""The client: one connection to one API server."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from videojob_client.access_reviews import AccessReviews
from videojob_client.collection import RenderPools, VideoHooks, VideoSchedules, VideoTemplates
from videojob_client.configuration import Access, find_access
from videojob_client.errors import ConfigurationError, ForbiddenError, NotFoundError
from videojob_client.transport import Transport
from videojob_client.videojobs import VideoJobs
from videojob_contract.api_paths import LEASES, NAMESPACES

if TYPE_CHECKING:
    import os

    from kubernetes.aio.client.configuration import Configuration

TIMEOUT_S = 30.0


class Client:
    """A client of VideoJobs, VideoSchedules, VideoTemplates, VideoHooks and RenderPools, to be entered before use.

    Without arguments it finds the API server as kubectl does: by `KUBECONFIG`, `~/.kube/config`, or the service account
    of the pod that it runs in.

    Args:
        kubeconfig: path of a kubeconfig, or several, parted as `KUBECONFIG` parts them.
        context: one of the kubeconfig's contexts. Default: the current one.
        namespace: whose objects are meant. Default: that of the context or of the pod, else `default`.
        configuration: of `kubernetes.aio`, instead of a kubeconfig.
        timeout_s: of one request, in seconds; watches and logs have none.

    Raises:
        ConfigurationError: when it is entered, and there is no API server to be found, or the kubeconfig is wrong.

    Example:
        >>> async with Client(kubeconfig=KUBECONFIG, context="test", namespace="films") as client:
        ...     print(client.namespace, [pool.metadata.name async for pool in client.renderpools.list()])
        films ['default']
    """

    def __init__(
        self,
        *,
        kubeconfig: str | os.PathLike[str] | None = None,
        context: str | None = None,
        namespace: str = "",
        configuration: Configuration | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        if configuration is not None and (kubeconfig is not None or context is not None):
            raise ValueError("give either a configuration or a kubeconfig and a context")
        self._kubeconfig, self._context, self._configuration = kubeconfig, context, configuration
        self._namespace, self._timeout_s = namespace, timeout_s
        self._transport: Transport | None = None

    async def __aenter__(self) -> Self:
        if self._configuration is not None:
            access = Access(self._configuration)
        else:
            access = await find_access(self._kubeconfig, self._context)
        self._namespace = self._namespace or access.namespace
        try:
            self._transport = Transport(access.configuration, self._timeout_s)
        except OSError as error:  # it reads the certificates
            raise ConfigurationError(f"{access.configuration.host}: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._entered.close()
        self._transport = None

    @property
    def namespace(self) -> str:
        """The namespace whose objects are meant."""
        return self._namespace

    @property
    def videojobs(self) -> VideoJobs:
        """The VideoJobs of the client's namespace."""
        return VideoJobs(self._entered, self._namespace)

    @property
    def renderpools(self) -> RenderPools:
        """The RenderPools of the client's namespace."""
        return RenderPools(self._entered, self._namespace)

    @property
    def videoschedules(self) -> VideoSchedules:
        """The VideoSchedules of the client's namespace."""
        return VideoSchedules(self._entered, self._namespace)

    @property
    def videotemplates(self) -> VideoTemplates:
        """The VideoTemplates of the client's namespace."""
        return VideoTemplates(self._entered, self._namespace)

    @property
    def videohooks(self) -> VideoHooks:
        """The VideoHooks of the client's namespace."""
        return VideoHooks(self._entered, self._namespace)

    async def cluster_uid(self) -> str:
        """Return the UID of the namespace kube-system, which is as old as its cluster; empty when it may not be read.

        By it the queues of a cluster are known in a Redis that others use too.

        Example:
            >>> len(await client.cluster_uid())
            36
        """
        try:
            namespace = await self._entered.read(NAMESPACES.url(None, "kube-system"))
        except (ForbiddenError, NotFoundError):
            return ""
        return str(namespace["metadata"]["uid"])

    async def lease_renewed_at(self, place: str) -> datetime | None:
        """Return when the holder of a Lease last said that it lives; None while nobody holds it.

        Args:
            place: NAMESPACE/NAME, such as `videojob/videojob-operator`, which the operator holds that works.

        Raises:
            ForbiddenError: it may not be read.
        """
        namespace, _, name = place.partition("/")
        try:
            lease = await self._entered.read(LEASES.url(namespace, name))
        except NotFoundError:
            return None
        renewed_at = (lease.get("spec") or {}).get("renewTime")
        return datetime.fromisoformat(renewed_at) if renewed_at else None

    @property
    def access_reviews(self) -> AccessReviews:
        """What the API server knows of others: for programs that are called with Kubernetes' tokens."""
        return AccessReviews(self._entered, self._namespace)

    @property
    def _entered(self) -> Transport:
        if self._transport is None:
            raise RuntimeError("a Client is used inside of `async with Client() as client:`")
        return self._transport
