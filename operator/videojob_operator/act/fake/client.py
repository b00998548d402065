"""The client, with the fake server at its other end, and what can go wrong between the two."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from videojob_contract.api_paths import Resource
from videojob_operator.act.fake.server import FakeApiServer
from videojob_operator.act.kubernetes import Kubernetes, Object


@dataclass
class _Fault:
    answer: tuple[int, bytes] | None
    """Instead of the server's; None for none at all."""
    method: str
    resource: Resource | None
    carried_out: bool
    times: int | None

    def meets(self, method: str, path: str) -> bool:
        """Whether a request goes wrong, of which this fault then has one less to spoil."""
        of_resource = self.resource is None or f"/{self.resource.plural}" in path
        if self.method not in {"", method} or not of_resource or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FakeKubernetes(Kubernetes):
    """A client of a `FakeApiServer`: all but the way there is the real one's."""

    def __init__(self, server: FakeApiServer) -> None:
        self._server = server
        self._faults: list[_Fault] = []
        self._latency_s = 0.0

    async def __aexit__(self, *_: object) -> None:
        pass

    def refuse(
        self,
        code: int,
        reason: str,
        *,
        message: str = "refused by the test",
        cause: str = "",
        method: str = "",
        resource: Resource | None = None,
        times: int | None = None,
    ) -> None:
        """Have requests refused, all or those of an HTTP method or a resource, so many times or until `recover`."""
        status = {"reason": reason, "message": message, "details": {"causes": [{"reason": cause}]}}
        answer = (code, json.dumps(status).encode())
        self._faults.append(_Fault(answer, method, resource, carried_out=False, times=times))

    def lose_answers(self, *, carried_out: bool, times: int | None = None) -> None:
        """Have requests go unanswered, so many times or until `recover`; the server may do them all the same."""
        self._faults.append(_Fault(None, "", None, carried_out=carried_out, times=times))

    def answer_after(self, latency_s: float) -> None:
        """Have each request done at once, and answered so much later, until `recover`."""
        self._latency_s = latency_s

    def recover(self) -> None:
        """Have all requests done and answered again."""
        self._faults.clear()
        self._latency_s = 0.0

    async def _send(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Object | None
    ) -> tuple[int, bytes]:
        await asyncio.sleep(0)  # others may get in between, as with any server
        fault = next((fault for fault in self._faults if fault.meets(method, path)), None)
        if fault is None:
            answer = self._server.answer(method, path, query, headers, body)
            if self._latency_s:
                await asyncio.sleep(self._latency_s)
            return answer
        if fault.carried_out:
            self._server.answer(method, path, query, headers, body)
        if fault.answer is None:
            raise TimeoutError
        return fault.answer
