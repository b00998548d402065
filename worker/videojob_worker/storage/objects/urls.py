"""Where an object can be downloaded, as its pool says: by a signed URL, or by that of a public bucket."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from videojob_contract.resources.status import MAX_URL

if TYPE_CHECKING:
    from videojob_worker.storage.objects.opening import OpenStore

log = logging.getLogger("videojob.outputs")


async def of(opened: OpenStore, what: str) -> str | None:
    """Return the URL of an object; None where the pool wants none, or its credentials cannot sign one."""
    wanted = opened.entry.urls
    if wanted is None:
        return None
    if wanted.public_base is not None:
        return _fitting(f"{wanted.public_base.rstrip('/')}/{quote(opened.key)}", what)
    import obstore  # noqa: PLC0415 - a worker is claimed before it needs this

    try:
        lasting = timedelta(seconds=float(wanted.presigned_for or 0))
        return _fitting(await obstore.sign_async(opened.store, "GET", opened.key, lasting), what)
    except Exception:  # noqa: BLE001 - the output is there; and no word of the client is passed on
        log.warning("%s: the credentials of object store %s cannot sign its URL", what, opened.entry.name)
        return None


def _fitting(url: str, what: str) -> str | None:
    if len(url) > MAX_URL:
        log.warning("%s: its URL is longer than a status has", what)
        return None
    return url
