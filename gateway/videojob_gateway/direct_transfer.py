"""Files straight between a connection's socket and whoever has them: what they hold passes no other hands.

Through the transport, h11 and ASGI's messages each byte would be copied six times, and each half megabyte cost a thread
and a turn of the event loop. The socket is a duplicate of the transport's, which neither reads nor writes meanwhile.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from videojob_gateway.threads import blocking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

PIECE_BYTES: Final = 4 * 1024 * 1024
"""Of a body, so much is given on at once, if it comes within `GATHER_S`: no more memory is taken than comes by then."""
GATHER_S: Final = 1.0
"""How long after its first byte a piece is given on that is not full."""
SEND_BYTES: Final = 4 * 1024 * 1024
"""So much is sent at most before others have their turn."""


class CutShortError(OSError):
    """A file ends before what was to be sent of it."""


@contextmanager
def own_socket(transport: asyncio.BaseTransport) -> Iterator[socket.socket]:
    """Give the socket of a transport under a number of its own: event loops let nobody else wait for a transport's.

    Raises:
        OSError: it is closed.
    """
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as connection:
        connection.setblocking(False)
        yield connection


async def send_part(connection: socket.socket, file: int, begin: int, end: int, patience_s: float) -> None:
    """Send a part of a file.

    Raises:
        TimeoutError: nothing of it was taken for so long.
        CutShortError: the file ends before.
        OSError: the connection has ended, or the file cannot be read.
    """
    at = begin
    while at < end:
        sent = await blocking(_send_some, connection.fileno(), file, at, end)
        at += sent
        if not sent:
            async with asyncio.timeout(patience_s):
                await _writable(connection)


async def receive_exactly(
    connection: socket.socket, size: int, took: Callable[[int], None]
) -> AsyncGenerator[memoryview, None]:
    """Yield so many bytes as they come, in pieces that are there until the next is asked for.

    Args:
        connection: where they come from.
        size: how many there are to come.
        took: is told of each number of bytes that was taken.

    Raises:
        ClientDisconnect: the connection has ended before.
    """
    buffer, left = memoryview(mmap.mmap(-1, min(PIECE_BYTES, size))), size  # in memory only where something was put
    while left:
        piece = buffer[:left]
        filled = await _fill(connection, piece, took)
        left -= filled
        yield piece[:filled]


async def _fill(connection: socket.socket, piece: memoryview, took: Callable[[int], None]) -> int:
    filled, until, now = 0, 0.0, asyncio.get_running_loop().time
    while filled < len(piece):
        try:
            count = connection.recv_into(piece[filled:])
        except BlockingIOError:
            if not filled:
                await _readable(connection)
            elif not await _is_readable_by(connection, until):
                break
            continue
        except OSError as error:
            raise ClientDisconnect from error
        if not count:
            if filled:
                break  # it says so again
            raise ClientDisconnect
        until = until or now() + GATHER_S
        filled += count
        took(count)
    return filled


async def _is_readable_by(connection: socket.socket, until: float) -> bool:
    try:
        async with asyncio.timeout_at(until):
            await _readable(connection)
    except TimeoutError:
        return False
    return True


def _send_some(connection: int, file: int, begin: int, end: int) -> int:
    """Send what there is room for; only the file is waited for."""
    at, end = begin, min(end, begin + SEND_BYTES)
    while at < end:
        try:
            sent = os.sendfile(connection, file, at, end - at)
        except BlockingIOError:
            break
        if not sent:
            raise CutShortError("the file was cut short")
        at += sent
    return at - begin


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    await _told(connection, loop.add_reader, loop.remove_reader)


async def _writable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    await _told(connection, loop.add_writer, loop.remove_writer)


async def _told(connection: socket.socket, add: Callable[..., None], remove: Callable[[int], bool]) -> None:
    came = asyncio.Event()
    add(connection.fileno(), came.set)
    try:
        await came.wait()
    finally:
        remove(connection.fileno())
