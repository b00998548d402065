"""A real redis-server for tests: on loopback, an ephemeral port, in memory only."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.ports import free_port

START_TIMEOUT_S = 60.0


@contextmanager
def redis_server(port: int | None = None, *options: str) -> Iterator[str]:
    """Run redis-server, on any free port or the one that is asked for, with more options; yields its URL."""
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError("redis-server is not on PATH: apt-get install redis-server")
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="videojob-redis-") as folder:
        log = Path(folder) / "log"
        server = subprocess.Popen(
            [
                *(program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""),
                *("--dir", folder, "--logfile", str(log), *options),
            ],
        )
        try:
            _wait(server, port, log)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait(timeout=10)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    said = log.read_text() if log.exists() else "it wrote no log"
    raise RuntimeError(f"redis-server did not start: {said}")
