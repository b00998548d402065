"""How long to wait before something is tried again."""

import random
from collections.abc import Iterator


def delays(first_s: float = 0.2, most_s: float = 30.0) -> Iterator[float]:
    """Yield waits in seconds, without end: each is up to twice as long as the one before, at most `most_s`.

    They are random, so that clients that lost one server do not return to it together.
    """
    longest = first_s
    while True:
        yield random.uniform(longest / 2, longest)  # noqa: S311 - not for secrets
        longest = min(2 * longest, most_s)
