"""`videojob-operator` that is killed right before or right after one of its calls: `CHAOS_KILL=before:CALL:NUMBER`.

A call is a request to the API server, such as `PATCH videojobs/status`, or a command or script of Redis, such as
`enqueue`. The kinds of calls that it came to are appended to the file `CHAOS_CALLS`, a line each.
"""

import os
import re
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from videojob_contract.queue.scripts import scripts
from videojob_operator import main as operator
from videojob_operator.act.kubernetes import Kubernetes

_RESOURCE = re.compile(r"/namespaces/[^/]+/([a-z]+)(?:/[^/]+)?(/status)?$|/([a-z]+)$")
_SCRIPTS = {script.sha: name for name, script in scripts().items()}


class KillPoint:
    """Counts calls, and ends the process at one of them."""

    def __init__(self) -> None:
        self._when, self._call, number = os.environ.get("CHAOS_KILL", "::0").split(":")
        self._number = int(number)
        self._seen: Counter[str] = Counter()

    async def around(self, call: str, do: Callable[[], Awaitable[Any]]) -> Any:
        """Do a call, and do not survive it if it is the one."""
        self._seen[call] += 1
        is_it = (call, self._seen[call]) == (self._call, self._number)
        if self._seen[call] == 1 and "CHAOS_CALLS" in os.environ:
            _append(Path(os.environ["CHAOS_CALLS"]), call)
        if is_it and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return await do()
        finally:
            if is_it:
                os.kill(os.getpid(), signal.SIGKILL)


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")


def install(point: KillPoint) -> None:
    """Have every call of the operator counted."""
    send, execute = Kubernetes._send, Redis.execute_command

    async def counted_send(self: Kubernetes, method: str, path: str, *rest: Any) -> Any:
        found = _RESOURCE.search(path)
        resource = "".join(filter(None, found.groups())) if found else path
        return await point.around(f"{method} {resource}", lambda: send(self, method, path, *rest))

    async def counted_execute(self: Redis, *words: Any, **options: Any) -> Any:
        call = _SCRIPTS.get(words[1], "EVALSHA") if words[0] == "EVALSHA" else str(words[0])
        return await point.around(call, lambda: execute(self, *words, **options))

    Kubernetes._send = counted_send  # type: ignore[method-assign]
    Redis.execute_command = counted_execute  # type: ignore[method-assign,assignment]


def main() -> None:
    """Run it."""
    install(KillPoint())
    operator.main()
