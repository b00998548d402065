"""What docs/install.md gives Argo CD to judge resources by, run by Redis, whose Lua is 5.1 as Argo CD's is."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis

from videojob_contract.resources.status import Phase

PAGE = Path(__file__).parents[3] / "docs" / "install.md"


def script(kind: str) -> str:
    blocks = [part.partition("```")[0] for part in PAGE.read_text(encoding="utf-8").split("```yaml\n")[1:]]
    (block,) = [block for block in blocks if "resource.customizations.health" in block]
    found: str = yaml.safe_load(block)["data"][f"resource.customizations.health.videojob.dev_{kind}"]
    return found


def health(redis_url: str, kind: str, status: dict[str, Any] | None) -> tuple[str, str]:
    """Return the status and the message that Argo CD would show."""
    code = f"local obj = cjson.decode(ARGV[1]) local function judge() {script(kind)} end return cjson.encode(judge())"
    resource = {"kind": kind} | ({} if status is None else {"status": status})
    with Redis.from_url(redis_url) as redis:
        said = json.loads(redis.eval(code, 0, json.dumps(resource)))  # type: ignore[arg-type]
    assert said.keys() == {"status", "message"}
    return said["status"], said["message"]


OF_PHASES = {
    Phase.PENDING: "Progressing",
    Phase.QUEUED: "Progressing",
    Phase.RUNNING: "Progressing",
    Phase.SUCCEEDED: "Healthy",
    Phase.FAILED: "Degraded",
    Phase.CANCELLED: "Suspended",
}


@pytest.mark.parametrize("phase", Phase)
def test_a_videojob_is_as_healthy_as_its_phase(redis_url: str, phase: Phase) -> None:
    status = {"phase": phase.value, "message": "said"}
    assert health(redis_url, "VideoJob", status) == (OF_PHASES[phase], "said")


@pytest.mark.parametrize("reason", ["Suspended", "Restored"])
def test_a_videojob_that_is_held_is_suspended(redis_url: str, reason: str) -> None:
    assert health(redis_url, "VideoJob", {"phase": "Pending", "reason": reason})[0] == "Suspended"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], "Progressing"),
        ([("Accepted", "True", "Accepted")], "Progressing"),
        ([("Accepted", "True", "Accepted"), ("Ready", "True", "Ready")], "Healthy"),
        ([("Accepted", "True", "Accepted"), ("Ready", "False", "WorkersStarting")], "Progressing"),
        ([("Accepted", "True", "Accepted"), ("Ready", "False", "WorkersNotStarting")], "Degraded"),
        ([("Accepted", "True", "Accepted"), ("Ready", "False", "QueueUnavailable")], "Degraded"),
        ([("Accepted", "False", "InvalidSpec"), ("Ready", "True", "Ready")], "Degraded"),
        ([("Ready", "True", "Ready"), ("Accepted", "False", "InvalidSpec")], "Degraded"),
        ([("Contested", "True", "OwnedElsewhere"), ("Ready", "True", "Ready")], "Healthy"),
    ],
)
def test_a_pool_is_as_healthy_as_its_conditions(
    redis_url: str, conditions: list[tuple[str, str, str]], expected: str
) -> None:
    listed = [{"type": kind, "status": holds, "reason": reason, "message": ""} for kind, holds, reason in conditions]
    assert health(redis_url, "RenderPool", {"conditions": listed})[0] == expected


@pytest.mark.parametrize("kind", ["VideoJob", "RenderPool"])
@pytest.mark.parametrize("status", [None, {}])
def test_what_has_no_status_yet_is_on_its_way(redis_url: str, kind: str, status: dict[str, Any] | None) -> None:
    assert health(redis_url, kind, status) == ("Progressing", "")
