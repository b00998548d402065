"""The operator as a process of its own, as it runs in a pod: started, killed and started again by tests."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.fork_server import LOADED, Forked, fork

READY_TIMEOUT_S = 60.0
PROGRAM = Path(sys.executable).parent / "videojob-operator"


class OperatorProcess:
    """One `videojob-operator`, with its log in a file."""

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self.env = os.environ | env
        self.program: Sequence[str | Path] = ()
        """What is started in place of a fork of the operator."""
        self.module = LOADED
        """Whose `main` a fork runs."""
        self.log = log
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._port = 0

    def start(self) -> None:
        """Start it and wait until it answers."""
        begin = self.log.stat().st_size if self.log.exists() else 0
        self.begin()
        assert self._process is not None
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log.read_text()[-3000:]
            found = re.search(r"on port (\d+)", self.log.read_text()[begin:])
            if found:
                self._port = int(found.group(1))
                return
            time.sleep(0.02)
        raise AssertionError(f"the operator did not start: {self.log.read_text()[-3000:]}")

    def begin(self) -> None:
        """Start it, and wait for nothing."""
        if not self.program:
            self._process = fork(self.module, self.env, self.log)
            return
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(self.program, env=self.env, stderr=output, stdout=output)

    @property
    def port(self) -> int:
        """Port of /metrics and /healthz."""
        return self._port

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it as the kernel would: at once, in the middle of anything."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End it as Kubernetes would; return its exit code."""
        if self._process is None or self._process.poll() is not None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(30)  # as long as Kubernetes gives it
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of /metrics or /healthz."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{self._port}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's series with these labels."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and found.group(1) == name:
                there = dict(re.findall(r'(\w+)="([^"]*)"', found.group(2) or ""))
                if labels.items() <= there.items():
                    total += float(found.group(3))
        return total
