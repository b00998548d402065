"""How much of uploads to stores a process has in memory, and that it makes one asset of one upload at a time."""

import asyncio
from contextlib import ExitStack

import pytest

from videojob_gateway.assets.store_parts import PART_BYTES
from videojob_gateway.assets.store_upload import MOST_FINISHED, MOST_OPEN, StoreLoad
from videojob_gateway.errors import BusyError, LockedError


def test_there_is_room_for_so_many_parts_and_again_when_one_is_let_go() -> None:
    load = StoreLoad()
    with ExitStack() as stack:
        for _ in range(MOST_OPEN - 1):
            stack.enter_context(load.gathering())
        with load.gathering(), pytest.raises(BusyError, match="ask again"), load.gathering():
            pass
        with load.gathering():
            pass


async def test_long_files_wait_for_their_turn_and_short_ones_for_none() -> None:
    load, let_go, begun = StoreLoad(), asyncio.Event(), []

    async def finish(identity: str, size_bytes: int) -> None:
        async with load.finishing(identity, size_bytes):
            begun.append(identity)
            await let_go.wait()

    long = [asyncio.create_task(finish(f"long {number}", PART_BYTES + 1)) for number in range(MOST_FINISHED + 1)]
    short = asyncio.create_task(finish("short", PART_BYTES))
    while "short" not in begun:  # noqa: ASYNC110 - tasks begin in the order in which they are made
        await asyncio.sleep(0)
    assert len(begun) == MOST_FINISHED + 1
    let_go.set()
    await asyncio.gather(*long, short)
    assert len(begun) == MOST_FINISHED + 2


async def test_of_an_upload_one_request_makes_an_asset() -> None:
    load = StoreLoad()
    async with load.finishing("a", 1):
        with pytest.raises(LockedError):
            async with load.finishing("a", 1):
                pass
        async with load.finishing("b", 1):
            pass
    async with load.finishing("a", 1):
        pass
