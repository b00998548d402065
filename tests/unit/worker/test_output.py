from __future__ import annotations

import asyncio
import logging

import pytest

from videojob_worker.renderer.output import ProcessLog


async def output_of(*parts: bytes) -> ProcessLog:
    stream = asyncio.StreamReader()
    output = ProcessLog(stream)
    for part in parts:
        stream.feed_data(part)
        await asyncio.sleep(0)
    stream.feed_eof()
    return output


@pytest.mark.parametrize(
    "words",
    [
        b"x264 [error]: malloc of size 141122648 failed\n",
        b"terminate called after throwing an instance of 'std::bad_alloc'",
        b"numpy._core._exceptions._ArrayMemoryError: Unable to allocate 96.0 MiB\n",
    ],
)
async def test_knows_how_libraries_say_that_memory_is_out(words: bytes) -> None:
    assert await (await output_of(b"something\n", words)).says_out_of_memory()


async def test_a_traceback_of_any_depth_does_not_hide_them() -> None:
    frame = b'  File "passes.py", line 1, in run\n    self._encode_all()\n    ^^^^^^^^^^^^^^^^^^\n'
    traceback = b"Traceback (most recent call last):\n" + frame * 100 + b"ExternalError: avcodec_open2\n"
    assert await (await output_of(b"x264 [error]: malloc of size 12 failed\n", traceback)).says_out_of_memory()


async def test_what_was_said_long_before_is_not_the_last_word() -> None:
    assert not await (await output_of(b"malloc of size 1 failed\n", b"noise\n" * 100)).says_out_of_memory()


async def test_other_words_are_none() -> None:
    assert not await (await output_of(b"[mjpeg] overread 8\n", b"\xff\xfe\n")).says_out_of_memory()


async def test_a_line_may_come_in_parts_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        output = await output_of(b"malloc of si", b"ze 12 failed\nnext", b" line")
        assert await output.says_out_of_memory()
    assert caplog.messages == ["renderer: malloc of size 12 failed", "renderer: next line"]


async def test_a_traceback_is_one_record(caplog: pytest.LogCaptureFixture) -> None:
    frame = '  File "passes.py", line 1, in run\n    self._encode_all()\n'
    traceback = f"Traceback (most recent call last):\n{frame}ValueError: odd"
    between = "During handling of the above exception, another exception occurred:"
    words = f"before\n{traceback}\n\n{between}\n\n{traceback}\nafter"
    with caplog.at_level(logging.INFO):
        await (await output_of(words.encode())).says_out_of_memory()
    assert caplog.messages == [
        "renderer: before",
        f"renderer: {traceback}",
        f"renderer: {between}",
        f"renderer: {traceback}",
        "renderer: after",
    ]


async def test_a_traceback_that_breaks_off_or_never_ends_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    head = b"Traceback (most recent call last):\n"
    with caplog.at_level(logging.INFO):
        await (await output_of(head + b"  x\n" * 5000)).says_out_of_memory()
        await (await output_of(head + b"  x")).says_out_of_memory()
    assert caplog.messages[-1] == "renderer: Traceback (most recent call last):\n  x"
    assert sum(message.count("\n") + 1 for message in caplog.messages[:-1]) == 1000
    assert max(map(len, caplog.messages)) < 2000


async def test_a_flood_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        output = await output_of(b"noise\n" * 5000, b"x" * 100_000, b"\nmalloc of size 1 failed\n")
        assert await output.says_out_of_memory()
    assert len(caplog.messages) == 1000
    assert max(map(len, caplog.messages)) < 2100


async def test_somebody_who_keeps_the_pipe_open_is_not_waited_for() -> None:
    stream = asyncio.StreamReader()
    output = ProcessLog(stream)
    async with asyncio.timeout(3):
        assert not await output.says_out_of_memory()
        await output.aclose()
