"""What waits is counted as it changes, whatever comes in which order; and what is learnt outlasts an operator."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.work import LearntRates
from videojob_operator.cache import Cache
from videojob_operator.decide.backlog import Load
from videojob_operator.rate_book import RateBook
from videojob_operator.records import VideoJobKey

POOL = PoolKey("team", "default")
STEPS = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from(["Pending", "Queued", "Running", "Succeeded", "gone"]),
    st.sampled_from(["high", "low"]),
    st.floats(0, 1e9),
)


@given(st.lists(STEPS, max_size=30))
def test_the_loads_are_those_of_what_is_queued(steps):
    cache, there = Cache(), {}
    for version, (name, phase, queue, seconds) in enumerate(steps, 1):
        metadata = {"namespace": "team", "name": name, "uid": name, "generation": 1, "resourceVersion": str(version)}
        if phase == "gone":
            cache.videojobs.remove(VideoJobKey("team", name))
            there.pop(name, None)
            continue
        status = {"phase": phase, "predicted": {"seconds": seconds, "memoryBytes": 1}}
        cache.videojobs.put({"metadata": metadata, "spec": {"queue": queue}, "status": status})
        there[name] = (phase, queue, round(seconds * 1000))
    wanted: defaultdict[str, list[int]] = defaultdict(list)
    for phase, queue, milliseconds in there.values():
        if phase == "Queued":
            wanted[queue].append(milliseconds)
    loads = {queue: Load(len(each), sum(each) / 1000) for queue, each in wanted.items()}
    assert cache.loads.of(POOL) == loads
    assert sum(cache.loads.counts()) == sum(load.count for load in loads.values())


def test_what_is_learnt_is_taken_from_the_status_and_not_from_outdated_workers():
    book = RateBook()
    book.learn(POOL, "new", {"still": 2.0})
    assert book.of(POOL, None) == LearntRates()  # not served yet: what the status says comes first

    written = LearntRates.model_validate({"template": "new", "rates": [{"of": "still", "ratios": [4.0, 4.0]}]})
    assert book.of(POOL, written) == written
    assert book.serve(POOL, "new", written) == written
    book.learn(POOL, "old", {"still": 64.0})
    assert book.of(POOL, None) == written
    book.learn(POOL, "new", {"still": 3.0})
    assert book.serve(POOL, "new", written).rates[0].ratios == (4.0, 4.0, 3.0)
    book.forget(POOL)
    assert book.of(POOL, None) == LearntRates()
