"""What the pipeline logged lately: shown only when a render ends in a way that its result cannot explain."""

from __future__ import annotations

import logging
from collections import deque

_KEPT = 50


class Lately(logging.Handler):
    """Keeps the last lines of the log."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: deque[str] = deque(maxlen=_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, with its traceback."""
        self.lines.append(self.format(record))


def listen() -> Lately:
    """Keep what the pipeline logs from here on, and show none of it."""
    log = logging.getLogger("videojob")
    log.setLevel(logging.INFO)
    lately = Lately()
    log.addHandler(lately)
    return lately
