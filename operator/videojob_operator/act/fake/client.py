"""The client, with the fake server at its other end."""

import asyncio
from collections.abc import Mapping

from videojob_operator.act.fake.server import FakeApiServer
from videojob_operator.act.kubernetes import Kubernetes, Object


class FakeKubernetes(Kubernetes):
    """A client of a `FakeApiServer`: all but the way there is the real one's."""

    def __init__(self, server: FakeApiServer) -> None:
        self._server = server

    async def __aexit__(self, *_: object) -> None:
        pass

    async def _send(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Object | None
    ) -> tuple[int, bytes]:
        await asyncio.sleep(self._server.latency_s)  # others may get in between, as with any server
        return self._server.answer(method, path, query, headers, body)
