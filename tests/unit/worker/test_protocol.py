from __future__ import annotations

import asyncio
import os
import socket
import tempfile

import pytest

from tests.assignments import assignment
from videojob_contract.assignment import Progress
from videojob_contract.errors import Reason
from videojob_contract.resources.status import Stage
from videojob_worker.renderer.protocol import (
    LENGTH,
    Advanced,
    Done,
    Failed,
    Ready,
    Rendered,
    Request,
    decode_answer,
    encode,
    receive_request,
    send_request,
)


@pytest.mark.parametrize(
    "answer",
    [
        Ready(),
        Advanced(progress=Progress(stage=Stage.AUDIO, percent=12.5, message="x", eta_s=1.0)),
        Done(outputs=[Rendered(name="main", path="/x", width=2, height=2, frames=3, duration_s=1001 / 30000)]),
        Failed(reason=Reason.INVALID_MEDIA, message="ünïcode"),
    ],
)
def test_answers_survive(answer: Ready | Advanced | Done | Failed) -> None:
    encoded = encode(answer)
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


async def test_request_brings_more_descriptors_than_one_message_can() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    count = 450
    with tempfile.TemporaryFile() as file:
        file.write(b"content")
        file.flush()
        fds = [os.dup(file.fileno()) for _ in range(count)]
    request = Request(
        spec=assignment().spec,
        name="x",
        sources=[f"volume://media/{index}" for index in range(count)],
        scratch="/x",
        threads=1,
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
