"""What may surprise in a render, for the log, the plan and the status: content that was skipped, held or guessed."""

from __future__ import annotations

import logging
import threading

from videojob_contract.resources.status import MAX_WARNING, MAX_WARNINGS

log = logging.getLogger("videojob.render")


class RenderWarnings:
    """Collects what was said in a render: each warning once, in order, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, None] = {}
        self._more = 0

    def add(self, warning: str) -> None:
        """Say something that its reader may act on; it names the field, as an error does."""
        warning = warning if len(warning) <= MAX_WARNING else f"{warning[: MAX_WARNING - 1]}…"
        with self._lock:
            if warning in self._said:
                return
            if len(self._said) >= MAX_WARNINGS - 1:
                self._more += 1
                return
            self._said[warning] = None
        log.warning("%s", warning)

    @property
    def said(self) -> tuple[str, ...]:
        """All that was said; where it was too much, the last tells how much more there was."""
        with self._lock:
            return (*self._said, *([f"and {self._more} more warnings"] if self._more else []))
