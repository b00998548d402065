"""Each step's name and how long it took, printed as it happens."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from node.config import ClusterError

WIDTH = 58


@contextmanager
def step(name: str) -> Iterator[None]:
    """Prints `name` when it begins and the seconds it took when it ends."""
    start = time.monotonic()
    print(f"  {name:<{WIDTH}}", end="", flush=True)
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f"{time.monotonic() - start:7.1f} s", flush=True)


def wait_for(what: str, ready: Callable[[], bool], *, timeout_s: float, poll_s: float = 0.05) -> None:
    """Polls `ready` until it is true.

    Raises:
        ClusterError: it was not within `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what}: not ready after {timeout_s:.0f} s")
        time.sleep(poll_s)


def say(text: str) -> None:
    """A line for the person who runs this."""
    print(text, flush=True)


def complain(text: str) -> None:
    """The same, on standard error."""
    print(text, file=sys.stderr, flush=True)
