"""Which cluster the operator is in."""

import json
from typing import Any

import pytest

from videojob_operator.act.cluster import cluster_of
from videojob_operator.act.kubernetes import Kubernetes


class Answering(Kubernetes):
    """An API server that gives these answers, one after the other."""

    def __init__(self, *answers: tuple[int, dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.paths: list[str] = []

    async def _send(self, method: str, path: str, *_: Any) -> tuple[int, bytes]:
        self.paths.append(f"{method} {path}")
        code, body = self.answers.pop(0)
        return code, json.dumps(body).encode()


async def test_it_is_the_uid_of_kube_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videojob_operator.act.cluster.RETRY_S", 0)
    server = Answering((503, {"message": "starting"}), (200, {"metadata": {"uid": "5e1f"}}))
    assert await cluster_of(server) == "5e1f"
    assert server.paths == ["GET /api/v1/namespaces/kube-system"] * 2


async def test_one_that_may_not_look_goes_on_without_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    refusal = {"reason": "Forbidden", "message": 'namespaces "kube-system" is forbidden'}
    assert await cluster_of(Answering((403, refusal))) == ""
    assert "set VIDEOJOB_CLUSTER" in caplog.text
