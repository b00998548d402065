"""Whatever happens, in whatever order: every job ends once, and nothing runs twice."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.operator.world import POOL, World, phase_of
from videojob_contract.api_paths import JOBS, RENDERPOOLS, VIDEOJOBS
from videojob_contract.errors import FAILURE_CLASS, Reason
from videojob_contract.queue.fake import FakeWorkerQueue
from videojob_contract.resources.status import Phase
from videojob_operator.decide.naming import serial_of
from videojob_operator.watched import WATCHED

pytestmark = pytest.mark.timeout(600)
PICK = st.integers(0, 100)
WATCH = st.sampled_from([watched.resource for watched in WATCHED])
FEW = st.integers(1, 5)
WARM_S = 8
"""How long it takes until a first VideoJob runs."""
REPORT_S = 4
"""How long it takes until the status surely tells of progress."""
QUIET_S = 150
"""How long is looked at what the operator does when all is over; longer than its patience with workers that linger."""


class Story(RuleBasedStateMachine):
    """Users, workers, faults and an operator that comes and goes, in any order."""

    @initialize(max_workers=st.integers(1, 3), min_idle=st.integers(0, 2), videos=st.integers(0, 3))
    def begin(self, max_workers, min_idle, videos):
        self.world = World(maxWorkers=max_workers, minIdle=min(min_idle, max_workers), surge=3)
        for _ in range(videos):
            self.world.apply()
        self.world.tick(WARM_S)

    def video(self, pick):
        videos = self.world.videos
        return videos[pick % len(videos)]

    def worker(self, pick, *, busy=False):
        workers = self.world.node.living(busy=busy)
        return workers[pick % len(workers)] if workers else None

    # --- users

    @precondition(lambda self: len(self.world.videos) < 4)
    @rule(queue=st.sampled_from(["high", "default", "low"]), suspend=st.booleans())
    def apply(self, queue, suspend):
        self.world.apply(queue=queue, suspend=suspend)

    @precondition(lambda self: self.world.videos)
    @rule(pick=PICK, suspend=st.booleans())
    def suspend(self, pick, suspend):
        self.world.change(self.video(pick), suspend=suspend)

    @precondition(lambda self: self.world.videos)
    @rule(pick=PICK, queue=st.sampled_from(["high", "default", "low"]))
    def move(self, pick, queue):
        self.world.change(self.video(pick), queue=queue)

    @precondition(lambda self: self.world.videos)
    @rule(pick=PICK)
    def cancel(self, pick):
        self.world.change(self.video(pick), cancel=True)

    @precondition(lambda self: any(phase_of(video).is_final for video in self.world.videos))
    @rule(pick=PICK)
    def render_once_more(self, pick):
        finished = [video for video in self.world.videos if phase_of(video).is_final]
        video = finished[pick % len(finished)]
        self.world.node.succeeded.discard(video["metadata"]["uid"])
        self.world.change(video, rerun=video["spec"].get("rerun", 0) + 1, cancel=False)

    @precondition(lambda self: len(self.world.videos) > 2)
    @rule()
    def delete(self):
        self.world.delete(self.world.videos[-1])

    # --- time and the operator

    @rule(seconds=st.integers(1, 30))
    def pass_time(self, seconds):
        self.world.tick(seconds)

    @rule(seconds=st.integers(3, 12))
    def pass_some_time(self, seconds):
        self.world.tick(seconds)

    @rule(tenths=st.integers(1, 10))
    def pass_little_time(self, tenths):
        self.world.tick(tenths / 10)

    @rule(after=st.integers(0, 6))
    def crash(self, after):
        self.world.crash(after)

    # --- the API server

    @rule(watch=WATCH)
    def hold_watch(self, watch):
        self.world.watches[watch].hold()

    @rule(watch=WATCH)
    def release_watch(self, watch):
        self.world.watches[watch].release()

    @rule(watch=WATCH)
    def lose_events(self, watch):
        self.world.watches[watch].lose()

    @rule(watch=WATCH, seed=st.integers(0, 1000))
    def shuffle_events(self, watch, seed):
        self.world.watches[watch].shuffle(random.Random(seed))  # noqa: S311 - keeps no secret

    @rule(code=st.sampled_from([409, 429, 500]), times=FEW)
    def refuse(self, code, times):
        self.world.client.refuse(code, {409: "Conflict"}.get(code, "InternalError"), times=times)

    @rule(carried_out=st.booleans(), times=FEW)
    def lose_answers(self, carried_out, times):
        self.world.client.lose_answers(carried_out=carried_out, times=times)

    # --- workers

    @rule(pick=PICK, percent=st.floats(0, 100))
    def report(self, pick, percent):
        if worker := self.worker(pick, busy=True):
            self.world.run(self.world.node.report(worker, percent))
            self.world.tick(REPORT_S)

    @rule(pick=PICK)
    def succeed(self, pick):
        if worker := self.worker(pick, busy=True):
            self.world.run(self.world.node.finish(worker, "succeeded"))

    @rule(pick=PICK, reason=st.sampled_from(sorted(set(FAILURE_CLASS) - {Reason.CANCELLED})))
    def fail(self, pick, reason):
        if worker := self.worker(pick, busy=True):
            self.world.run(self.world.node.finish(worker, "failed", reason))

    @rule(pick=PICK, why=st.sampled_from(["OOMKilled", "Evicted", "Error", ""]), busy=st.booleans())
    def kill(self, pick, why, busy):
        if worker := self.worker(pick, busy=busy):
            self.world.run(self.world.node.exit(worker, 137, why=why))

    @rule(pick=PICK)
    def remove_job(self, pick):
        if worker := self.worker(pick):
            self.world.run(self.world.node.remove(worker))

    @rule(pick=PICK, cut_off=st.booleans(), busy=st.booleans())
    def cut_off(self, pick, cut_off, busy):
        if worker := self.worker(pick, busy=busy):
            worker.cut_off = cut_off
            worker.disturbed |= cut_off

    # --- Redis

    @rule(seconds=st.integers(0, 8))
    def flushall(self, seconds):
        if self.world.redis.available:
            self.world.redis.flushall()
            self.world.node.succeeded.clear()
            self.world.tick(seconds)

    @rule(available=st.booleans())
    def redis(self, available):
        self.world.redis.available = available

    @rule(cut_off=st.booleans(), seconds=st.integers(1, 45))
    def cut_the_operator_off(self, cut_off, seconds):
        self.world.operator_cut_off = cut_off
        self.world.tick(seconds if cut_off else 0)

    @rule(seconds=st.integers(25, 50))
    def be_without_redis(self, seconds):
        self.world.redis.available = False
        self.world.tick(seconds)

    @rule(full=st.booleans())
    def fill(self, full):
        self.world.redis.full = full

    # --- what holds always, and in the end

    @invariant()
    def nothing_was_violated(self):
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self):
        if not hasattr(self, "world"):
            return
        try:
            self.end()
        finally:
            self.world.close()

    def end(self):
        world, succeeded = self.world, set(self.world.node.succeeded)
        world.settle()
        for video in world.videos:
            assert {condition["type"] for condition in video["status"]["conditions"]} >= {"Finished"}
            if video["metadata"]["uid"] in succeeded:
                cancelled = phase_of(video) is Phase.CANCELLED and video["spec"].get("cancel")
                assert phase_of(video) is Phase.SUCCEEDED or cancelled, f"it was done: {video}"
        # Once all is over, nothing of it is left but the workers that are to wait warm.
        world.tick(1)
        told, writes, looks = {uid: list(of) for uid, of in world.told.items()}, dict(world.writes), world.looks()
        uids = {video["metadata"]["uid"] for video in world.videos}
        world.tick(QUIET_S)
        assert world.writes == writes
        assert {uid: world.told[uid] for uid in uids} == {uid: told.get(uid, []) for uid in uids}
        assert world.looks() - looks <= 20 * len(uids)
        assert len(world.node.living()) == min(world.pool["minIdle"], world.pool["maxWorkers"])
        state = world.redis.state(POOL)
        assert not {uid for uid, record in state.records.items() if record.state in {"queued", "claimed", "finished"}}


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


def test_a_status_that_the_api_server_finds_invalid_ends_its_job_and_no_other():
    world = World(minIdle=1)
    world.tick(5)
    refused, other = (world.apply()["metadata"]["uid"] for _ in range(2))
    world.tick(WARM_S)
    (worker,) = world.node.rendering(refused)
    world.client.refuse(422, "Invalid", message="status.outputs: too many", method="PATCH", resource=VIDEOJOBS, times=1)
    world.run(world.node.finish(worker, "succeeded"))
    world.tick(5)
    for worker in world.node.rendering(other):
        world.run(world.node.finish(worker, "succeeded"))
    world.tick(5)
    ended = world.video(refused)
    served = world.video(other)
    world.close()

    assert ended
    assert ended["status"]["failure"]["reason"] == "StatusRefused"
    assert "status.outputs: too many" in ended["status"]["message"]
    assert world.phases[refused] == [Phase.QUEUED, Phase.RUNNING, Phase.FAILED]
    assert served
    assert phase_of(served) is Phase.SUCCEEDED


@pytest.mark.parametrize(("overwrite", "phase"), [(False, Phase.FAILED), (True, Phase.RUNNING)])
def test_two_that_write_to_one_place_do_so_one_after_the_other_unless_told(overwrite, phase):
    world = World(minIdle=2)
    world.tick(WARM_S)

    def render():
        outputs = [{"name": "main", "format": "mp4", "uri": "volume://media/a.mp4", "overwrite": overwrite}]
        return world.apply(outputs=outputs)["metadata"]["uid"]

    first = render()
    world.tick(WARM_S)
    world.crash(0)  # a new operator knows it as well
    world.tick(WARM_S)
    second = render()
    world.tick(WARM_S)
    assert phase_of(world.video(first)) is Phase.RUNNING
    assert phase_of(world.video(second)) is phase
    for worker in world.node.living(busy=True):
        world.run(world.node.finish(worker, "succeeded"))
    world.tick(WARM_S)
    third = render()
    world.tick(WARM_S)
    assert phase_of(world.video(third)) is Phase.RUNNING
    world.close()


def test_without_redis_jobs_render_and_nothing_is_rendered_again_when_it_is_back():
    world = World(minIdle=1, maxWorkers=2)
    queued = [world.apply()["metadata"]["uid"] for _ in range(4)]
    world.tick(WARM_S)
    at_work = [uid for uid in queued if world.node.rendering(uid)]
    world.redis.available = False
    new = [world.apply()["metadata"]["uid"] for _ in range(2)]
    begun = list(at_work)
    for _ in range(60):
        world.tick(3)
        assert len(world.node.living()) <= 2
        for worker in world.node.living(busy=True):
            assert worker.claim
            begun += (
                [worker.claim.assignment.uid] if worker.carries and worker.claim.assignment.uid not in begun else []
            )
            world.run(world.node.finish(worker, "succeeded"))
    ended = [phase_of(world.video(uid)) for uid in queued + new]
    world.redis.available = True  # as it was: it still has what had waited in it
    world.tick(QUIET_S)
    left = world.redis.state(POOL)
    world.close()

    assert len(at_work) == 2
    assert begun == queued + new
    assert ended == [Phase.SUCCEEDED] * 6
    assert [world.phases[uid] for uid in new] == [[Phase.PENDING, Phase.RUNNING, Phase.SUCCEEDED]] * 2
    assert not [record for record in left.records.values() if record.state in {"queued", "claimed", "finished"}]


@pytest.mark.parametrize("empty", [False, True])
def test_what_began_without_redis_goes_on_when_it_is_back(empty):
    world = World(minIdle=1, maxWorkers=1)
    running, waiting = (world.apply()["metadata"]["uid"] for _ in range(2))
    world.tick(WARM_S)
    world.redis.available = False
    world.tick(5)
    world.run(world.node.finish(world.node.rendering(running)[0], "succeeded"))
    world.tick(60)
    (worker,) = world.node.rendering(waiting)
    world.crash(0)  # a new operator knows it as well
    world.tick(3)
    world.redis.available = True
    if empty:
        world.redis.flushall()
    world.tick(30)
    still = world.node.rendering(waiting)
    status = world.video(waiting)["status"]
    world.run(world.node.report(worker, 50))
    world.tick(REPORT_S)
    told = world.video(waiting)["status"]["progress"]
    world.run(world.node.finish(worker, "succeeded"))
    world.tick(5)
    ended = phase_of(world.video(waiting))
    world.close()

    assert worker.carries
    assert still == [worker]
    assert (status["phase"], status["worker"], status["attempts"]) == ("Running", worker.pod, 2)
    assert told == 50
    assert ended is Phase.SUCCEEDED


def test_a_claim_that_nobody_heard_of_is_not_begun_again_without_redis():
    world = World(minIdle=0, maxWorkers=2)
    uid = world.apply()["metadata"]["uid"]
    world.tick(1)
    world.crash(0)
    while not world.node.rendering(uid):
        world.crash(0)
        world.tick(0.5)
    world.redis.available = False
    world.tick(40)
    younger = world.apply()["metadata"]["uid"]  # Redis never had that, whatever the clocks say
    world.tick(60)
    (worker,) = world.node.rendering(uid)
    before = phase_of(world.video(uid))
    rendered = [each.carries.uid for each in world.node.living() if each.carries]
    world.run(world.node.finish(worker, "succeeded"))
    world.tick(3)
    ended = world.video(uid)["status"]
    world.close()

    assert not worker.carries
    assert before is Phase.QUEUED
    assert rendered == [younger]
    assert (ended["phase"], ended["attempts"]) == ("Succeeded", 1)


def test_what_workers_claim_whom_the_operator_cannot_hear_is_known_by_their_last_word():
    world = World(minIdle=1, maxWorkers=1)
    world.tick(WARM_S)
    first, second = (world.apply()["metadata"]["uid"] for _ in range(2))
    world.tick(0.1)
    assert not world.node.rendering(first)  # it is still only queued
    world.operator_cut_off = True
    world.tick(60)
    (worker,) = world.node.living(busy=True)
    assert not worker.carries
    world.run(world.node.finish(worker, "succeeded"))
    world.tick(10)
    (carrying,) = world.node.living(busy=True)
    state = world.redis.state(POOL).records[second]
    held = (state.state, state.entry.attempt)
    world.operator_cut_off = False
    world.tick(10)
    world.run(world.node.finish(carrying, "succeeded"))
    world.tick(10)
    phases = [phase_of(world.video(uid)) for uid in (first, second)]
    world.close()

    assert carrying.carries
    assert held == ("claimed", 2)  # it told Redis, which the operator cannot reach
    assert phases == [Phase.SUCCEEDED] * 2


def test_what_waits_while_its_pool_is_changed_is_claimed_by_the_new_rules():
    world = World(minIdle=0, maxWorkers=0, storage={"outputPrefix": "volume://media/out", "allowPrivateNetworks": True})
    uids = [world.apply()["metadata"]["uid"] for _ in range(3)]
    world.tick(WARM_S)
    worker = FakeWorkerQueue(POOL, world.redis, "pod-x", "job-x")
    storage = {"outputPrefix": "volume://media/new", "allowPrivateNetworks": False}
    world.run(world.users.patch(RENDERPOOLS, POOL.namespace, POOL.name, {"spec": {"storage": storage}}))
    old = world.redis.state(POOL).terms
    while world.redis.state(POOL).terms == old:
        world.tick(0.001)
    # From now on, also before the operator has come to what waits.
    claim = world.run(worker.claim(1))
    world.tick(1)
    entries = [world.redis.state(POOL).records[uid] for uid in uids]
    world.close()

    assert claim is not None
    assert not claim.assignment.sources.allow_private_networks
    for record in entries[1:]:
        assert record.payload is not None
        assert not record.payload.sources.allow_private_networks
        assert [output.uri.startswith("volume://media/new/") for output in record.payload.spec.outputs] == [True, True]
    assert [record.state for record in entries] == ["claimed", "queued", "queued"]


def test_jobs_that_others_made_with_our_labels_are_left_alone():
    world = World(minIdle=1)
    world.tick(WARM_S)
    (ours,) = world.server.objects(JOBS)
    name = f"default-{serial_of(ours['metadata']['name']) + 1}"

    def make(**metadata):
        body = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "spec": ours["spec"],
            "metadata": {"ownerReferences": []} | metadata,
        }
        world.run(world.users.create(JOBS, POOL.namespace, body))

    make(name=name)  # the next that a worker would have
    make(name="theirs-9", labels=ours["metadata"]["labels"])
    world.run(world.node.remove(world.node.workers[ours["metadata"]["name"]]))
    uid = world.apply()["metadata"]["uid"]
    world.tick(WARM_S)
    (worker,) = world.node.rendering(uid)
    world.run(world.node.finish(worker, "succeeded"))
    world.tick(QUIET_S)
    left = {job["metadata"]["name"] for job in world.server.objects(JOBS)}
    served = world.video(uid)
    world.close()

    assert {name, "theirs-9"} <= left
    assert served
    assert phase_of(served) is Phase.SUCCEEDED


def test_a_happy_life_costs_the_operator_few_writes():
    world = World(minIdle=1)
    world.tick(5)
    uid = world.apply()["metadata"]["uid"]
    for second in range(12):
        world.tick(1)
        for worker in world.node.rendering(uid):
            world.run(world.node.report(worker, second * 9))
            if second == 11:
                world.run(world.node.finish(worker, "succeeded"))
    world.tick(1)
    world.close()

    assert world.phases[uid] == [Phase.QUEUED, Phase.RUNNING, Phase.SUCCEEDED]
    assert world.told[uid] == ["Queued", "Started", "Succeeded"]
    assert world.writes[uid] <= 6  # Queued, Running, three of progress, Succeeded
