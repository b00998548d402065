"""Whatever anyone may write into a pool's queues, the operator runs on, and serves those whom it does not concern.

The queues are in a real Redis, the API server is the fake. Left out is what no reader can mend: members of the backlog
out of order, and keys of another type than theirs.
"""

import asyncio
import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.operator.conftest import eventually
from tests.redis_server import redis_server
from tests.unit.decide.build import POOL_SPEC, SPEC
from videojob_contract.api_paths import RENDERPOOLS, VIDEOJOBS
from videojob_contract.assignment import Result
from videojob_contract.queue.connection import connect
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import Claim, PoolKey
from videojob_contract.queue.worker import WorkerQueue
from videojob_contract.resources import API_VERSION
from videojob_operator import metrics
from videojob_operator.act import queues
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.config import Settings
from videojob_operator.handlers.watches import DELETED
from videojob_operator.operator import Operator
from videojob_operator.queue_listener import UnreadableListener
from videojob_operator.watched import WATCHED, Watched

POOL = PoolKey("team", "default")
KEYS = Keys(POOL)
PATIENCE_S = 60.0
VICTIM = "<victim>"
"""Stands for the uid of a VideoJob of the same pool."""

Poison = tuple[Any, ...]
"""A Redis command, with a key's name within the pool in the place of the key."""


