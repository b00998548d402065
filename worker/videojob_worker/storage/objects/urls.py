"""Where an object can be downloaded, as its pool says: by a signed URL, or by that of a public bucket."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from videojob_common.object_clients import signed_url
from videojob_contract.resources.status import MAX_URL
from videojob_worker.storage.base import PublishedUrl

if TYPE_CHECKING:
    from videojob_worker.storage.objects.opening import OpenStore

_CLOUD_S = 300.0
"""How long credentials of a cloud hold at least: the client has them renewed that much earlier."""

log = logging.getLogger("videojob.outputs")


async def of(opened: OpenStore, what: str) -> PublishedUrl | None:
    """Return the URL of an object; None where the pool wants none, or its credentials cannot sign one."""
    wanted = opened.entry.urls
    if wanted is None:
        return None
    if wanted.public_base is not None:
        return _fitting(PublishedUrl(f"{wanted.public_base.rstrip('/')}/{quote(opened.key)}"), what)
    lasting_s = float(wanted.presigned_for or 0)
    if wanted.renewed_with is not None and opened.entry.secret_ref is None:
        lasting_s = min(lasting_s, _CLOUD_S)  # until then it is there for webhooks, and the operator signs a longer one
    expires_at = datetime.now(UTC) + timedelta(seconds=lasting_s)
    try:
        return _fitting(
            PublishedUrl(
                await signed_url(opened.store, opened.entry, opened.secret, opened.key, lasting_s), expires_at
            ),
            what,
        )
    except Exception:  # noqa: BLE001 - the output is there; and no word of the client is passed on
        log.warning("%s: the credentials of object store %s cannot sign its URL", what, opened.entry.name)
        return None


def _fitting(url: PublishedUrl, what: str) -> PublishedUrl | None:
    if len(url.url) > MAX_URL:
        log.warning("%s: its URL is longer than a status has", what)
        return None
    return url
