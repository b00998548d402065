"""Old objects below a prefix of a store, and uploads to there that were never completed, removed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_worker.storage.base import CLEANED_MARKER, CLEANED_S
from videojob_worker.storage.objects import opening
from videojob_worker.storage.objects.failures import Purpose, converted
from videojob_worker.storage.objects.opening import OpenStore, open_store
from videojob_worker.storage.objects.sweeping import sweep_below

if TYPE_CHECKING:
    from videojob_worker.storage.base import UploadsContext

_PAGE = 1000
"""Keys that are listed, and removed, at a time."""
_MOST_KEYS = 100_000


async def remove_old_objects(prefix: str, context: UploadsContext) -> int:
    """Remove what is older below a prefix; return how many objects. See `RemoveOld`.

    Raises:
        VideoJobError: the store cannot be opened, or does not let it.
    """
    what, forbidden = "storage.uploads", Reason.OUTPUT_FORBIDDEN
    opened = open_store(what, prefix.rstrip("/"), context.objects, forbidden, opening.READING_SILENCE_S)
    if opened.entry.read_only:
        return 0
    with converted(Purpose(what, opened.entry, "cleaned", "listing and deleting", forbidden, forbidden)):
        return await _remove_below(opened, context) if await _claim(opened, context) else 0


async def _remove_below(opened: OpenStore, context: UploadsContext) -> int:
    import obstore  # noqa: PLC0415 - a worker is claimed before it needs this

    await sweep_below(opened, context.before)
    below, marker = f"{opened.key}/", f"{opened.key}/{CLEANED_MARKER}"
    seen = removed = 0
    async for page in obstore.list(opened.store, opened.key, chunk_size=_PAGE):
        old = [
            found["path"]
            for found in page
            if found["path"].startswith(below) and found["path"] != marker and found["last_modified"] < context.before
        ]
        if old:
            await obstore.delete_async(opened.store, old)
        seen, removed = seen + len(page), removed + len(old)
        if seen >= _MOST_KEYS:
            break
    return removed


async def _claim(opened: OpenStore, context: UploadsContext) -> bool:
    """Whether nobody has looked for an hour; then others leave it for one."""
    import obstore  # noqa: PLC0415 - as above

    marker = f"{opened.key}/{CLEANED_MARKER}"
    try:
        last = (await obstore.head_async(opened.store, marker))["last_modified"]
    except FileNotFoundError:
        pass
    else:
        if timedelta(0) <= context.now - last < timedelta(seconds=CLEANED_S):
            return False
    await obstore.put_async(opened.store, marker, b"", use_multipart=False)
    return True
