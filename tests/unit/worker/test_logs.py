"""Log lines of a worker."""

import contextvars
import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from videojob_common.logs import bind
from videojob_worker import logs


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()  # pytest's own, which configure() would close
    monkeypatch.setattr("sys.stderr", stream)
    logs.configure("INFO")
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_names_the_job_as_the_operator_does(output: io.StringIO) -> None:
    def work() -> None:
        bind(namespace="ns", name="one", attempt=2)
        logging.getLogger("test").info("claimed by %s", "w")

    contextvars.copy_context().run(work)
    line = json.loads(output.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "info",
        "logger": "test",
        "message": "claimed by w",
        "namespace": "ns",
        "name": "one",
        "attempt": 2,
    }


def test_an_exception_stays_on_its_line(output: io.StringIO) -> None:
    try:
        int("no")
    except ValueError:
        logging.getLogger("test").exception("failed")
    text = output.getvalue()
    assert text.count("\n") == 1
    assert "ValueError: invalid literal" in json.loads(text)["exception"]
