import asyncio

from tests.unit.virtual_time import virtual_time


@virtual_time
async def test_who_waits_until_a_moment_finds_that_it_has_come_whoever_else_waits():
    loop = asyncio.get_running_loop()
    due = loop.time() + 5e-10

    async def until_due(later: int) -> int:
        looks = 0
        for _ in range(later):
            await asyncio.sleep(0)
        while loop.time() < due:
            looks += 1
            assert looks < 10
            await asyncio.sleep(due - loop.time())
        return looks

    assert max(await asyncio.gather(*map(until_due, range(4)))) == 1
