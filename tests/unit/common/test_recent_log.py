"""The last lines of the log, bounded and printable."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_common.recent_log import RecentLog, keep_recent_log


@pytest.fixture
def recent():
    logging.getLogger("videojob").setLevel(logging.INFO)
    kept = keep_recent_log()
    yield kept
    logging.getLogger("videojob").removeHandler(kept)


def test_the_last_lines_of_our_loggers_are_kept_with_tracebacks(recent: RecentLog) -> None:
    logging.getLogger("httpcore").warning("theirs")
    for number in range(60):
        logging.getLogger("videojob.pipeline").info("line %d", number)
    try:
        int("odd")
    except ValueError:
        logging.getLogger("videojob.supervisor").exception("the worker failed")
    assert len(recent.lines) == 50
    assert recent.lines[0] == "line 11"
    assert recent.tail(10_000).endswith("literal for int() with base 10: 'odd'")
    assert "theirs" not in recent.tail(10_000)


@given(st.lists(st.text(max_size=3000), max_size=60), st.integers(1, 5000))
def test_a_tail_is_bounded_and_printable(lines: list[str], most: int) -> None:
    recent = RecentLog()
    for line in lines:
        recent.emit(logging.makeLogRecord({"msg": line}))
    tail = recent.tail(most)
    assert len(tail) <= most
    assert all(each.isprintable() or each == "\n" for each in tail)


def test_of_a_long_line_the_end_is_kept(recent: RecentLog) -> None:
    logging.getLogger("videojob").warning("%s, and why", "x" * 5000)
    assert recent.tail(100).endswith("x, and why")
    assert len(recent.lines[-1]) == 2000
