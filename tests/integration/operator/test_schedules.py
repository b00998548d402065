"""VideoSchedules on the real API server: VideoJobs at their times, once, whatever happens to the operator."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from tests.integration.apiserver import ApiServer
from tests.integration.operator.conftest import CLIPS, World, eventually
from videojob_contract.api_paths import EVENTS, VIDEOJOBS, VIDEOSCHEDULES

pytestmark = pytest.mark.usefixtures("patient")  # nothing is found by a comparison that should be told at once

EVERY_MINUTE = "* * * * *"


async def create(world: World, name: str = "news", **spec: Any) -> None:
    template = {"spec": {"clips": CLIPS}}
    body = {
        "apiVersion": "videojob.dev/v1alpha1",
        "kind": "VideoSchedule",
        "metadata": {"name": name},
        "spec": {"schedule": EVERY_MINUTE, "template": template} | spec,
    }
    assert await world.kubernetes.create(VIDEOSCHEDULES, world.namespace, body)


async def schedule(world: World, name: str = "news") -> dict[str, Any]:
    found = await world.kubernetes.get(VIDEOSCHEDULES, world.namespace, name)
    assert found is not None
    return found


async def is_due(world: World, name: str = "news", *, since: timedelta = timedelta(minutes=10)) -> None:
    """Have a schedule believe that it made its last one some time ago."""
    last = (datetime.now(UTC) - since).isoformat().replace("+00:00", "Z")
    await world.kubernetes.patch(
        VIDEOSCHEDULES, world.namespace, name, {"status": {"lastScheduleTime": last}}, subresource="status"
    )


async def jobs_of(world: World, name: str = "news") -> list[str]:
    videojobs = [each async for each in world.kubernetes.list(VIDEOJOBS, world.namespace)]
    return sorted(
        each["metadata"]["name"]
        for each in videojobs
        if each["metadata"].get("labels", {}).get("videojob.dev/schedule") == name
    )


async def test_a_videojob_is_made_at_its_time_and_goes_with_its_schedule(world: World, apiserver: ApiServer) -> None:
    world.operator.start()
    await world.create_pool()
    titled = [{"title": {"text": "{{ scheduledDate }}"}, "duration": "1s"}]
    await create(
        world, timeZone="Europe/Berlin", template={"metadata": {"labels": {"team": "news"}}, "spec": {"clips": titled}}
    )
    await is_due(world)
    (name,) = await eventually(lambda: jobs_of(world), "a VideoJob")
    await world.reaches(name, "Succeeded")

    videojob = await world.videojob(name)
    assert videojob is not None
    assert videojob["metadata"]["labels"]["team"] == "news"
    assert videojob["metadata"]["ownerReferences"][0]["name"] == "news"
    at = videojob["metadata"]["annotations"]["videojob.dev/scheduled-at"]
    assert videojob["spec"]["parameters"]["scheduledDate"] == at[:10]

    async def done() -> bool:
        return "lastSuccessfulTime" in (await schedule(world))["status"]

    await eventually(done, "the schedule knows of its success")
    status = (await schedule(world))["status"]
    assert datetime.fromisoformat(status["lastScheduleTime"]) == datetime.fromisoformat(at)
    assert status["nextScheduleTime"] > status["lastScheduleTime"]
    assert status["active"] == []
    table = apiserver.kubectl("get", "vs", "-n", world.namespace).stdout
    assert "NEXT" in table
    assert EVERY_MINUTE in table


async def test_an_operator_that_is_killed_makes_none_twice_and_the_last_that_was_missed(world: World) -> None:
    world.operator.start()
    await world.create_pool()
    await create(world, schedule="0 0 1 1 *")  # once a year: the last one was some time ago
    await is_due(world, since=timedelta(days=800))
    (name,) = await eventually(lambda: jobs_of(world), "a VideoJob")
    world.operator.kill()
    await is_due(world, since=timedelta(days=800))  # as if it had crashed before it wrote that
    world.operator.start()

    async def written() -> bool:
        last = (await schedule(world))["status"]["lastScheduleTime"]
        return bool(datetime.now(UTC) - datetime.fromisoformat(last) < timedelta(days=400))

    await eventually(written, "the status says it")
    assert await jobs_of(world) == [name]
    await world.reaches(name, "Succeeded")


async def test_one_that_is_running_holds_up_the_next_or_makes_room(world: World) -> None:
    going = asyncio.Event()

    async def forever(_: object) -> Any:
        await going.wait()

    world.node.render = forever
    world.operator.start()
    await world.create_pool()
    await create(world, "patient", schedule="0 0 1 1 *", concurrencyPolicy="Forbid")
    await create(world, "hasty", schedule="0 0 1 1 *", concurrencyPolicy="Replace")
    for name in ("patient", "hasty"):
        await is_due(world, name, since=timedelta(days=800))
    (first,) = await eventually(lambda: jobs_of(world, "patient"), "a VideoJob")
    await eventually(lambda: jobs_of(world, "hasty"), "a VideoJob")

    # The next time has come: as of another schedule.
    for name in ("patient", "hasty"):
        await world.kubernetes.patch(
            VIDEOSCHEDULES, world.namespace, name, {"spec": {"schedule": datetime.now(UTC).strftime("%M %H * * *")}}
        )

    async def replaced() -> bool:
        return len(names := await jobs_of(world, "hasty")) == 1 and names != [first.replace("patient", "hasty")]

    await eventually(replaced, "another has taken its place")

    async def held() -> bool:
        conditions = (await schedule(world, "patient"))["status"].get("conditions", ())
        return any(each["reason"] == "StillActive" for each in conditions)

    await eventually(held, "the other says what it waits for")
    assert await jobs_of(world, "patient") == [first]
    await world.kubernetes.patch(VIDEOJOBS, world.namespace, first, {"spec": {"cancel": True}})

    async def second() -> bool:
        return len(await jobs_of(world, "patient")) == 2

    await eventually(second, "it was made when the first had finished")
    going.set()


async def test_what_is_wrong_is_refused_or_told(world: World, apiserver: ApiServer) -> None:
    world.operator.start()
    await create(world, schedule="* * 31 2 *")

    async def told() -> str | None:
        async for event in world.kubernetes.list(EVENTS, world.namespace):
            if event["regarding"]["kind"] == "VideoSchedule":
                return str(event["note"])
        return None

    assert "bad day-of-month" in await eventually(told, "an Event")
    wrong = {
        "apiVersion": "videojob.dev/v1alpha1",
        "kind": "VideoSchedule",
        "metadata": {"name": "n" * 53},
        "spec": {"schedule": "daily", "template": {"spec": {"clips": [{"color": "blue", "duration": "1s"}]}}},
    }
    said = apiserver.refusal(wrong, world.namespace)
    assert "at most 52 characters" in said
    assert "write five fields of cron" in said
    assert "is not a colour" in said
    # What is rendered can be changed in a template, which no VideoJob allows.
    right = yaml.safe_load(yaml.safe_dump(wrong | {"metadata": {"name": "ok"}}))
    right["spec"] = {"schedule": "@daily", "template": {"spec": {"clips": CLIPS}}}
    apiserver.apply(right, world.namespace)
    right["spec"]["template"]["spec"]["clips"] = CLIPS * 2
    apiserver.apply(right, world.namespace)


async def test_what_the_api_server_does_not_take_is_told_and_made_once_it_does(world: World) -> None:
    world.operator.start()
    await world.create_pool()
    template = {"metadata": {"labels": {"show": "late news"}}, "spec": {"clips": CLIPS}}
    await create(world, schedule="0 0 1 1 *", template=template)
    await is_due(world, since=timedelta(days=800))

    async def told() -> bool:
        conditions = (await schedule(world))["status"].get("conditions", ())
        return any(each["reason"] == "FailedCreate" and "late news" in each["message"] for each in conditions)

    await eventually(told, "the condition Ready says why")
    assert await jobs_of(world) == []
    await world.kubernetes.patch(
        VIDEOSCHEDULES, world.namespace, "news", {"spec": {"template": {"metadata": {"labels": {"show": "late-news"}}}}}
    )
    assert await eventually(lambda: jobs_of(world), "a VideoJob")


async def test_one_that_is_being_deleted_makes_no_more(world: World) -> None:
    world.operator.start()
    await world.create_pool()
    await create(world, schedule="0 0 1 1 *")
    await world.kubernetes.patch(
        VIDEOSCHEDULES, world.namespace, "news", {"metadata": {"finalizers": ["example.org/x"]}}
    )
    await world.kubernetes.delete(VIDEOSCHEDULES, world.namespace, "news")
    await is_due(world, since=timedelta(days=800))
    await create(world, "other", schedule="0 0 1 1 *")
    await is_due(world, "other", since=timedelta(days=800))
    assert await eventually(lambda: jobs_of(world, "other"), "a VideoJob of another")
    assert await jobs_of(world) == []
    await world.kubernetes.patch(VIDEOSCHEDULES, world.namespace, "news", {"metadata": {"finalizers": None}})


async def test_a_schedule_is_as_kubectl_expects_it(world: World, apiserver: ApiServer) -> None:
    world.operator.start()
    await world.create_pool()
    await create(world, schedule="0 6 1 1 *", timeZone="Europe/Berlin")
    apiserver.kubectl("wait", "--for=condition=Ready", "vs/news", "-n", world.namespace, "--timeout=20s")
    assert "transition" in apiserver.kubectl("explain", "vs.spec.template.spec.clips").stdout
    assert "cron expression" in apiserver.kubectl("explain", "vs.spec.schedule").stdout
    for _ in range(2):  # what kubectl itself reads back is what it can apply
        text = apiserver.kubectl("get", "vs", "news", "-n", world.namespace, "-o", "json").stdout
        read = yaml.safe_load(text)
        read["metadata"].pop("managedFields", None)
        apiserver.apply(read, world.namespace)
    described = apiserver.kubectl("describe", "vs", "news", "-n", world.namespace).stdout
    assert "Next Schedule Time" in described
