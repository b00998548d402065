"""Where progress goes: a queue, a terminal, a stream of JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from videojob_contract.assignment import Progress


class Reporter(Protocol):
    """Takes the progress of one attempt."""

    def report(self, progress: Progress) -> None:
        """Take the latest; called from the event loop, often, so it keeps it and returns."""


class Unheard:
    """Takes progress of which nobody is told."""

    def report(self, progress: Progress) -> None:
        """Let it go."""
