"""When signed URLs of a finished VideoJob are signed anew: before they expire, and all of it in one write."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.resources.object_stores import store_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from videojob_contract.resources.object_stores import ObjectStore
    from videojob_operator.decide.types import Observation, UnlastingUrl

RETRY_S = 300.0
"""How soon to look again at one that is to be renewed, in seconds."""
_BEGIN_SHARE, _JOIN_SHARE = 1 / 4, 1 / 2
"""Shares of its time that a URL has left when it is renewed, and when another of the VideoJob is and it goes along."""


def renewable(uri: str, stores: Sequence[ObjectStore]) -> tuple[ObjectStore, float] | None:
    """Return the store of an output whose URLs the operator signs, and for how many seconds; None when it does not."""
    entry = store_of(uri, stores)
    urls = entry.urls if entry is not None and not entry.read_only else None
    if entry is None or urls is None or urls.renewed_with is None or urls.presigned_for is None:
        return None
    return entry, float(urls.presigned_for)


def due_at(observation: Observation) -> datetime | None:
    """Return when the first URL is to be renewed; None when none is."""
    if observation.pool is None:
        return None
    stores = observation.pool.storage.objects
    return min(
        (
            observation.now if url.expires_at is None else url.expires_at - timedelta(seconds=found[1] * _BEGIN_SHARE)
            for url in observation.unlasting_urls
            if (found := renewable(url.uri, stores)) is not None
        ),
        default=None,
    )


def goes_along(url: UnlastingUrl, lasting_s: float, now: datetime) -> bool:
    """Whether a URL is renewed in the write of another's renewal."""
    return url.expires_at is None or url.expires_at - now < timedelta(seconds=lasting_s * _JOIN_SHARE)