class Scene:
    """An operator in this process, and those who use it."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.redis = connect(url)
        self.server = FakeApiServer()
        self.users = FakeKubernetes(self.server)
        self._number = 0
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        await self._create(RENDERPOOLS, "RenderPool", "default", POOL_SPEC | {"minIdle": 0, "maxWorkers": 0})
        operator = Operator(
            Settings(resync_s=3),
            FakeKubernetes(self.server),
            lambda pool, token: OperatorQueue(pool, self.redis, token=token, on_unreadable=UnreadableListener(pool)),
            lambda: datetime.now(UTC),
        )
        await operator.fill()
        self._tasks = [asyncio.create_task(operator.run())]
        self._tasks += [asyncio.create_task(self._deliver(operator, watched)) for watched in WATCHED]

    async def _deliver(self, operator: Operator, watched: Watched[Any, Any]) -> None:
        watch = self.server.watch(watched.resource, selector=watched.selector)
        while True:
            event = await watch.next()
            operator.informer.handle(watched, event.object, deleted=event.type == DELETED)

    async def _create(self, resource: Any, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
        created = await self.users.create(resource, POOL.namespace, body)
        assert created is not None
        return created

    async def apply(self, name: str) -> str:
        """Create a VideoJob; return its uid once it waits in its queue."""
        uid: str = (await self._create(VIDEOJOBS, "VideoJob", name, SPEC))["metadata"]["uid"]
        await self.until(lambda: self.status(name).get("phase") == "Queued", f"{name} is Queued")
        return uid

    def status(self, name: str) -> dict[str, Any]:
        """Return the status of a VideoJob."""
        found = [job for job in self.server.objects(VIDEOJOBS) if job["metadata"]["name"] == name]
        return found[0].get("status", {}) if found else {}

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds, while the operator runs."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    assert not self._tasks[0].done(), self._tasks[0]
                    await asyncio.sleep(0.01)
        assert holds(), f"{what}: {[job.get('status') for job in self.server.objects(VIDEOJOBS)]}"

    async def poison(self, poisons: list[Poison], victim: str) -> None:
        """Write, as a worker may."""
        for command, key, *args in poisons:
            put = [victim.encode().join(arg.split(VICTIM.encode())) if isinstance(arg, bytes) else arg for arg in args]
            await self.redis.execute_command(command, KEYS.fixed("events").replace("events", key), *put)  # type: ignore[no-untyped-call]

    async def work_until(self, name: str) -> None:
        """Be a worker, and then the next, until a VideoJob has succeeded."""
        while self.status(name).get("phase") != "Succeeded":
            self._number += 1
            queue = WorkerQueue(POOL, self.redis, f"pod-{self._number}", f"job-{self._number}")
            claim = await queue.claim(0.2)
            if isinstance(claim, Claim):
                given = claim.assignment
                await queue.finish(claim, Result(uid=given.uid, attempt=given.attempt, result="succeeded"))
            await asyncio.sleep(0.01)

    async def live(self, poisons: list[Poison], kind: str | None = None) -> None:
        """Poison the queues beside a VideoJob; another that comes then must succeed.

        If `kind` is given, something unreadable of this kind must be counted, too.
        """
        self._number += 1
        victim, bystander = f"victim-{self._number}", f"bystander-{self._number}"
        before, uid, failures = unreadable(kind), await self.apply(victim), part_failures()
        await self.poison(poisons, uid)
        if kind:
            await self.until(lambda: unreadable(kind) > before, f"an unreadable {kind} is counted")
        await self.apply(bystander)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self.work_until(bystander)
        await self.until(lambda: self.status(bystander).get("phase") == "Succeeded", f"{bystander} Succeeded")
        assert part_failures() == failures
        for name in (victim, bystander):
            await self.users.delete(VIDEOJOBS, POOL.namespace, name)

    def close(self) -> None:
        """End everything."""
        self.runner.run(self._end())
        self.runner.close()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.redis.aclose()


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """Keep one operator for all: what one poison leaves behind is there for the next."""
    with redis_server() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(queues, "TICK_S", 0.2)
        scene = Scene(url)
        yield scene
        scene.close()


def unreadable(kind: str | None) -> float:
    labels = {"namespace": POOL.namespace, "pool": POOL.name, "kind": kind}
    return metrics.REGISTRY.get_sample_value("videojob_queue_unreadable_total", labels) or 0.0


def part_failures() -> float:
    (found,) = (metric for metric in metrics.REGISTRY.collect() if metric.name == "videojob_part_failures")
    return sum(sample.value for sample in found.samples if sample.name.endswith("_total"))


async def none_left(scene: Scene) -> bool:
    return not await scene.redis.xlen(KEYS.fixed("events"))


def of_json(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


CLAIMED = {
    "state": "claimed",
    "attempt": 1,
    "queue": "default",
    "token": "t",
    "worker": "w",
    "job": "j",
    "claimed_at": 1_700_000_000_000,
}
TELLING: dict[str, tuple[str, list[Poison]]] = {
    "event without its fields": ("event", [("XADD", "events", "*", "type", "claimed")]),
    "event with a text for a number": (
        "event",
        [("XADD", "events", "*", "type", "claimed", "uid", "u", "attempt", "x", "worker", "w", "job", "j")],
    ),
    "event that is no text": ("event", [("XADD", "events", "*", b"type", b"\xff\xfe", b"\xff", b"\xff")]),
    "lease of what is no record": (
        "entry",
        [("HSET", "entries", b"evil", b'{"state":"claimed"}'), ("ZADD", "leases", "1", b"evil")],
    ),
    "record that is no JSON": (
        "entry",
        [("HSET", "entries", b"<victim>", b"\xff{"), ("ZADD", "leases", "1", b"<victim>")],
    ),
    "record of numbers beyond all": (
        "entry",
        [
            ("HSET", "entries", b"e", of_json(**CLAIMED | {"claimed_at": 10**300})),
            ("ZADD", "leases", "-inf", b"e"),
        ],
    ),
    "record of a newer version": (
        "entry",
        [("HSET", "entries", b"<victim>", of_json(**CLAIMED, v=2)), ("ZADD", "leases", "1", b"<victim>")],
    ),
    "worker that is none": ("worker", [("HSET", "workers", b"w", b"[]"), ("ZADD", "seen", "+inf", b"w")]),
    "result that is none": (
        "result",
        [
            ("HSET", "entries", b"<victim>", of_json(**CLAIMED)),
            ("HSET", "results", b"<victim>", b'{"uid":"<victim>","attempt":1,"result":"succeeded","renderS":NaN}'),
            ("ZADD", "leases", "1", b"<victim>"),
        ],
    ),
    "progress that is none": (
        "progress",
        [
            ("HSET", "entries", b"<victim>", of_json(**CLAIMED)),
            ("HSET", "progress", b"<victim>", b"\xff" * 300_000),
            ("ZADD", "leases", "1", b"<victim>"),
        ],
    ),
}


@pytest.mark.parametrize(("kind", "poisons"), TELLING.values(), ids=TELLING)
def test_what_cannot_be_read_is_counted_and_harms_no_other(scene: Scene, kind: str, poisons: list[Poison]) -> None:
    scene.runner.run(scene.live(poisons, kind))


def test_an_event_that_cannot_be_read_is_acknowledged(scene: Scene) -> None:
    scene.runner.run(scene.live([("XADD", "events", "*", "type", "claimed")]))

    scene.runner.run(eventually(lambda: none_left(scene), "the stream is empty"))


NUMBERS = st.sampled_from([0, 1, -1, 1.5, 10**15, 10**30, 1e308, math.inf, math.nan, True, None])
WORDS = st.sampled_from(
    ["", "default", "claimed", "queued", "pod-1", "x" * 300, "a:b:c", "\x00", "\ud800", "é", VICTIM]
)
VALUES = st.one_of(NUMBERS, WORDS, st.text(max_size=5), st.lists(NUMBERS, max_size=2))
STATES = st.sampled_from(
    ["queued", "claimed", "finished", "released", "cancelled", "forgotten", "idle", "busy", "retiring", "retired", "?"]
)
RECORDS = st.fixed_dictionaries(
    {"state": STATES},
    optional=dict.fromkeys(
        ("v", "attempt", "queue", "member", "queued_at", "claimed_at", "token", "worker", "job", "stage", "cancelling"),
        VALUES,
    )
    | {"since": VALUES, "uid": VALUES, "extra": VALUES},
)
NEARLY = st.dictionaries(st.sampled_from(sorted(CLAIMED)), VALUES, max_size=2).map(lambda odd: CLAIMED | odd)
SAID = st.dictionaries(
    st.sampled_from(
        ["uid", "attempt", "result", "outputs", "reason", "message", "renderS", "videoS", "stage", "percent"]
    ),
    VALUES,
)
JSON = st.one_of(RECORDS, NEARLY, SAID, VALUES).map(lambda value: json.dumps(value).encode())
BYTES = st.one_of(JSON, st.binary(max_size=8), st.just(b"[" * 5000), st.just(b"x" * 400_000))
FIELDS = st.one_of(
    st.just(VICTIM.encode()), st.sampled_from([b"u", b"default", b"low", b"pod-1"]), st.binary(max_size=6)
)
SCORES = st.sampled_from(["-inf", "+inf", "0", "1", "1e308", "1700000000000", "-1.5"])
EVENT_FIELDS = st.dictionaries(
    st.sampled_from([b"uid", b"attempt", b"worker", b"job", b"result", b"type", b"\xff"]),
    st.one_of(BYTES, st.sampled_from([b"1", VICTIM.encode(), b"pod-1"])),
    min_size=1,
)
TYPES = st.one_of(
    st.sampled_from([b"claimed", b"stage", b"finished", b"registered", b"retired"]), st.binary(max_size=4)
)
POISONS = st.one_of(
    st.builds(
        lambda kind, fields: ("XADD", "events", "*", "type", kind, *(part for item in fields.items() for part in item)),
        TYPES,
        EVENT_FIELDS,
    ),
    st.tuples(
        st.just("HSET"),
        st.sampled_from(["entries", "payloads", "progress", "results", "workers", "weights", "passes"]),
        FIELDS,
        BYTES,
    ),
    st.tuples(st.just("ZADD"), st.sampled_from(["leases", "seen", "tombstones"]), SCORES, FIELDS),
    st.tuples(
        st.just("ZADD"),
        st.just("backlog"),
        st.just("0"),
        st.one_of(FIELDS, FIELDS.map(lambda uid: b"default:0000000000000000:" + uid), st.just(b"default:")),
    ),
    st.tuples(st.just("RPUSH"), st.sampled_from(["wake", "signal:" + VICTIM, "mail:pod-1"]), BYTES),
)


@given(poisons=st.lists(POISONS, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_anywhere_leave_the_operator_running_and_a_bystander_completes(
    scene: Scene, poisons: list[Poison]
) -> None:
    scene.runner.run(scene.live(poisons))
