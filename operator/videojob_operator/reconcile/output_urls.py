"""URLs of a finished VideoJob's outputs, signed anew in one write; one VideoJob after another, as there is no hurry."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from pydantic import ValidationError

from videojob_contract.api_paths import VIDEOJOBS
from videojob_contract.errors import Reason
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.object_stores import ObjectStore
from videojob_contract.resources.status import OutputStatus, VideoJobStatus
from videojob_operator import metrics
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.url_signing import UrlSigner
from videojob_operator.cache import Cache
from videojob_operator.decide.types import UnlastingUrl
from videojob_operator.decide.url_renewal import goes_along, renewable
from videojob_operator.errors import UrlSigningError
from videojob_operator.reconcile.status_write import patch_status
from videojob_operator.records import VideoJobKey

log = logging.getLogger(__name__)

PAUSE_S = 0.1
"""Wait after each write, in seconds: after a time away all are due, and nobody waits for any."""
TOLD_S = 3600.0
"""How long why a pool's URLs cannot be signed is not told again, in seconds."""


class OutputUrlReconciler:
    """Renews the URLs of one VideoJob at a time."""

    def __init__(
        self,
        *,
        cache: Cache,
        kubernetes: Kubernetes,
        events: Events,
        serves: Callable[[PoolKey], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._kubernetes = kubernetes
        self._events = events
        self._serves = serves
        self._clock = clock
        self._signer = UrlSigner(kubernetes)
        self._told: dict[tuple[PoolKey, str], datetime] = {}

    async def __call__(self, key: VideoJobKey) -> None:
        """Renew what is due; why that fails is told at the RenderPool, whose Secret it is."""
        record = self._cache.videojobs.get(key)
        if record is None or not record.unlasting_urls or not self._serves(record.pool):
            return
        pool = self._cache.pools.get(record.pool)
        spec = pool.accept().spec if pool is not None else None
        raw = await self._kubernetes.get(VIDEOJOBS, *key) if spec is not None else None
        if spec is None or raw is None or raw["metadata"]["uid"] != record.uid:
            return
        try:
            before = VideoJobStatus.model_validate(raw.get("status") or {}).outputs or []
        except ValidationError:
            return  # of a later version, which sees to it: what is written here is the whole of each output
        try:
            after = [await self._renewed(key.namespace, each, spec.storage.objects) for each in before]
        except UrlSigningError as error:
            self._tell(record.pool, str(error))
            return
        if after == before:
            return
        body = {
            "metadata": {"resourceVersion": raw["metadata"]["resourceVersion"]},
            "status": {"outputs": [each.to_dict() for each in after]},
        }
        written = await patch_status(self._kubernetes, VIDEOJOBS, self._cache.videojobs, key, body)
        metrics.status_written("videojobs", progress_only=False)
        if written is not None:
            self._cache.videojobs.refresh(written)
        await asyncio.sleep(PAUSE_S)

    async def _renewed(self, namespace: str, output: OutputStatus, stores: Sequence[ObjectStore]) -> OutputStatus:
        found = renewable(output.uri, stores)
        now = self._clock()
        if found is None or (output.url is not None and output.url_expires_at is None):
            return output  # nobody signs it, or it lasts
        entry, lasting_s = found
        if not goes_along(UnlastingUrl(output.uri, output.url_expires_at), lasting_s, now):
            return output
        url = await self._signer.sign(namespace, entry, output.uri, lasting_s)
        return OutputStatus.model_validate(
            {**output.to_dict(), "url": url, "urlExpiresAt": now + timedelta(seconds=lasting_s)}
        )

    def _tell(self, pool: PoolKey, words: str) -> None:
        now = self._clock()
        self._told = {what: at for what, at in self._told.items() if now - at < timedelta(seconds=TOLD_S)}
        record = self._cache.pools.get(pool)
        if (pool, words) in self._told or record is None:
            return
        self._told[pool, words] = now
        log.warning("URLs of outputs of pool %s are not renewed: %s", pool, words)
        self._events.emit(
            "RenderPool",
            pool.namespace,
            pool.name,
            record.uid,
            type_="Warning",
            reason=Reason.URLS_NOT_RENEWED,
            message=words,
        )
