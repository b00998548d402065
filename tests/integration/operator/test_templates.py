"""VideoTemplates on the real API server: what a VideoJob was accepted by is what it is rendered by."""

from typing import Any

import pytest

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import Worker, succeeded
from videojob_contract.api_paths import RENDERPOOLS, VIDEOJOBS, VIDEOSCHEDULES, VIDEOTEMPLATES
from videojob_contract.assignment import Result
from videojob_operator.errors import ApiError


class Painter:
    """Renders, and notes of each job the colour that it was given."""

    def __init__(self) -> None:
        self.colors: dict[str, str | None] = {}

    async def __call__(self, worker: Worker) -> Result:
        assignment = worker.claim.assignment
        self.colors[assignment.name] = assignment.spec.clips[0].color
        return succeeded(assignment)


def timeline(color: str) -> dict[str, Any]:
    return {"clips": [{"color": color, "duration": "{{ length }}"}]}


async def create_template(world: World, color: str) -> None:
    spec = {"parameters": [{"name": "length", "description": "how long"}], "timeline": timeline(color)}
    body = {"apiVersion": "videojob.dev/v1alpha1", "kind": "VideoTemplate", "metadata": {"name": "plain"}, "spec": spec}
    assert await world.kubernetes.create(VIDEOTEMPLATES, world.namespace, body)


async def create_from(world: World, name: str, **spec: Any) -> None:
    asks = {"templateRef": {"name": "plain"}, "parameters": {"length": "1s"}} | spec
    body = {"apiVersion": "videojob.dev/v1alpha1", "kind": "VideoJob", "metadata": {"name": name}, "spec": asks}
    assert await world.kubernetes.create(VIDEOJOBS, world.namespace, body)


async def test_it_waits_for_its_template_and_is_made_by_what_that_had_then(patient: World) -> None:
    patient.node.render = painter = Painter()
    patient.operator.start()
    await patient.create_pool(minIdle=0, maxWorkers=0)
    await create_from(patient, "first")
    await patient.reaches("first", "Pending", also=lambda status: status.get("reason") == "WaitingForTemplate")
    await create_template(patient, "#111111")
    status = await patient.reaches("first", "Queued", timeout_s=10)
    assert status["template"]["name"] == "plain"

    change = {"spec": {"timeline": timeline("#222222")}}
    assert await patient.kubernetes.patch(VIDEOTEMPLATES, patient.namespace, "plain", change)
    await create_from(patient, "second")
    await patient.reaches("second", "Queued")

    # Neither the template, nor the operator, nor Redis need be what they were.
    await patient.kubernetes.delete(VIDEOTEMPLATES, patient.namespace, "plain")
    patient.operator.kill()
    await patient.redis.flushall()
    patient.operator.start()
    await patient.kubernetes.patch(RENDERPOOLS, patient.namespace, "default", {"spec": {"maxWorkers": 1}})
    for name in ("first", "second"):
        await patient.reaches(name, "Succeeded")
    assert painter.colors == {"first": "#111111", "second": "#222222"}

    painter.colors.clear()
    assert await patient.kubernetes.patch(VIDEOJOBS, patient.namespace, "first", {"spec": {"rerun": 1}})
    await eventually(lambda: painter.colors == {"first": "#111111"}, "it is rendered once more, as it was")


async def test_what_a_template_does_not_take_is_refused_with_why(patient: World) -> None:
    patient.operator.start()
    await patient.create_pool()
    await create_template(patient, "#111111")
    await create_from(patient, "without", parameters={})
    assert (await patient.reaches("without", "Failed"))["message"] == (
        'spec.parameters.length: is required by VideoTemplate "plain": how long'
    )
    for wrong in ({"clips": [{"color": "#000000", "duration": "1s"}]}, {"templateRef": None}):
        with pytest.raises(ApiError, match="give clips, or a templateRef that has them, and not both"):
            await create_from(patient, "both", **wrong)


async def test_a_schedule_makes_videojobs_from_a_template(patient: World) -> None:
    patient.node.render = painter = Painter()
    patient.operator.start()
    await patient.create_pool()
    await create_template(patient, "#111111")
    asks = {"templateRef": {"name": "plain"}, "parameters": {"length": "1s"}}
    body = {
        "apiVersion": "videojob.dev/v1alpha1",
        "kind": "VideoSchedule",
        "metadata": {"name": "news"},
        "spec": {"schedule": "* * * * *", "template": {"spec": asks}},
    }
    assert await patient.kubernetes.create(VIDEOSCHEDULES, patient.namespace, body)
    await eventually(lambda: painter.colors, "a VideoJob was made and rendered", timeout_s=90)
    assert set(painter.colors.values()) == {"#111111"}
