"""Removes what clients uploaded when its time is over: after an attempt, by the worker that made it.

A marker beside the files says when that was done last, so that of all workers one looks in an hour. It needs no word
with the others: two that look at once do no harm.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from videojob_contract.errors import VideoJobError
from videojob_worker.storage import registry
from videojob_worker.storage.base import UploadsContext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from videojob_contract.resources.uploads import Uploads
    from videojob_worker.storage.base import ObjectAccess

log = logging.getLogger("videojob.uploads")

MOST_S = 15.0
"""How long it may take: what is left then is for the next time."""


async def remove_old_uploads(uploads: Uploads, volumes: Mapping[str, Path], objects: ObjectAccess) -> None:
    """Remove what is older than it may be, if nobody has just done so; whatever fails, the next hour does it."""
    now = datetime.now(UTC)
    context = UploadsContext(volumes, objects, now, now - timedelta(seconds=float(uploads.ttl)))
    try:
        async with asyncio.timeout(MOST_S):
            count = await registry.remove_old(uploads.prefix, context)
    except VideoJobError as error:
        log.warning("old uploads are not removed: %s", error.message)
    except Exception as error:  # noqa: BLE001 - whatever it is, the attempt has ended
        log.warning("old uploads are not removed: %s", type(error).__name__)
    else:
        if count:
            log.info("removed %d old uploads below %s", count, uploads.prefix)
