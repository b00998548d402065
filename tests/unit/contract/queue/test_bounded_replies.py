"""Replies are read as the library reads them, and never more of one than the bounds."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis._parsers import Encoder, _AsyncRESP2Parser
from redis.exceptions import ConnectionError as RedisConnectionError

from videojob_contract.queue import bounded_replies
from videojob_contract.queue.bounded_replies import LONGEST_TEXT, MAX_REPLY, BoundedParser

MIB = 1024**2
Reply = Any
replies = st.recursive(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=30,
)


def written(reply: Reply) -> bytes:
    match reply:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % reply
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(reply), reply)
    return b"*%d\r\n" % len(reply) + b"".join(map(written, reply))


def parser_of(kind: type[_AsyncRESP2Parser], stream: asyncio.StreamReader) -> Any:
    parser = kind(65536)
    encoder = Encoder(encoding="utf-8", encoding_errors="surrogateescape", decode_responses=True)
    parser.on_connect(SimpleNamespace(_reader=stream, encoder=encoder))
    return parser


async def read_by(kind: type[_AsyncRESP2Parser], data: bytes, pieces: list[int], count: int) -> list[Reply]:
    """Read replies of data that comes in pieces of these sizes, again and again."""
    stream = asyncio.StreamReader()

    async def feed() -> None:
        at = turn = 0
        while at < len(data):
            size = pieces[turn % len(pieces)]
            stream.feed_data(data[at : at + size])
            at, turn = at + size, turn + 1
            await asyncio.sleep(0)
        stream.feed_eof()

    feeding = asyncio.create_task(feed())
    parser = parser_of(kind, stream)
    found = [await parser.read_response() for _ in range(count)]
    await feeding
    return found


@given(st.lists(replies, min_size=1, max_size=4), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_what_is_within_the_bounds_is_read_as_the_library_does(said: list[Reply], pieces: list[int]) -> None:
    data = b"".join(map(written, said))
    ours, theirs = (asyncio.run(read_by(kind, data, pieces, len(said))) for kind in (BoundedParser, _AsyncRESP2Parser))
    assert ours == theirs


bounds = {"LONGEST_TEXT": 20, "MAX_REPLY": 60, "SHORT_TEXT": 5, "MAX_ITEMS": 12, "SHORT_LIST": 2}


def bounded(said: list[list[bytes]]) -> list[list[str]]:
    """Return what is read of lists of texts within these bounds."""
    bytes_left, items_left = bounds["MAX_REPLY"], bounds["MAX_ITEMS"] - len(said)
    found = []
    for texts in said:
        kept = []
        for text in texts:
            fits = len(text) <= max(bounds["SHORT_TEXT"], min(bounds["LONGEST_TEXT"], bytes_left))
            bytes_left -= len(text) if fits else 0
            kept.append(text.decode("utf-8", "surrogateescape") if fits else "")
        if fits := len(texts) <= max(bounds["SHORT_LIST"], items_left):
            items_left -= len(texts)
        found.append(kept if fits else [])
    return found


@given(
    st.lists(st.lists(st.binary(max_size=30), max_size=8), max_size=8),
    st.lists(st.integers(1, 50), min_size=1, max_size=5),
)
def test_what_is_beyond_a_bound_is_empty_and_the_rest_as_it_was(said: list[list[bytes]], pieces: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, bound in bounds.items():
            patch.setattr(bounded_replies, name, bound)
        found = asyncio.run(read_by(BoundedParser, written(said) + written([b"next"]), pieces, 2))
    assert found == [bounded(said), ["next"]]


@asynccontextmanager
async def served(parts: Iterator[bytes]) -> AsyncIterator[Any]:
    """Give a parser of what a server sends, which waits for it to be read."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield parser_of(BoundedParser, reader)
        writer.close()
        await writer.wait_closed()


def texts(count: int, length: int) -> Iterator[bytes]:
    yield b"*%d\r\n" % count
    for _ in range(count):
        yield b"$%d\r\n" % length
        for start in range(0, length, MIB):
            yield bytes(min(MIB, length - start))
        yield b"\r\n"
    yield b":7\r\n"


@pytest.mark.parametrize(("count", "length"), [(1, 200 * MIB), (200, LONGEST_TEXT), (50, LONGEST_TEXT + 1)])
async def test_no_reply_takes_more_memory_than_the_bound(count: int, length: int) -> None:
    async with served(texts(count, length)) as parser:
        tracemalloc.start()
        reply = await parser.read_response()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MAX_REPLY + 8 * MIB
        assert len(reply) == count
        assert await parser.read_response() == 7


async def test_a_list_of_too_many_items_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_replies, "MAX_ITEMS", 1000)

    def lists() -> Iterator[bytes]:
        yield b"*2\r\n$2\r\nid\r\n*%d\r\n" % 100_000
        for _ in range(100):
            yield b"$100\r\n%s\r\n" % (b"x" * 100) * 1000

    async with served(lists()) as parser:
        tracemalloc.start()
        assert await parser.read_response() == ["id", []]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MIB  # of ten


async def test_an_end_within_what_is_dropped_is_an_error() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"$9999999\r\nabc")
    stream.feed_eof()
    with pytest.raises(RedisConnectionError, match="closed"):
        await parser_of(BoundedParser, stream).read_response()
