"""Tests in virtual time: an event loop whose clock jumps to the next timer instead of waiting for it.

So a test of waits is exact, takes no time, and does not care how busy the machine is.
"""

import asyncio
import functools
import math
from collections.abc import Awaitable, Callable
from typing import ParamSpec

P = ParamSpec("P")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop for code that does no I/O."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        """Return the virtual time, in seconds."""
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # nothing to do before the next timer
            self._now = max(self._now, self._scheduled[0].when())
        # Else what is due within the resolution of the real clock is run before its time: whoever then looks at the
        # clock, and waits for the rest, does so for ever.
        self._clock_resolution = math.ulp(self._now)
        super()._run_once()


def virtual_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run an asynchronous test in a loop of its own, in virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(main())

    return run
