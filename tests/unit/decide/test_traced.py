from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.unit.decide.build import NOW, after, decide, entry, finished, observe, queued, raw, running, status_of
from videojob_contract.labels import ANNOTATION_TRACEPARENT
from videojob_contract.queue.types import EntryState, QueueEntry
from videojob_contract.resources.status import Phase, Stage, VideoJobStatus
from videojob_operator.decide.traced import spans_of, trace_of

MADE = {"creationTimestamp": "2026-01-01T11:59:00Z"}
STAGES = {Stage.FETCHING: 1.0, Stage.RENDERING: 5.0, Stage.PUBLISHING: 0.5}


def told(old: VideoJobStatus, new: VideoJobStatus, in_queue: QueueEntry | None = None, **spec: Any):
    seen = observe(spec, old, metadata=MADE, entry=in_queue, now=after(30))
    return {span.name: span for span in spans_of(seen, old, new)}


def test_a_wait_is_over_when_a_worker_begins():
    waits = queued()
    started = status_of(decide(status=waits, entry=entry(EntryState.CLAIMED), now=after(7)))
    spans = told(waits, started)
    assert set(spans) == {"queue"}
    wait = spans["queue"]
    assert (wait.start, wait.end) == (min(NOW, started.started_at or NOW), started.started_at)
    assert wait.attributes == {"videojob.attempt": 1, "videojob.queue": "default"}


def test_what_succeeded_is_told_with_its_stages_one_after_the_other():
    done = finished(stages=STAGES, video_s=4.0)
    end = status_of(decide(status=running(), entry=done))
    spans = told(running(), end, done, user="ann")

    life, attempt = spans["VideoJob"], spans["attempt"]
    assert (life.parent, life.error, life.start, life.end) == (None, "", NOW - timedelta(minutes=1), NOW)
    assert life.attributes["videojob.user"] == "ann"
    assert (attempt.parent, attempt.error) == (life.id, "")
    assert attempt.attributes["videojob.video_seconds"] == 4.0
    stages = [spans[name] for name in ("fetching", "rendering", "publishing")]
    assert {span.parent for span in stages} == {attempt.id}
    assert [(span.end - span.start).total_seconds() for span in stages] == [1.0, 5.0, 0.5]
    assert stages[0].start == attempt.start == running().started_at
    assert all(before.end == after_it.start for before, after_it in pairwise(stages))
    assert len({span.id for span in spans.values()}) == len(spans)


def test_each_attempt_that_fails_is_told_when_it_is_over_and_the_life_at_its_end():
    failed = finished("failed", reason="DiskFull", message="no space", stages=STAGES)
    again = status_of(decide({"retry": {"limit": 1}}, running(), entry=failed))
    spans = told(running(), again, failed)
    assert again.phase is Phase.PENDING
    assert "VideoJob" not in spans
    assert "no space" in spans["attempt"].error
    assert spans["attempt"].attributes["error.type"] == "DiskFull"


def test_what_began_and_ended_between_two_looks_is_told_like_any_other():
    failed = finished("failed", reason="DiskFull", message="no space", stages=STAGES)
    again = status_of(decide({"retry": {"limit": 1}}, queued(), entry=failed))
    spans = told(queued(), again, failed)
    assert set(spans) == {"queue", "attempt", "fetching", "rendering", "publishing"}
    assert spans["queue"].end == spans["attempt"].start == failed.claimed_at


def test_no_stage_is_longer_than_its_attempt_whatever_a_worker_says():
    done = finished(stages={Stage.RENDERING: 1e9})
    spans = told(running(), status_of(decide(status=running(), entry=done)), done)
    assert spans["rendering"].end == spans["attempt"].end


def test_what_has_ended_is_told_once():
    done = finished()
    end = status_of(decide(status=running(), entry=done))
    assert told(end, end, done) == {}


def test_each_life_has_a_trace_of_its_own():
    end = status_of(decide(status=running(), entry=finished()))
    again = status_of(decide({"rerun": 1}, end))
    first, second = (trace_of(raw({}, status, **MADE)) for status in (end, again))
    assert first.id != second.id
    assert trace_of(raw({}, None, **MADE)) == first
    assert len(first.hex) == 32


def traced(text: str):
    return trace_of(raw({}, None, **MADE, annotations={ANNOTATION_TRACEPARENT: text}))


def test_it_is_part_of_the_trace_of_who_made_it():
    trace = traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    assert (trace.hex, trace.parent, trace.sampled) == ("0af7651916cd43dd8448eb211c80319c", 0xB7AD6B7169203331, True)
    assert traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00").sampled is False


@pytest.mark.parametrize("text", ["", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-{'f' * 32}-{'0' * 16}-01"])
def test_what_is_no_traceparent_is_as_if_there_were_none(text):
    assert traced(text) == trace_of(raw({}, None, **MADE))
