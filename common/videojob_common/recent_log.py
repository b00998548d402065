"""The last lines of the log, kept for whoever is told of an end that they explain."""

from __future__ import annotations

import logging
from collections import deque

_KEPT_LINES = 50
_LONGEST_LINE = 2000


class RecentLog(logging.Handler):
    """Keeps the last lines of the loggers beneath `videojob`, each with its traceback and cut to a bound."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; of a long one its end, where a traceback says what was wrong."""
        line = self.format(record)
        self.lines.append(line if len(line) <= _LONGEST_LINE else f"…{line[1 - _LONGEST_LINE :]}")

    def tail(self, most: int) -> str:
        """Return the last lines as one printable text of at most so many characters."""
        text = "\n".join(self.lines)
        text = "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text)
        if len(text) <= most:
            return text
        return f"…{text[len(text) - most + 1 :]}"


def keep_recent_log() -> RecentLog:
    """Keep what is logged from here on, as well as wherever else it goes."""
    recent = RecentLog()
    logging.getLogger("videojob").addHandler(recent)
    return recent
