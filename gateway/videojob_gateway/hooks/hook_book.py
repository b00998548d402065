"""The VideoHooks of a namespace, listed again when they are asked for: by whoever asks, and however often."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from videojob_client.errors import ClientError, UnreadableError
from videojob_gateway.errors import HookFailsError, NoSuchHookError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from videojob_client import VideoHook, VideoHooks, VideoHookSpec

log = logging.getLogger(__name__)

FRESH_S: Final = 2.0
"""How long a list counts, whatever names are asked for."""


class HookBook:
    """What was listed last."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._listed_at = -FRESH_S
        self._hooks: Mapping[str, VideoHook] = {}
        self._failure: ClientError | None = None
        self._listing = asyncio.Lock()

    async def get(self, name: str, videohooks: VideoHooks) -> VideoHookSpec:
        """Return what a hook says.

        Raises:
            NoSuchHookError: there is none, or it takes nothing now.
            HookFailsError: it cannot be read.
            ClientError: the API server does not list them.
        """
        async with self._listing:
            if self._clock() - self._listed_at >= FRESH_S:
                await self._list(videohooks)
        if self._failure is not None:
            raise self._failure
        hook = self._hooks.get(name)
        try:
            if hook is None or hook.spec.suspend:
                raise NoSuchHookError
        except UnreadableError as error:
            log.error("the VideoHook %s cannot be read: %s", name, error)  # noqa: TRY400 - what is wrong is the object
            raise HookFailsError("the hook cannot be read; the gateway's log says why") from error
        return hook.spec

    async def _list(self, videohooks: VideoHooks) -> None:
        """List them, or keep why not: who waits for it meanwhile waits for nothing else."""
        try:
            self._hooks, self._failure = {hook.metadata.name: hook async for hook in videohooks.list()}, None
        except ClientError as error:
            self._failure = error
        self._listed_at = self._clock()
