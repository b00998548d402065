"""The operator in a small world: all of it but kopf, on the fake API server and the fake queue, in virtual time.

What must hold is checked as it happens, at the API server and at the queue: whatever the operator believes, only what
it writes there counts. What is found is raised by `check`, as the operator would only try again.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from tests.unit.decide.build import POOL_SPEC, SPEC
from tests.unit.operator.node import Node, Worker
from tests.unit.virtual_time import VirtualLoop
from videojob_contract.api_paths import EVENTS, JOBS, RENDERPOOLS, VIDEOJOBS, Resource
from videojob_contract.assignment import Assignment
from videojob_contract.errors import Reason
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.fake import FakeOperatorQueue, FakeServer
from videojob_contract.queue.fake.state import Pool as PoolState
from videojob_contract.queue.types import DEFAULT_DEMAND, GRACE_S, Demand, Enqueued, PoolKey, QueueEntry, WorkerState
from videojob_contract.resources import API_VERSION
from videojob_contract.resources.status import Phase, VideoJobStatus
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes, Watch
from videojob_operator.act.kubernetes import Object
from videojob_operator.config import Settings
from videojob_operator.decide.attempt import current_number
from videojob_operator.decide.rerun import is_wanted
from videojob_operator.decide.retry import INTERRUPTION_LIMIT
from videojob_operator.handlers.watches import DELETED
from videojob_operator.operator import Operator
from videojob_operator.records import VideoJobKey
from videojob_operator.watched import WATCHED, Watched

POOL = PoolKey("team", "default")
START_S = 1_767_268_800  # 2026-01-01T12:00Z
RESTART_S = 1.0
RESYNC_S = 20.0
LOOKS_PER_S = 50
"""How often the operator may look at one VideoJob within a second."""
RETRY = {"limit": 3, "backoff": {"initial": "1s", "max": "4s"}}
LEGAL = {
    Phase.PENDING: set(Phase),
    Phase.QUEUED: set(Phase),
    Phase.RUNNING: set(Phase) - {Phase.QUEUED},
    Phase.SUCCEEDED: {Phase.SUCCEEDED},
    Phase.FAILED: {Phase.FAILED},
    Phase.CANCELLED: {Phase.CANCELLED},
}
T = TypeVar("T")


class Client(FakeKubernetes):
    """The operator's client: it may crash before any request."""

    def __init__(self, world: "World") -> None:
        super().__init__(world.server)
        self._world = world

    async def _send(self, *request: Any) -> tuple[int, bytes]:
        await self._world.step()
        return await super()._send(*request)


class Queue(FakeOperatorQueue):
    """The operator's end of the queue: it may crash before any change of it, and be cut off from it alone."""

    def __init__(self, world: "World", token: Callable[[], int | None]) -> None:
        self._world = world
        super().__init__(POOL, world.redis, token=token)

    @property
    def _state(self) -> PoolState:
        if self._world.operator_cut_off:
            raise QueueUnavailableError("the operator is cut off from the queue")
        return super()._state

    async def entry(self, uid: str) -> QueueEntry | None:
        await self._world.looked(uid)
        return await super().entry(uid)

    async def enqueue(
        self,
        queue: str,
        assignment: Assignment,
        since: datetime | None = None,
        demand: Demand = DEFAULT_DEMAND,
        *,
        again: bool = False,
    ) -> Enqueued:
        await self._world.step()
        is_fresh = self._world.may_enqueue(assignment)
        answer = await super().enqueue(queue, assignment, since, demand, again=again)
        self._world.expect(answer.accepted or not is_fresh, f"{assignment.uid} was refused as {answer.state}")
        return answer

    async def withdraw(self, uid: str, attempt: int) -> bool:
        await self._world.step()
        return await super().withdraw(uid, attempt)

    async def release(self, uid: str, attempt: int) -> None:
        await self._world.step()
        await super().release(uid, attempt)

    async def cancel(self, uid: str) -> Any:
        await self._world.step()
        return await super().cancel(uid)

    async def forget(self, uid: str) -> None:
        await self._world.step()
        await super().forget(uid)

    async def retire(self, worker: str) -> bool:
        await self._world.step()
        return await super().retire(worker)


