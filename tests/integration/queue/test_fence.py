"""An operator that another has followed changes nothing any more, in whatever it was held up."""

from collections.abc import Awaitable, Callable

import pytest

from tests.integration.queue.conftest import QUEUES, Backend, assignment, ready, result
from tests.integration.queue.test_properties import everything_in
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.errors import SupersededError
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.scripts import scripts

CHANGES: dict[str, Callable[[OperatorApi], Awaitable[object]]] = {
    "configure": lambda operator: operator.configure({"other": 1}),
    "enqueue": lambda operator: operator.enqueue("default", assignment("new")),
    "withdraw": lambda operator: operator.withdraw("waits", 1),
    "cancel": lambda operator: operator.cancel("waits"),
    "release": lambda operator: operator.release("runs", 1),
    "forget": lambda operator: operator.forget("runs"),
    "retire": lambda operator: operator.retire("pod-idle"),
    "acknowledge": lambda operator: operator.ack(["1-1"]),
}
NOT_FENCED = {
    "group": "makes the group that every operator reads in",
    "expired": "sweeps what is of no use to anyone",
    "entries": "reads",
    "snapshot": "reads",
    "scan": "reads",
    "room": "reads",
}


async def two(backend: Backend, first: int, second: int) -> tuple[OperatorApi, OperatorApi]:
    """Have a pool with work, and two operators with these tokens, of which the second has acted."""
    operator = await ready(backend)
    await operator.enqueue("default", assignment("runs"))
    worker, claim = await backend.claim()
    await operator.enqueue("default", assignment("waits"))
    await backend.worker("pod-idle").register()
    stale, successor = backend.operator(token=first), backend.operator(token=second)
    await successor.configure(QUEUES)
    assert await worker.finish(claim, result(claim)) or True
    return stale, successor


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_lower_token_changes_nothing(
    redis_backend: Backend, change: Callable[[OperatorApi], Awaitable[object]]
) -> None:
    stale, _ = await two(redis_backend, 3, 4)
    assert redis_backend.redis is not None
    before = await everything_in(redis_backend.redis, but_times=False)
    with pytest.raises(SupersededError) as refused:
        await change(stale)
    assert refused.value.highest == 4
    assert await everything_in(redis_backend.redis, but_times=False) == before


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_it_is_the_same_for_the_fake(
    backend: Backend, change: Callable[[OperatorApi], Awaitable[object]]
) -> None:
    stale, successor = await two(backend, 3, 4)
    with pytest.raises(SupersededError):
        await change(stale)
    await change(successor)
    await change(backend.operator(token=5))
    await change(backend.operator(token=None))


def test_every_script_of_the_operator_is_fenced_or_says_why_not() -> None:
    fenced = {name for name, script in scripts().items() if "fence" in script.keys}
    assert fenced == CHANGES.keys() | {"mark"}
    workers = {"register", "claim", "renew", "restore", "report", "finish"}
    assert scripts().keys() - fenced - workers == NOT_FENCED.keys()


async def test_a_redis_that_was_emptied_is_believed_by_whoever_serves_the_pool(backend: Backend) -> None:
    """Its predecessor may have marked it as known, in the moment before it was followed."""
    successor = await ready(backend)
    assert not await successor.ensure_epoch()
    await backend.flushall()
    assert await backend.operator().ensure_epoch()
    assert await successor.ensure_epoch()
    assert not await successor.ensure_epoch()


@pytest.mark.parametrize("poison", ["", "none", "1e300", "99999999999999999999"])
async def test_what_is_no_token_holds_nobody_up(redis_backend: Backend, poison: str) -> None:
    operator = await ready(redis_backend)
    assert redis_backend.redis is not None
    key = Keys(redis_backend.pool).fixed("fence")
    await redis_backend.redis.set(key, poison)
    await redis_backend.operator(token=1).configure(QUEUES)
    assert await redis_backend.redis.get(key) in {"1", poison}
    await operator.configure(QUEUES)
