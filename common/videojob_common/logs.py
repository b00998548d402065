"""Log lines: JSON for programs, text for people; each tells which VideoJob or pool was being worked on.

The fields are the same in all programs, so that one query finds the lines of all. The subject travels in a context
variable, so a line that a library logs has it too. Light to import: a worker does so before it can be claimed.
"""

import json
import logging
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Any

_subject: ContextVar[Mapping[str, Any]] = ContextVar("subject", default=MappingProxyType({}))


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Add fields such as `namespace`, `name` and `attempt` to every line that is logged inside."""
    token = _subject.set({**_subject.get(), **fields})
    try:
        yield
    finally:
        _subject.reset(token)


def bind(**fields: Any) -> None:
    """Add fields to every line of this task and of those that it starts; inside `about`, to its end."""
    _subject.set({**_subject.get(), **fields})


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON: time, level, logger, message, the subject and the exception."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_subject.get(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A line for people: time, level, subject, message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text, its exception on the following lines."""
        subject = " ".join(f"{key}={value}" for key, value in _subject.get().items())
        line = f"{_time(record)} {record.levelname:7} {record.getMessage()}" + (f"  [{subject}]" if subject else "")
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("uncaught").critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))


def log_to_stderr(formatter: logging.Formatter, level: str, *, quiet: Iterable[str]) -> None:
    """Send every logger's lines to standard error; `quiet` names loggers of which only warnings are news.

    What nobody catches and what Python warns of are lines too: elsewhere they would be many, in no format.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda said: _log_uncaught(
        said.exc_type, said.exc_value or said.exc_type(), said.exc_traceback
    )
    for name in quiet:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
