"""`volume://NAME/path`: files on the pool's volumes, read where they are.

No copy is made: a video of some gigabytes is open at once. What an overwritten file would do to the render is
found at the end (`Sources.check_unchanged`); a file that is replaced by renaming does no harm, since the old
one stays open.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason, VideoJobError
from videojob_contract.resources.uris import shown
from videojob_worker import errno_mapping
from videojob_worker.concurrency import undisturbed
from videojob_worker.safe_open import UnsafePathError, open_file, split_volume_uri

if TYPE_CHECKING:
    from videojob_worker.sources.base import Context


async def fetch(path: str, uri: str, context: Context) -> int:
    """Open a file of a volume.

    Raises:
        PermanentError: not found, not to be read, not a regular file, or too large.
        TransientError: the volume fails.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(_open, path, uri, context))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:  # the thread goes on, and nobody else would close what it opens
        with suppress(VideoJobError):
            os.close(await undisturbed(opening))
        raise


def _open(path: str, uri: str, context: Context) -> int:
    what = f"{path}: {shown(uri)}"
    try:
        name, names = split_volume_uri(uri)
        root = context.volumes.get(name)
        if root is None:
            raise PermanentError(f"{what}: the pool has no such volume", Reason.SOURCE_NOT_FOUND)
        fd = open_file(root, names)
    except UnsafePathError as error:
        raise PermanentError(f"{what}: {error}", Reason.SOURCE_FORBIDDEN) from error
    except OSError as error:
        raise errno_mapping.of_source(error, what) from error
    size = os.fstat(fd).st_size
    if size > context.limits.max_source_bytes:
        os.close(fd)
        raise PermanentError(
            f"{what}: {size} bytes, more than the pool's limit of {context.limits.max_source_bytes}",
            Reason.SOURCE_TOO_LARGE,
        )
    return fd
