"""Replies of Redis, bounded while they are read.

Workers can write to their pool's keys without our scripts, and what is there may then be of any size. Who reads it
keeps no more than a bound of it in memory, whatever the command and wherever it stands in the reply. What is short is
read all the same, such as the ids of events, so that they can be taken away.
"""

from typing import Any, Final

from redis._parsers import _AsyncRESP2Parser
from redis.exceptions import ConnectionError as RedisConnectionError

LONGEST_TEXT: Final = 1024**2
"""In bytes: several times the longest that we write, an assignment. A longer one is read as the empty text."""

MAX_REPLY: Final = 32 * 1024**2
"""Of all texts of one reply, in bytes: a text that is beyond it is read as empty, unless it is short."""
SHORT_TEXT: Final = 256

MAX_ITEMS: Final = 100_000
"""Of all lists of one reply, several times what a snapshot of the largest pool has: a list beyond it is read as empty,
unless it is short."""
SHORT_LIST: Final = 16

_PIECE = 64 * 1024


class BoundedParser(_AsyncRESP2Parser):
    """Reads a reply within the bounds above.

    What is left half read ends its connection: so nothing is kept to begin again with, as the library's does.
    """

    def __init__(self, socket_read_size: int) -> None:
        super().__init__(socket_read_size)
        self._bytes_left = MAX_REPLY
        self._items_left = MAX_ITEMS

    async def read_response(self, disable_decoding: bool = False) -> Any:  # noqa: FBT001, FBT002 - the base class'
        """Read a reply; raises `redis.exceptions.ConnectionError` when the connection ends."""
        self._bytes_left, self._items_left = MAX_REPLY, MAX_ITEMS
        return await super().read_response(disable_decoding)

    async def _readline(self) -> bytes:
        line = await super()._readline()
        self._chunks.clear()
        if not line.startswith(b"*"):
            return line
        count = int(line[1:])
        if count > max(SHORT_LIST, self._items_left):
            for _ in range(count):
                await self._read_response(disable_decoding=True)
            return b"*0"
        self._items_left -= max(0, count)
        return line

    async def _read(self, length: int) -> bytes:
        if length > max(SHORT_TEXT, min(LONGEST_TEXT, self._bytes_left)):
            await self._skip(length + len(b"\r\n"))
            return b""
        self._bytes_left -= length
        text: bytes = await super()._read(length)
        self._chunks.clear()
        return text

    async def _skip(self, count: int) -> None:
        """Drop so many bytes of what comes, a piece at a time."""
        while count:
            piece = await self._stream.read(min(count, _PIECE)) if self._stream else b""
            if not piece:
                raise RedisConnectionError("Redis closed the connection")
            count -= len(piece)
