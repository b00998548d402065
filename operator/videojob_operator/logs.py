"""Log lines: JSON for programs, text for people; each tells which VideoJob or pool was being worked on.

The subject is bound once, where a key is taken from a work queue, and travels in a context variable. So a
line that a library logs in the middle of a reconcile has it too.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

_subject: ContextVar[Mapping[str, Any]] = ContextVar("subject", default=MappingProxyType({}))


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Add fields such as `namespace`, `name` and `attempt` to every line that is logged inside."""
    token = _subject.set({**_subject.get(), **fields})
    try:
        yield
    finally:
        _subject.reset(token)


def attempt(number: int) -> None:
    """Tell which attempt the lines of this reconcile are about, once that is known."""
    _subject.set({**_subject.get(), "attempt": number})


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


def configure(style: Literal["json", "text"], level: str) -> None:
    """Send every logger's lines to standard error, in one style."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # kopf tells of each event it dispatches, and aiohttp of each scrape: neither is news.
    for noisy in ("kopf", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
