"""A pool looks at the Jobs that it can do something about, however many it has behind it."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.build import NOW, UID
from videojob_contract.queue.types import PoolKey
from videojob_operator.decide.types import WorkerJob
from videojob_operator.projections import ObjectKey
from videojob_operator.spent_jobs import SpentJobs
from videojob_operator.store import Index

POOLS = ("default", "other")


def job(pool: str, serial: int, *, spent: bool) -> WorkerJob:
    made = WorkerJob(f"{pool}-{serial}", f"uid-{serial}", pool, serial, "hash", UID, NOW)
    return replace(made, succeeded=1) if spent else made


@given(st.integers(0, 2**32))
def test_the_newest_is_the_newest_whatever_comes_and_goes_in_which_order(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - chance that can be repeated is what is wanted
    jobs, spent = dict[ObjectKey, WorkerJob](), SpentJobs()
    for _ in range(60):
        pool, serial = random.choice(POOLS), random.randrange(12)
        key = ObjectKey("ns", f"{pool}-{serial}")
        before = jobs.pop(key, None)
        if random.random() < 2 / 3:
            jobs[key] = job(pool, serial, spent=random.random() < 1 / 2)
        spent.follow(key, before, jobs.get(key))
        for name in POOLS:
            there = {each.serial: key for key, each in jobs.items() if each.is_spent and each.pool == name}
            assert spent.newest(PoolKey("ns", name)) == (there[max(there)] if there else None)


def test_an_index_of_what_is_not_spent_lets_go_of_what_becomes_so() -> None:
    live: Index[ObjectKey, WorkerJob, str] = Index(lambda _, each: None if each.is_spent else each.pool)
    key = ObjectKey("ns", "default-1")
    live.follow(key, None, job("default", 1, spent=False))
    assert live.of("default") == [key]
    live.follow(key, job("default", 1, spent=False), job("default", 1, spent=True))
    assert live.of("default") == []
