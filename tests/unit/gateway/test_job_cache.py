"""The cache of VideoJobs, and what it shows of each."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.records import cache_of, manifest
from videojob_client.errors import UnavailableError
from videojob_client.watching import EventType, WatchEvent
from videojob_gateway import job_cache
from videojob_gateway.job_cache import JobCache, JobRecord
from videojob_gateway.job_view import listed_part

STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.integers(0, 3), st.booleans()))


@given(STEPS)
def test_whatever_comes_and_goes_it_has_each_once_in_order(steps):
    cache = JobCache()
    there: dict[str, JobRecord] = {}
    for uid, name, day, goes in steps:
        if goes:
            cache.remove(uid)
            there.pop(uid, None)
        else:
            there[uid] = JobRecord.of(manifest(name, uid=uid, at=f"2026-01-0{day + 1}T00:00:00Z"))
            cache.put(there[uid])
    aged = list(cache.oldest_first())
    assert sorted(record.uid for record in aged) == sorted(there)
    assert [(each.created_at, each.name) for each in aged] == sorted((each.created_at, each.name) for each in aged)
    assert list(cache.newest_first()) == aged[::-1]
    assert all(cache.of_uid(uid) is record for uid, record in there.items())


def test_lists_leave_out_what_is_rendered_and_what_is_long():
    failure = {"reason": "RenderFailed", "message": "no", "retryable": False, "log": "x" * 4000}
    job = manifest(
        "a",
        spec={"clips": [1], "parameters": {}, "notify": [{"url": "https://a"}], "user": "ana"},
        status={"phase": "Failed", "failure": failure, "template": {}, "history": [], "notifications": [], "new": 1},
    )
    shown = json.loads(JobRecord.of(job).shown)
    assert shown["spec"] == {"pool": "default", "queue": "default", "user": "ana"}
    assert shown["status"] == {
        "phase": "Failed",
        "progress": 0,
        "failure": {"reason": "RenderFailed", "message": "no", "retryable": False},
        "new": 1,
    }
    assert JobRecord.of(listed_part(job)) == JobRecord.of(job)


class Watched:
    """VideoJobs whose watch is told what to say, once each time that it begins."""

    def __init__(self, *watches):
        self._watches = list(watches)

    async def watch(self, keep, on_listed):
        if not self._watches:
            raise StopAsyncIteration
        listed, *changes = self._watches.pop(0)
        if listed is None:
            raise UnavailableError("no answer")
        for each in listed:
            yield WatchEvent(EventType.ADDED, told(keep(each)))
        on_listed("7")
        for kind, each in changes:
            yield WatchEvent(kind, told(keep(each)))
        raise UnavailableError("it ended")


def told(each):
    return SimpleNamespace(metadata=SimpleNamespace(uid=each["metadata"]["uid"], resource_version="1"), manifest=each)


async def test_what_a_new_watch_does_not_tell_of_is_gone(monkeypatch):
    monkeypatch.setattr(job_cache, "RETRY_S", 0)
    a, b, c = manifest("a"), manifest("b"), manifest("c")
    watched = Watched((None,), ([a, b], (EventType.ADDED, c), (EventType.DELETED, a)), ([b],))
    cache = JobCache()
    with pytest.raises(RuntimeError):
        await cache.run(watched)
    assert cache.listed.is_set()
    assert [record.name for record in cache.oldest_first()] == ["b"]


async def test_what_was_deleted_before_it_looked_nobody_knows(monkeypatch):
    monkeypatch.setattr(job_cache, "RETRY_S", 0)
    cache = JobCache()
    with pytest.raises(RuntimeError):
        await cache.run(Watched(([manifest("a")], (EventType.DELETED, manifest("b")))))
    assert cache.changes_since(6) is None
    assert cache.changes_since(7) == []
    assert cache.changes_since(8) is None  # another replica has told of more


def test_what_a_list_finds_deleted_was_so_nobody_knows_when():
    cache = cache_of(manifest("a"), manifest("b"))
    cache.put(
        record := JobRecord.of(manifest("c") | {"metadata": manifest("c")["metadata"] | {"resourceVersion": "9"}})
    )
    cache.remove("uid-a", 1)  # its last version, as a further list has it
    assert cache.changes_since(record.version) is None


async def test_what_was_written_is_waited_for_until_it_is_known(monkeypatch):
    cache = cache_of(manifest("a"))
    waiting = asyncio.create_task(cache.reach(lambda: cache.knows("uid-b", 2)))
    await asyncio.sleep(0)
    cache.put(JobRecord.of(manifest("a")))
    await asyncio.sleep(0)
    assert not waiting.done()
    known = manifest("b")
    known["metadata"]["resourceVersion"] = "2"
    cache.put(JobRecord.of(known))
    await asyncio.wait_for(waiting, 0.1)
    monkeypatch.setattr(job_cache, "LAG_S", 0.01)
    await cache.reach(lambda: cache.knows("uid-c", 3))
    assert not cache.knows("uid-c", 3)


def test_a_name_that_is_used_again_is_of_another():
    cache = cache_of(manifest("a", uid="1"), manifest("a", uid="2"))
    cache.remove("1")
    assert [record.uid for record in cache.oldest_first()] == ["2"]
