"""Ports for servers that tests start."""

import os
import random
import socket

# Below the range from which the kernel gives ports to outgoing connections: nobody takes one by chance between
# the moment it is found free and the moment a server listens on it.
_RANGE = range(15_000, 32_000)
# Processes of pytest-xdist that run side by side take none of each other's; `gw1` is the second of them.
_INDEX = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_OWN = _RANGE[_INDEX :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    for port in random.sample(_OWN, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port from {_RANGE.start} to {_RANGE.stop} is free")
