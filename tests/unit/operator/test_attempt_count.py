"""What counts as an attempt in the metrics."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.unit.decide.build import UID, entry, finished, observe, queued, running
from videojob_contract.queue.types import EntryState, PoolKey, QueueEntry
from videojob_contract.resources.status import Phase, VideoJobStatus
from videojob_operator import metrics
from videojob_operator.decide.types import Observation
from videojob_operator.decide.videojob import decide_videojob
from videojob_operator.reconcile.attempt_counts import count_attempt
from videojob_operator.records import VideoJobKey, VideoJobRecord

NOT_YET = {"clips": [{"video": {"uri": "volume://media/a.mp4"}}]}
BROKEN = finished("failed", reason="InvalidMedia", message="spec.clips[0].image.uri: not an image")


@pytest.fixture
def pool() -> Iterator[PoolKey]:
    key = PoolKey("team", f"p-{uuid4()}")
    yield key
    metrics.forget_pool(key.namespace, key.name)


def counted(pool: PoolKey, status: VideoJobStatus | None, observation: Observation) -> list[str]:
    phase = status.phase if status else Phase.PENDING
    new = decide_videojob(observation).status
    assert new is not None
    record = VideoJobRecord(
        key=VideoJobKey("team", "holiday"),
        uid=UID,
        version=1,
        generation=1,
        pool=pool,
        phase=phase,
        wants_template=None,
        waits=None,
        queue="default",
        predicted_s=1.0,
        ends_at=None,
        job=None,
        finished_at=None,
        ttl=None,
        schedule_uid=None,
        raw=observation.raw,
    )
    count_attempt(record, observation, new, None)
    lines = metrics.exposition()[0].decode().splitlines()
    return [line for line in lines if line.startswith("videojob_attempts_total{") and pool.name in line]


def test_a_refused_spec_is_no_attempt(pool: PoolKey) -> None:
    assert counted(pool, None, observe(NOT_YET)) == []


def test_a_job_that_is_cancelled_before_it_is_queued_is_no_attempt(pool: PoolKey) -> None:
    assert counted(pool, None, observe({"cancel": True})) == []


@pytest.mark.parametrize(
    ("entry_", "labels"),
    [(finished(), 'reason="Succeeded",result="succeeded"'), (BROKEN, 'reason="InvalidMedia",result="failed"')],
)
def test_an_attempt_that_ended_is_counted_by_reason(pool: PoolKey, entry_: QueueEntry, labels: str) -> None:
    status = running()
    (line,) = counted(pool, status, observe(status=status, entry=entry_))
    assert labels in line
    assert line.endswith(" 1.0")


def test_a_job_that_is_cancelled_while_it_waits_is_one(pool: PoolKey) -> None:
    status = queued()
    (line,) = counted(pool, status, observe({"cancel": True}, status=status, entry=entry(EntryState.QUEUED)))
    assert 'result="cancelled"' in line
