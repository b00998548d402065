"""Whatever happens, in whatever order: every job ends once, and nothing runs twice."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.decide.world import World, run
from videojob_contract.errors import FAILURE_CLASS, Reason
from videojob_contract.resources.status import Phase
from videojob_operator.decide.retry import INTERRUPTION_LIMIT
from videojob_operator.decide.types import EmitEvent

CRASH = st.sampled_from([0, 1, 2, 3, 1000, 1000, 1000])
PICK = st.integers(0, 100)


class Story(RuleBasedStateMachine):
    """Users, workers, faults and an operator that comes and goes, in any order."""

    @initialize(max_workers=st.integers(1, 3), min_idle=st.integers(0, 2))
    def begin(self, max_workers, min_idle):
        self.world = World(maxWorkers=max_workers, minIdle=min_idle, surge=3)

    def job(self, pick):
        jobs = list(self.world.jobs.values())
        return jobs[pick % len(jobs)]

    def worker(self, pick, *, busy=False):
        workers = [w for w in self.world.workers.values() if w.lives and (w.claim or not busy)]
        return workers[pick % len(workers)] if workers else None

    # --- users

    @precondition(lambda self: len(self.world.jobs) < 4)
    @rule(queue=st.sampled_from(["high", "default", "low"]), suspend=st.booleans())
    def apply(self, queue, suspend):
        self.world.apply(queue=queue, suspend=suspend)

    @precondition(lambda self: self.world.jobs)
    @rule(pick=PICK, suspend=st.booleans())
    def suspend(self, pick, suspend):
        self.world.change(self.job(pick), suspend=suspend)

    @precondition(lambda self: self.world.jobs)
    @rule(pick=PICK, queue=st.sampled_from(["high", "default", "low"]))
    def move(self, pick, queue):
        self.world.change(self.job(pick), queue=queue)

    @precondition(lambda self: self.world.jobs)
    @rule(pick=PICK)
    def cancel(self, pick):
        self.world.change(self.job(pick), cancel=True)

    @precondition(lambda self: len(self.world.jobs) > 2)
    @rule()
    def delete(self):
        self.world.delete(list(self.world.jobs.values())[-1])

    # --- the operator

    @precondition(lambda self: self.world.jobs)
    @rule(pick=PICK, crash=CRASH)
    def canvas(self, pick, crash):
        self.world.reconcile(self.job(pick), crash)

    @rule(crash=CRASH)
    def look_at_pool(self, crash):
        self.world.reconcile_pool(crash)

    @rule(seconds=st.integers(1, 12))
    def look_at_all(self, seconds):
        for _ in range(seconds):
            self.world.tick(1)
            for job in list(self.world.jobs.values()):
                self.world.reconcile(job)
            self.world.reconcile_pool()

    @precondition(lambda self: self.world.jobs and not self.world.lagging)
    @rule(pick=PICK)
    def look_until_quiet(self, pick):
        self.world.watch()
        job = self.job(pick)
        for _ in range(5):
            decision = self.world.reconcile(job)
            if decision.requeue_after_s is not None and decision.requeue_after_s < 0.1:
                self.world.tick(0.01)
            elif decision.status is None and not decision.before and not decision.after:
                return
        raise AssertionError(f"never quiet: {decision}")

    @rule()
    def restart(self):
        self.world.restart()

    @rule(lagging=st.booleans())
    def lag(self, lagging):
        self.world.lagging = lagging
        self.world.watch()

    # --- workers and faults

    @rule(seconds=st.integers(1, 30))
    def pass_time(self, seconds):
        self.world.tick(seconds)

    @rule(pick=PICK, percent=st.floats(0, 100))
    def report(self, pick, percent):
        if worker := self.worker(pick, busy=True):
            self.world.report(worker, percent)

    @rule(pick=PICK)
    def succeed(self, pick):
        if worker := self.worker(pick, busy=True):
            self.world.finish(worker, "succeeded")

    @rule(pick=PICK, reason=st.sampled_from(sorted(FAILURE_CLASS)))
    def fail(self, pick, reason):
        if (worker := self.worker(pick, busy=True)) and reason is not Reason.CANCELLED:
            self.world.finish(worker, "failed", reason)

    @rule(pick=PICK, how=st.sampled_from(["OOMKilled", "Evicted", "Error", ""]))
    def kill(self, pick, how):
        if worker := self.worker(pick):
            self.world.exit(worker, 137, reason=how)

    @rule(pick=PICK)
    def remove_pod(self, pick):
        if worker := self.worker(pick):
            worker.ended_at = self.world.time
            del self.world.workers[worker.job.name]

    @rule(pick=PICK, cut_off=st.booleans())
    def cut_off(self, pick, cut_off):
        if worker := self.worker(pick):
            worker.cut_off = cut_off
            worker.disturbed |= cut_off

    @rule()
    def flushall(self):
        if self.world.server.available:
            self.world.server.flushall()
            for job in self.world.jobs.values():
                job.done = False

    @rule(available=st.booleans())
    def redis(self, available):
        self.world.server.available = available
        self.world.connect()

    # --- what holds always

    @invariant()
    def attempts_are_bounded(self):
        for job in self.world.jobs.values() if hasattr(self, "world") else ():
            assert job.status.get("failures", 0) <= 4
            assert job.status.get("interruptions", 0) <= INTERRUPTION_LIMIT + 1

    @invariant()
    def a_job_ends_once(self):
        for job in self.world.jobs.values() if hasattr(self, "world") else ():
            ends = [reason for reason in job.events if reason in {Reason.SUCCEEDED, Reason.CANCELLED}]
            assert len(ends) <= 1

    def teardown(self):
        if not hasattr(self, "world"):
            return
        accepted = [job for job in self.world.jobs.values() if job.done]
        self.world.settle()
        for job in self.world.jobs.values():
            assert job.phase.is_final
            assert {c["type"] for c in job.status["conditions"]} >= {"Finished"}
        for job in accepted:
            cancelled = job.phase is Phase.CANCELLED and job.spec.get("cancel")
            assert job.phase is Phase.SUCCEEDED or cancelled, f"{job.uid} was done: {job.status}"
        # Once all is over, nothing of it is left but the workers that are to wait warm.
        for _ in range(150):
            self.world.tick(1)
            self.world.reconcile_pool()
            for job in self.world.jobs.values():
                writes = job.writes
                decision = self.world.reconcile(job)
                assert job.writes == writes
                assert not any(isinstance(action, EmitEvent) for action in decision.after)
        lives = [worker for worker in self.world.workers.values() if worker.lives]
        assert len(lives) == min(self.world.pool.min_idle, self.world.pool.max_workers)
        assert run(self.world.queue.known_uids()) & set(self.world.jobs) == set()


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


def test_a_happy_life_costs_the_operator_few_writes():
    world = World(minIdle=1)
    world.reconcile_pool()
    world.tick(5)
    job = world.apply()
    phases = []
    for second in range(12):
        decision = world.reconcile(job)
        world.reconcile_pool()
        phases.append(job.phase)
        for worker in world.rendering(job.uid):
            world.report(worker, second * 9)
            if second == 11:
                world.finish(worker, "succeeded")
        world.tick(1)
    decision = world.reconcile(job)

    assert decision.status is not None
    assert [phase for i, phase in enumerate(phases) if phase not in phases[:i]] == [
        Phase.QUEUED,
        Phase.RUNNING,
    ]
    assert job.phase is Phase.SUCCEEDED
    assert job.events == ["Queued", "Started", "Succeeded"]
    assert job.writes <= 6  # Queued, Running, three of progress, Succeeded
