"""How long tests pause between two looks at what happens in other programs."""

import time

SHORTEST_S = 0.02
LONGEST_S = 0.25


def pause_s(since: float) -> float:
    """Return the seconds to pause when it has been waited since then, a time of `time.monotonic()`.

    They are a tenth of that: looking takes little of the processor, and waiting little longer than it must.
    """
    return min(max(SHORTEST_S, (time.monotonic() - since) / 10), LONGEST_S)
