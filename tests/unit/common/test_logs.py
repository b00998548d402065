"""Log lines."""

import json
import logging
import subprocess
import sys

import pytest

from videojob_common import logs


@pytest.fixture
def record():
    return logging.makeLogRecord({"name": "test", "levelname": "INFO", "msg": "claimed by %s", "args": ("w",)})


def test_a_json_line_names_what_it_is_about(record):
    with logs.about(namespace="ns", name="one"):
        logs.bind(attempt=2)
        line = json.loads(logs.JsonFormatter().format(record))
    assert line | {"time": ""} == {
        "time": "",
        "level": "info",
        "logger": "test",
        "message": "claimed by w",
        "namespace": "ns",
        "name": "one",
        "attempt": 2,
    }


def test_the_subject_ends_with_its_block(record):
    with logs.about(name="one"):
        logs.bind(attempt=1)
    assert "name" not in json.loads(logs.JsonFormatter().format(record))


def test_an_exception_stays_on_its_json_line(record):
    try:
        int("no")
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    text = logs.JsonFormatter().format(record)
    assert "\n" not in text
    assert "ValueError: invalid literal" in json.loads(text)["exception"]


def test_a_text_line_is_for_people(record):
    with logs.about(name="one"):
        assert logs.TextFormatter().format(record).endswith("INFO    claimed by w  [name=one]")


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("raise ValueError('odd')", "ValueError: odd"),
        ("import threading; thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()",
         "ZeroDivisionError: division by zero"),
        ("import asyncio\nasync def fail(): raise OSError('gone')\nasyncio.run(fail())", "OSError: gone"),
        ("import warnings; warnings.warn('old')", "old"),
        ("import logging\ntry: 1 / 0\nexcept ZeroDivisionError: logging.exception('caught')", "caught"),
    ],
)  # fmt: skip
def test_whatever_ends_a_program_is_one_json_line(program, says):
    start = "from videojob_common.logs import *; log_to_stderr(JsonFormatter(), 'INFO', quiet=())\n"
    done = subprocess.run([sys.executable, "-c", start + program], capture_output=True, text=True, check=False)
    [line] = done.stderr.splitlines()
    assert says in json.loads(line)["message"]
    assert done.stdout == ""
