"""Where a day's counts are kept, on the fake API server: tests/integration has the real one."""

import pytest

from videojob_contract.api_paths import CONFIGMAPS
from videojob_contract.labels import DAYS_CONFIGMAP
from videojob_contract.queue.types import PoolKey
from videojob_operator.act.day_store import DayStore
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.errors import DayChangedError

ONE, OTHER = PoolKey("team", "one"), PoolKey("team", "other")


@pytest.fixture
def kubernetes() -> FakeKubernetes:
    return FakeKubernetes(FakeApiServer(lambda: 0.0))


async def test_pools_of_a_namespace_have_a_key_each(kubernetes: FakeKubernetes) -> None:
    days = DayStore(kubernetes)
    assert (await days.load(ONE), await days.load(OTHER)) == ("", "")
    await days.save(ONE, "1")
    await days.save(OTHER, "2")
    await days.save(ONE, "3")
    kept = await kubernetes.get(CONFIGMAPS, "team", DAYS_CONFIGMAP)
    assert kept
    assert kept["data"] == {"one": "3", "other": "2"}
    assert await DayStore(kubernetes).load(ONE) == "3"


async def test_who_was_overtaken_writes_nothing(kubernetes: FakeKubernetes) -> None:
    frozen, other = DayStore(kubernetes), DayStore(kubernetes)
    await frozen.load(ONE)
    await other.load(ONE)
    await other.save(ONE, "theirs")
    with pytest.raises(DayChangedError):
        await frozen.save(ONE, "ours")
    assert await frozen.load(ONE) == "theirs"
    await frozen.save(ONE, "ours")


async def test_one_that_is_deleted_is_made_anew(kubernetes: FakeKubernetes) -> None:
    days = DayStore(kubernetes)
    await days.load(ONE)
    await days.save(ONE, "1")
    await kubernetes.delete(CONFIGMAPS, "team", DAYS_CONFIGMAP)
    with pytest.raises(DayChangedError):
        await days.save(ONE, "2")
    assert await days.load(ONE) == ""
    await days.save(ONE, "2")
