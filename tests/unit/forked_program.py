"""What the tests of the fork server run: says its word, and ends as it is told to."""

import os
import signal
import sys


def main() -> None:
    """Write WORD, wait for a signal if there is no CODE, and exit with that."""
    print(os.environ["WORD"], os.getpid(), flush=True)  # noqa: T201 - into its log
    if "CODE" not in os.environ:
        signal.pause()
    sys.exit(int(os.environ["CODE"]))
