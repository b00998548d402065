"""A program that is forked is seen as one that was started."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.fork_server import fork

PROGRAM = "tests.unit.forked_program"


def test_it_has_an_environment_a_log_and_an_exit_code_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    first = fork(PROGRAM, {"WORD": "one", "CODE": "3"}, log)
    assert first.wait(60) == first.poll() == 3
    second = fork(PROGRAM, {"WORD": "two", "CODE": "0"}, log)
    assert second.wait(60) == 0
    assert log.read_text().split("\n") == ["before", f"one {first.pid}", f"two {second.pid}", ""]
    assert "WORD" not in os.environ


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_signal_reaches_it_and_is_told(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log"
    forked = fork(PROGRAM, {"WORD": "one"}, log)
    with pytest.raises(subprocess.TimeoutExpired):
        forked.wait(0.01)
    assert forked.poll() is None
    while not log.exists() or not log.read_text():
        assert forked.poll() is None
    forked.send_signal(number)
    assert forked.wait(60) == -number
    forked.kill()  # which is too late, and no error


def test_an_error_is_in_its_log(tmp_path: Path) -> None:
    forked = fork(PROGRAM, {"CODE": "3"}, tmp_path / "log")
    assert forked.wait(60) == 1
    assert "KeyError: 'WORD'" in (tmp_path / "log").read_text()
