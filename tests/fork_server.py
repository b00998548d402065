"""Runs programs of ours in forks of a process that has loaded them: to load the operator takes longer than most tests.

What is forked has an environment, a log, signals and an exit code of its own, as if it had been started. Where that is
what is tested, as on the cluster, a program loads itself.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOADED = "videojob_operator.main"
_MAX_REQUEST_BYTES = 1 << 17


class Forked:
    """A program that runs in a fork; the part of `subprocess.Popen` that tests use."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self._code: int | None = None
        self.pid = int(answers.recv(64))

    def poll(self) -> int | None:
        """Return its exit code, which is negative when a signal ended it; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait until it has ended, and return its exit code.

        Raises:
            subprocess.TimeoutExpired: it runs on after that time.
        """
        if self._code is None:
            if not select.select([self._answers], [], [], timeout_s)[0]:
                raise subprocess.TimeoutExpired(LOADED, timeout_s or 0)
            self._code = int(self._answers.recv(64))
            self._answers.close()
        return self._code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Have it end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def fork(module: str, env: Mapping[str, str], log: Path) -> Forked:
    """Run the `main` of a module in a process of its own, which appends to a log."""
    request = json.dumps([module, dict(env)]).encode()
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs, log.open("ab") as output:
        socket.send_fds(_server()[0], [request], [output.fileno(), theirs.fileno()])
    return Forked(ours)


@cache
def _server() -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    """Start the process that is forked, which ends with this one, and return what it is asked by."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())]
        return ours, subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT)


def _serve(requests: socket.socket) -> str:
    """Fork at each request, until nobody can ask any more; return, in each fork, which module's `main` it is to run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch
    while True:
        request, fds, _, _ = socket.recv_fds(requests, _MAX_REQUEST_BYTES, 2)
        if not request:
            sys.exit()
        if os.fork() == 0:
            requests.close()
            module, env = json.loads(request)
            _become(env, *fds)
            return str(module)
        for fd in fds:
            os.close(fd)


def _become(env: Mapping[str, str], log: int, answers: int) -> None:
    """Fork once more: who was forked first watches, and tells how the other ends, which alone comes back from here.

    Until that is heard nobody else gets the other's process id.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if pid := os.fork():
        with suppress(OSError), socket.socket(fileno=answers) as telling:
            telling.send(b"%d" % pid)
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            assert ended is not None
            telling.send(b"%d" % (ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status))
            telling.recv(1)
        os.waitpid(pid, 0)
        os._exit(0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.close(answers)
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
    os.environ.clear()
    os.environ.update(env)


if __name__ == "__main__":
    importlib.import_module(LOADED)
    gc.freeze()
    name = _serve(socket.socket(fileno=int(sys.argv.pop())))
    importlib.import_module(name).main()
