"""Publishing: where outputs go. One module a scheme, one registry.

An output is *staged* (its files copied to its destination under temporary names, its digest taken on the way) and then
*committed* at once, its main file last. All outputs are staged before the first is committed, so that the last look at
the lease comes right before the moment that counts, and an attempt that is stopped leaves nothing.

To add a scheme: a module with a `stage`, a line in `PUBLISHERS`, and the scheme in
`videojob_contract.support`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason
from videojob_worker.publish import volume

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from videojob_worker.publish.base import Destination, Piece, Staged

PUBLISHERS: Mapping[str, Callable[[Sequence[Piece], Destination], Awaitable[Staged]]] = {"volume": volume.stage}
"""By scheme: what publishes.

`stage(pieces, destination)` copies, or raises a `VideoJobError` that names the destination.
"""


async def stage(pieces: Sequence[Piece], destination: Destination) -> Staged:
    """Copy the files of a finished output to where they go, under temporary names.

    Args:
        pieces: its files, the main file last.
        destination: where that goes.

    Raises:
        VideoJobError: naming field and URI.
    """
    scheme = destination.uri.partition("://")[0]
    publisher = PUBLISHERS.get(scheme)
    if publisher is None:
        raise PermanentError(f"{destination}: {scheme}:// is not supported yet", Reason.NOT_SUPPORTED)
    return await publisher(pieces, destination)