class World:
    """One pool and its VideoJobs, users, a node, and an operator that comes and goes."""

    def __init__(self, **pool: Any) -> None:
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._loop = self._runner.get_loop()
        self.server = FakeApiServer(self.clock)
        self.redis = FakeServer(self.clock)
        self.users = FakeKubernetes(self.server)
        self.client = Client(self)
        self.node = Node(self.server, self.redis, POOL, self.claimed)
        self.pool = POOL_SPEC | {"idleTimeout": "20s"} | pool
        self.watches: dict[Resource, Watch] = {}
        self.writes: Counter[str] = Counter()
        """Changes of each VideoJob's status, by uid."""
        self.told: defaultdict[str, list[str]] = defaultdict(list)
        """Reasons of the Events about each object, by uid."""
        self.begun_again: Counter[str] = Counter()
        """How often each VideoJob was rendered once more."""
        self.phases: defaultdict[str, list[str]] = defaultdict(list)
        """The phases of each VideoJob, in order."""
        self._violations: list[str] = []
        self._looks: Counter[tuple[str, int]] = Counter()
        self._applied = 0
        self._deleted: set[str] = set()
        self._crash_after: int | None = None
        self.operator_cut_off = False
        """Whether the operator cannot reach the queue, which workers may."""
        self.run(self._begin())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in this world."""
        return self._runner.run(work)

    def close(self) -> None:
        """End everything."""
        self._runner.close()

    def clock(self) -> float:
        """Return the time, in seconds since 1970."""
        return START_S + self._loop.time()

    @property
    def now(self) -> datetime:
        """The time."""
        return datetime.fromtimestamp(self.clock(), UTC)

    async def _begin(self) -> None:
        await self._create(RENDERPOOLS, "RenderPool", "default", self.pool)
        self._tasks = [
            asyncio.create_task(work)
            for work in (self._check_videojobs(), self._check_jobs(), self._note_events(), self.node.run())
        ]
        self._operated = asyncio.create_task(self._operate())
        await asyncio.sleep(GRACE_S)

    # --- users

    def apply(self, **spec: Any) -> Object:
        """Create a VideoJob."""
        self._applied += 1
        return self.run(self._create(VIDEOJOBS, "VideoJob", f"video-{self._applied}", SPEC | {"retry": RETRY} | spec))

    def change(self, video: Object, **spec: Any) -> None:
        """Change the spec of a VideoJob."""
        self.run(self.users.patch(VIDEOJOBS, POOL.namespace, video["metadata"]["name"], {"spec": spec}))

    def delete(self, video: Object) -> None:
        """Delete a VideoJob."""
        self._deleted.add(video["metadata"]["uid"])
        self.run(self.users.delete(VIDEOJOBS, POOL.namespace, video["metadata"]["name"]))

    async def _create(self, resource: Resource, kind: str, name: str, spec: Object) -> Object:
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
        created = await self.users.create(resource, POOL.namespace, body)
        assert created is not None
        return created

    @property
    def videos(self) -> list[Object]:
        """Every VideoJob, as the API server has it."""
        return self.server.objects(VIDEOJOBS)

    def video(self, uid: str) -> Object | None:
        """Return a VideoJob by its uid."""
        return next((video for video in self.videos if video["metadata"]["uid"] == uid), None)

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.run(asyncio.sleep(seconds))
        self.check()

    # --- the operator

    async def _operate(self) -> None:
        """Run the operator, and start it again when it crashes."""
        while True:
            self._process = asyncio.create_task(self._work())
            await asyncio.wait([self._process])
            if not self._process.cancelled():
                self.expect(False, f"the operator ended: {self._process.exception()!r}")
            await asyncio.sleep(RESTART_S)

    async def _work(self) -> None:
        settings = Settings(resync_s=RESYNC_S)
        operator = self.operator = Operator(
            settings, self.client, lambda _, token: Queue(self, token), lambda: self.now
        )
        self.watches = {
            watched.resource: self.server.watch(watched.resource, selector=watched.selector) for watched in WATCHED
        }
        try:
            await operator.fill()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(operator.run())
                for watched in WATCHED:
                    tasks.create_task(self._deliver(operator, watched, self.watches[watched.resource]))
        finally:
            for watch in self.watches.values():
                self.server.unwatch(watch)

    @staticmethod
    async def _deliver(operator: Operator, watched: Watched[Any, Any], watch: Watch) -> None:
        """Do as kopf does."""
        while True:
            event = await watch.next()
            operator.watch_delivered(watched.resource.plural)
            operator.informer.handle(watched, event.object, deleted=event.type == DELETED)

    def crash(self, after: int) -> None:
        """Have the operator crash before so many more things that it does, or now."""
        if after:
            self._crash_after = after
        else:
            self._process.cancel()

    async def step(self) -> None:
        """Crash, if it is time: the operator is about to do something."""
        if self._crash_after is None:
            return
        self._crash_after -= 1
        if self._crash_after <= 0:
            self._crash_after = None
            self._process.cancel()
            await asyncio.sleep(3600)  # it gets no further

    def settle(self) -> None:
        """Let all faults end and every worker succeed, until nothing is left to do."""
        self._crash_after = None
        self.redis.available, self.redis.full, self.operator_cut_off = True, False, False
        self.client.recover()
        for watch in self.watches.values():
            watch.lose()  # what is held; the next resync is to find it
            watch.release()
        for worker in self.node.workers.values():
            worker.cut_off = False
        for video in self.videos:
            if video["spec"].get("suspend"):
                self.change(video, suspend=False)
        for _ in range(400):
            self.tick(1)
            if all(phase_of(v).is_final and not is_wanted(v["spec"], v["status"]) for v in self.videos):
                return  # nor is any to be rendered once more, as the next resync may find
            for worker in self.node.living(busy=True):
                if worker.claim and self.clock() - worker.claim.claimed_at.timestamp() > 3:
                    self.run(self.node.finish(worker, "succeeded"))
        raise AssertionError([video.get("status") for video in self.videos])

    # --- what must hold

    def expect(self, holds: bool, what: str) -> None:  # noqa: FBT001 - as of assert
        """Note what does not hold."""
        if not holds:
            self._violations.append(what)

    def check(self) -> None:
        """Raise what did not hold."""
        assert not self._violations, self._violations

    async def looked(self, uid: str) -> None:
        """Count a look at a VideoJob; one after the other without end is none too many in no time."""
        second = (uid, int(self.clock()))
        self._looks[second] += 1
        if self._looks[second] > LOOKS_PER_S:
            self.expect(False, f"{uid} is looked at again and again")
            await asyncio.sleep(1)

    def looks(self) -> int:
        """Return how often the operator has looked at VideoJobs."""
        return self._looks.total()

    def claimed(self, uid: str, worker: Worker) -> None:
        """Check a claim that was made."""
        known = self.operator.cache.job
        others = [
            other
            for other in self.node.rendering(uid)
            # One that was lost may be at work yet only if the operator does not know its Job, which it is to delete.
            if other is not worker and (not other.disturbed or known(POOL.namespace, other.job) is not None)
        ]
        self.expect(not others, f"{uid} is claimed twice")
        video = self.video(uid)
        phase = phase_of(video) if video else Phase.PENDING
        self.expect(phase not in {Phase.SUCCEEDED, Phase.FAILED}, f"{uid} is claimed and {phase}")

    def may_enqueue(self, given: Assignment) -> bool:
        """Check an attempt that is to be enqueued; return whether the operator knows its VideoJob as it is."""
        entry = self.redis.state(POOL).records.get(given.uid)
        doubled = [worker for worker in self.node.rendering(given.uid) if not worker.disturbed]
        same = entry is not None and entry.entry.attempt == given.attempt
        self.expect(not doubled or same, f"attempt {given.attempt} of {given.uid} is enqueued, and another runs")
        video = self.video(given.uid)
        if video is None:
            return False
        known = self.operator.cache.videojobs.get(VideoJobKey(given.namespace, given.name))
        is_fresh = known is not None and str(known.version) == video["metadata"]["resourceVersion"]
        status = VideoJobStatus.model_validate(video.get("status", {}))
        number = current_number(status)
        right = given.attempt == number if is_fresh else given.attempt <= number
        self.expect(right, f"attempt {given.attempt} of {given.uid} is enqueued, and {number} is next")
        return is_fresh

    async def _check_videojobs(self) -> None:
        watch, known = self.server.watch(VIDEOJOBS), dict[str, Object]()
        while True:
            event = await watch.next()
            uid = event.object["metadata"]["uid"]
            old, new = known.get(uid, {}), event.object.get("status", {})
            if event.type == "DELETED":
                self.expect(uid in self._deleted, f"{uid} has no time to live, and was deleted")
            elif old != new:
                self.writes[uid] += 1
                self._check_status(uid, VideoJobStatus.model_validate(old), VideoJobStatus.model_validate(new))
            known[uid] = new

    def _check_status(self, uid: str, old: VideoJobStatus, new: VideoJobStatus) -> None:
        if self.phases[uid][-1:] != [new.phase]:
            self.phases[uid].append(new.phase)
        if old.phase.is_final and new.rerun > old.rerun:
            self.expect(new.phase is Phase.PENDING, f"{uid}: begins again as {new.phase}")
            self.begun_again[uid] += 1
            self.expect(new.earlier_attempts == new.attempts >= old.attempts, f"{uid}: attempts count on")
            return
        self.expect(new.phase in LEGAL[old.phase], f"{uid}: {old.phase} → {new.phase}")
        self.expect(not old.phase.is_final, f"{uid}: what is final stays")
        if old.phase is new.phase is Phase.RUNNING and old.attempts == new.attempts:
            self.expect(new.progress >= old.progress, f"{uid}: progress {old.progress} → {new.progress}")
        current = new.attempts - new.earlier_attempts - new.failures - new.interruptions
        self.expect(current in {0, 1}, f"{uid}: {new.attempts} attempts, {new.failures} + {new.interruptions} ended")
        self.expect(new.failures >= old.failures, f"{uid}: failures {old.failures} → {new.failures}")
        self.expect(new.interruptions >= old.interruptions, f"{uid}: interruptions {new.interruptions}")
        self.expect(new.failures <= 4, f"{uid}: {new.failures} failures")
        self.expect(new.interruptions <= INTERRUPTION_LIMIT + 1, f"{uid}: {new.interruptions} interruptions")
        early = all(condition.last_transition_time <= self.now for condition in new.conditions)
        self.expect(early, f"{uid}: a condition of the future")

    async def _check_jobs(self) -> None:
        watch, owners = self.server.watch(JOBS), dict[str, str]()
        while True:
            event = await watch.next()
            uid, references = event.object["metadata"]["uid"], event.object["metadata"]["ownerReferences"]
            for owner in (reference["uid"] for reference in references if reference["kind"] == "VideoJob"):
                self.expect(owners.setdefault(uid, owner) == owner, f"Job {event.key} was adopted twice")
            if event.type == "ADDED":
                working = [worker for worker in self.node.living() if self._works(worker)]
                at_most = self.pool.get("maxWorkers", 10)
                new = event.object["metadata"]["name"] not in self.node.workers
                self.expect(len(working) + new <= at_most, "more workers than the pool may have")

    def _works(self, worker: Worker) -> bool:
        """Whether a worker has all it needs to work, was not told to stop, and is known to the operator.

        One is not while both the answer to its creation was lost and the watch of Jobs is late.
        """
        if self.operator.cache.job(POOL.namespace, worker.job) is None:
            return False
        video = self.video(worker.claim.assignment.uid) if worker.claim else None
        told_to_stop = worker.claim is not None and (video is None or phase_of(video).is_final)
        if not self.redis.available or self.operator_cut_off:
            return not told_to_stop  # nobody knows who is retiring, or was lost
        known = self.redis.state(POOL).workers.get(worker.pod)
        told_to_stop |= known is not None and known.state is WorkerState.RETIRING
        return not (worker.disturbed or worker.cut_off or told_to_stop)

    async def _note_events(self) -> None:
        watch = self.server.watch(EVENTS)
        while True:
            event = (await watch.next()).object
            uid = event["regarding"]["uid"]
            reasons = self.told[uid]
            reasons.append(event["reason"])
            ends = [reason for reason in reasons if reason in {Reason.SUCCEEDED, Reason.CANCELLED}]
            lives = 1 + self.begun_again[uid]
            self.expect(len(ends) <= lives, f"{event['regarding']['name']} ended twice: {reasons}")


def phase_of(video: Object) -> Phase:
    """Return the phase of a VideoJob."""
    return Phase(video.get("status", {}).get("phase", Phase.PENDING))
