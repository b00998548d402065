from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from fractions import Fraction

import pytest

from tests.assignments import assignment
from videojob_contract.assignment import Progress
from videojob_contract.errors import Reason
from videojob_contract.plan_report import ClipEntry, OutputEntry, Plan, SegmentEntry, SoundEntry, SpanEntry
from videojob_contract.resources.status import Stage
from videojob_worker.render_settings import RenderSettings
from videojob_worker.renderer.protocol import (
    LENGTH,
    MAX_ANSWER,
    Advanced,
    Described,
    Done,
    Failed,
    Planned,
    PlannedPart,
    Ready,
    Rendered,
    Request,
    decode_answer,
    encode_message,
    planned,
    receive_request,
    send_request,
)


@pytest.mark.parametrize(
    "answer",
    [
        Ready(),
        Advanced(progress=Progress(stage=Stage.AUDIO, percent=12.5, message="x", eta_s=1.0)),
        Done(outputs=[Rendered(name="main", path="/x", width=2, height=2, frames=3, duration_s=1001 / 30000)]),
        Described(description="{}"),
        Failed(reason=Reason.INVALID_MEDIA, message="ünïcode"),
    ],
)
def test_answers_survive(answer: Ready | Advanced | Described | Done | Failed) -> None:
    encoded = encode_message(answer)
    assert LENGTH.unpack(encoded[:4]) == (len(encoded) - 4,)
    assert decode_answer(encoded[4:]) == answer


@pytest.mark.parametrize("nonsense", [b"", b"{}", b'{"kind": "other"}', b'{"kind": "done"}', b"\xff"])
def test_nonsense_is_refused(nonsense: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's own
        decode_answer(nonsense)


@pytest.mark.parametrize("eta_s", ["1e300", "NaN", "-1"])
def test_an_end_that_no_calendar_has_is_refused(eta_s: str) -> None:
    body = f'{{"kind": "advanced", "progress": {{"stage": "Audio", "percent": 1, "etaS": {eta_s}}}}}'
    with pytest.raises(ValueError, match="etaS"):
        decode_answer(body.encode())


def test_a_long_plan_goes_in_answers_that_are_believed() -> None:
    """Reasons as long as they may be: what is sent is what is put together again."""
    span = SpanEntry(
        start=0, frames=1, samples=1, kind="still", clips=[0, 1], overlays=[*range(64)], captions=True,
        memory_bytes=1 << 40, cost=1.5, why="w" * 2000,
    )  # fmt: skip
    segment = SegmentEntry(start=0, frames=1, cost=1.0)
    whole = Plan(
        width=2, height=2, fps=Fraction(30), frames=1, samples=1, duration_s=1.0, threads=1, encoders=1, cost=1.0,
        memory_bytes=1, clips=[ClipEntry(kind="gradient", start=1 << 40, frames=1 << 40, entry_frames=1)] * 500,
        sounds=[SoundEntry(field="spec.clips[499].video", start_sample=1, samples=1, why="w" * 500)] * 532,
        outputs=[OutputEntry(name="n" * 63, format="mp4", why="w" * 500)] * 32,
        spans=[span.model_copy(update={"start": number}) for number in range(1000)],
        segments=[segment.model_copy(update={"start": number}) for number in range(600)],
    )  # fmt: skip
    encoded = [encode_message(answer) for answer in planned(whole)]
    assert max(map(len, encoded)) < MAX_ANSWER
    *parts, last = [decode_answer(each[LENGTH.size :]) for each in encoded]
    assert isinstance(last, Planned)
    assert [span for part in parts if isinstance(part, PlannedPart) for span in part.spans] == whole.spans
    assert [segment for part in parts if isinstance(part, PlannedPart) for segment in part.segments] == whole.segments
    assert last.plan == whole.model_copy(update={"spans": [], "segments": []})


async def test_request_brings_more_descriptors_than_one_message_can() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    count = 450
    with tempfile.TemporaryFile() as file:
        file.write(b"content")
        file.flush()
        fds = [os.dup(file.fileno()) for _ in range(count)]
    request = Request(
        settings=RenderSettings(spec=assignment().spec, name="x", threads=1),
        sources=[f"volume://media/{index}" for index in range(count)],
        scratch="/x",
        cpu_s=1,
    )
    try:
        receiving = asyncio.create_task(asyncio.to_thread(receive_request, theirs))
        await send_request(ours, request, fds)
        received = await receiving
        assert received is not None
        assert received[0] == request
        assert len(received[1]) == count
        assert os.pread(received[1][-1], 7, 0) == b"content"
        for fd in received[1]:
            os.close(fd)
    finally:
        for fd in fds:
            os.close(fd)
        ours.close()
        theirs.close()


def test_a_supervisor_that_hangs_up_ends_the_wait() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    assert receive_request(theirs) is None
    theirs.close()
