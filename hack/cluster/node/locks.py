"""One command of a kind at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from node import config
from node.steps import complain


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Waits until no other process holds the lock `name`, and holds it."""
    path = config.cache() / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            complain(f"another command is at work on the {name}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
