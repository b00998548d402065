"""Every operation on VideoJobs, VideoSchedules and RenderPools, against a real API server."""

from fractions import Fraction

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import SPEC, Cluster
from tests.integration.client.proxy import Proxy
from videojob_client import (
    AlreadyExistsError,
    Client,
    ConflictError,
    InvalidError,
    NotFoundError,
    Phase,
    UnreadableError,
    VideoJobSpec,
)
from videojob_contract.api_paths import VIDEOHOOKS
from videojob_contract.resources import API_VERSION


async def test_a_created_job_is_read_back_with_defaults_filled_in(client: Client) -> None:
    made = await client.videojobs.create("holiday", SPEC, labels={"team": "films"}, annotations={"by": "us"})
    job = await client.videojobs.get("holiday")
    assert job == made
    assert (job.metadata.name, job.metadata.namespace) == ("holiday", client.namespace)
    assert (job.metadata.labels, job.metadata.annotations) == ({"team": "films"}, {"by": "us"})
    assert job.spec.clips[0].duration == Fraction(1)
    assert (job.spec.pool, job.status.phase) == ("default", Phase.PENDING)


async def test_a_spec_may_be_the_contract_s_model(client: Client) -> None:
    spec = VideoJobSpec.model_validate(
        SPEC | {"deadline": "90s", "outputs": [{"name": "main", "format": "mp4"}], "audio": {"tracks": []}}
    )
    job = await client.videojobs.create("modelled", spec)
    assert (job.spec.deadline, job.spec.outputs) == (Fraction(90), spec.outputs)


async def test_the_server_makes_a_name_that_ends_in_a_dash_unique(client: Client) -> None:
    names = {(await client.videojobs.create("film-", SPEC)).metadata.name for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("film-") for name in names)


async def test_a_spec_shows_parameters_in_place_of_templates(client: Client) -> None:
    spec = {"parameters": {"length": "4s"}, "clips": [{"color": "#204060", "duration": "{{ length }}"}]}
    job = await client.videojobs.create("templated", spec)
    assert job.spec.clips[0].duration == Fraction(4)
    assert job.manifest["spec"]["clips"][0]["duration"] == "{{ length }}"


async def test_a_spec_that_cannot_be_read_spoils_nothing_else(client: Client) -> None:
    await client.videojobs.create("unreadable", {"clips": [{"color": "#204060", "duration": "{{ lenght }}"}]})
    [job] = [job async for job in client.videojobs.list()]
    assert job.status.phase is Phase.PENDING
    with pytest.raises(UnreadableError, match=r"spec\.clips\[0\]\.duration: needs the parameter") as caught:
        _ = job.spec
    assert [problem.path for problem in caught.value.problems] == ["spec.clips[0].duration"]


async def test_what_a_newer_operator_writes_is_left_out_and_kept_in_the_manifest(
    client: Client, cluster: Cluster
) -> None:
    await cluster.create("newer")
    at = "2026-01-01T00:00:00Z"
    known = {"type": "Accepted", "status": "True", "reason": "Accepted", "lastTransitionTime": at}
    new = {"type": "Admitted", "status": "True", "reason": "OutOfThisWorld", "lastTransitionTime": at}
    failure = {"reason": "OutOfThisWorld", "message": "no air", "retryable": True}
    await cluster.status("newer", phase="Running", failure=failure, conditions=[known, new], progress=5)
    job = await client.videojobs.get("newer")
    assert (job.status.phase, job.status.progress, job.status.failure) == (Phase.RUNNING, 5, None)
    assert [condition.type for condition in job.status.conditions] == ["Accepted"]
    assert job.manifest["status"]["failure"] == failure


async def test_a_name_that_is_there_is_refused(client: Client) -> None:
    await client.videojobs.create("twice", SPEC)
    with pytest.raises(AlreadyExistsError) as caught:
        await client.videojobs.create("twice", SPEC)
    assert (caught.value.code, caught.value.reason) == (409, "AlreadyExists")


async def test_every_wrong_field_is_named(client: Client) -> None:
    clips = [{"color": "#204060", "duration": "0s"}, {"image": {"uri": "volume://media/a.jpg"}}]
    with pytest.raises(InvalidError) as caught:
        await client.videojobs.create("wrong", {"clips": clips})
    assert {(problem.path, problem.message) for problem in caught.value.problems} == {
        ("spec.clips[0].duration", "Forbidden: must be longer than 0s"),
        ("spec.clips[1].duration", "Required value: only a video has a length of its own"),
    }


async def test_a_field_that_is_not_there_is_refused_and_not_dropped(client: Client) -> None:
    with pytest.raises(InvalidError) as caught:
        await client.videojobs.create("misspelt", SPEC | {"qeueu": "high"})
    assert [str(problem) for problem in caught.value.problems] == ["spec.qeueu: is not a field here"]
    await client.videojobs.create("spelt", SPEC)
    with pytest.raises(InvalidError, match="qeueu"):
        await client.videojobs.patch("spelt", {"spec": {"qeueu": "high"}})


async def test_a_patch_merges_and_what_is_rendered_stays(client: Client) -> None:
    await client.videojobs.create("patched", SPEC | {"deadline": "10m"}, labels={"a": "1"})
    changes = {"metadata": {"labels": {"b": "2"}}, "spec": {"queue": "high", "deadline": None}}
    job = await client.videojobs.patch("patched", changes)
    assert (job.spec.queue, job.spec.deadline, job.metadata.labels) == ("high", None, {"a": "1", "b": "2"})
    with pytest.raises(InvalidError) as caught:
        await client.videojobs.patch("patched", {"spec": {"clips": [{"color": "#000000", "duration": "1s"}]}})
    assert [problem.path for problem in caught.value.problems] == ["spec.clips"]


async def test_a_patch_of_an_older_version_is_a_conflict(client: Client) -> None:
    old = await client.videojobs.create("raced", SPEC)
    await client.videojobs.patch("raced", {"spec": {"queue": "high"}})
    with pytest.raises(ConflictError):
        await client.videojobs.patch(
            "raced", {"spec": {"queue": "low"}}, resource_version=old.metadata.resource_version
        )
    assert (await client.videojobs.get("raced")).spec.queue == "high"


async def test_suspend_and_resume_are_the_spec_s(client: Client) -> None:
    await client.videojobs.create("held", SPEC)
    assert (await client.videojobs.suspend("held")).spec.suspend is True
    assert (await client.videojobs.resume("held")).spec.suspend is False


async def test_cancel_is_asked_for_in_the_spec_and_cannot_be_taken_back(client: Client) -> None:
    await client.videojobs.create("stopped", SPEC)
    assert (await client.videojobs.cancel("stopped")).spec.cancel is True
    assert (await client.videojobs.cancel("stopped")).spec.cancel is True
    with pytest.raises(InvalidError) as caught:
        await client.videojobs.patch("stopped", {"spec": {"cancel": False}})
    assert [problem.path for problem in caught.value.problems] == ["spec.cancel"]


async def test_delete_takes_the_one_that_is_meant(client: Client) -> None:
    first = await client.videojobs.create("reused", SPEC)
    await client.videojobs.delete("reused", uid=first.metadata.uid)
    second = await client.videojobs.create("reused", SPEC)
    with pytest.raises(ConflictError):
        await client.videojobs.delete("reused", uid=first.metadata.uid)
    changed = await client.videojobs.suspend("reused")
    with pytest.raises(ConflictError):
        await client.videojobs.delete("reused", resource_version=second.metadata.resource_version)
    await client.videojobs.delete("reused", resource_version=changed.metadata.resource_version)
    with pytest.raises(NotFoundError):
        await client.videojobs.delete("reused")


async def test_delete_says_what_becomes_of_what_it_owns(client: Client) -> None:
    # No garbage collector runs here: one that is to be deleted after what it owns stays, and says so.
    await client.videojobs.create("owner", SPEC)
    await client.videojobs.delete("owner", propagation="Foreground")
    job = await client.videojobs.get("owner")
    assert job.metadata.deleted_at is not None
    assert job.manifest["metadata"]["finalizers"] == ["foregroundDeletion"]


async def test_a_list_of_many_pages_has_everything_once_and_in_order(client: Client, cluster: Cluster) -> None:
    names = [f"job-{number:02}" for number in range(23)]
    for name in names:
        await cluster.create(name)
    assert [job.metadata.name async for job in client.videojobs.list(page_size=5)] == names


async def test_a_list_goes_on_when_its_moment_is_forgotten(
    proxied: Client, proxy: Proxy, cluster: Cluster, apiserver: ApiServer
) -> None:
    for number in range(6):
        await cluster.create(f"job-{number}")
    names = []
    async for job in proxied.videojobs.list(page_size=2):
        names.append(job.metadata.name)
        if len(names) == 2:
            await cluster.delete("job-4")
            last = await cluster.create("job-6")
            apiserver.forget(last["metadata"]["resourceVersion"])
            proxy.expired = 1
    assert proxy.expired == 0
    assert names == ["job-0", "job-1", "job-2", "job-3", "job-5", "job-6"]


async def test_a_list_is_narrowed_by_labels_phase_and_fields(client: Client, cluster: Cluster) -> None:
    for number in range(4):
        await cluster.create(f"job-{number}", labels={"team": "films" if number % 2 else "ads"})
    await cluster.status("job-1", phase="Running")
    await cluster.status("job-2", phase="Running")

    async def names(**selectors) -> list[str]:
        return [job.metadata.name async for job in client.videojobs.list(**selectors)]

    assert await names(labels="team=films") == ["job-1", "job-3"]
    assert await names(phase=Phase.RUNNING) == ["job-1", "job-2"]
    assert await names(phase=Phase.RUNNING, labels="team=films") == ["job-1"]
    assert await names(phase=Phase.RUNNING, fields="metadata.name=job-2") == ["job-2"]
    assert await names(phase=Phase.FAILED) == []


async def test_namespaces_are_apart_and_can_be_listed_together(client: Client, apiserver: ApiServer) -> None:
    other = apiserver.create_namespace()
    await client.videojobs.create("here", SPEC, labels={"test": other})
    await client.videojobs.in_namespace(other).create("there", SPEC, labels={"test": other})
    assert [job.metadata.name async for job in client.videojobs.list()] == ["here"]
    everywhere = client.videojobs.in_all_namespaces()
    assert {job.metadata.name async for job in everywhere.list(labels=f"test={other}")} == {"here", "there"}
    for asked in (everywhere.get("here"), everywhere.create("nowhere", SPEC), everywhere.cancel("here")):
        with pytest.raises(ValueError, match="in_namespace"):
            await asked


async def test_events_are_those_of_this_job_and_not_of_an_earlier_one_of_its_name(
    client: Client, cluster: Cluster
) -> None:
    earlier = await cluster.create("told")
    await cluster.delete("told")
    job = await client.videojobs.create("told", SPEC)
    for uid, reason, second in (
        (job.metadata.uid, "Succeeded", 3),
        (job.metadata.uid, "Started", 2),
        (earlier["metadata"]["uid"], "Failed", 1),
    ):
        await cluster.event("told", uid, reason, second)
    events = await client.videojobs.events("told")
    assert [(event.type, event.reason, event.message, event.at.second) for event in events] == [
        ("Normal", "Started", "it is Started", 2),
        ("Normal", "Succeeded", "it is Succeeded", 3),
    ]


async def test_renderpools_are_read(client: Client, cluster: Cluster) -> None:
    await cluster.create_pool("large")
    await cluster.create_pool("small")
    assert [pool.metadata.name async for pool in client.renderpools.list(page_size=1)] == ["large", "small"]
    pool = await client.renderpools.get("large")
    assert (pool.spec.max_workers, pool.status.busy) == (10, 0)
    with pytest.raises(NotFoundError):
        await client.renderpools.get("medium")


async def test_videotemplates_are_read(client: Client, cluster: Cluster) -> None:
    await cluster.create_template("plain")
    assert [each.metadata.name async for each in client.videotemplates.list()] == ["plain"]
    template = await client.videotemplates.get("plain")
    assert [parameter.name for parameter in template.spec.parameters] == ["title"]


async def test_videohooks_are_read(client: Client, cluster: Cluster) -> None:
    spec = {"verification": {"scheme": "GitHub", "secretKey": "a"}, "job": {"templateRef": {"name": "plain"}}}
    body = {"apiVersion": API_VERSION, "kind": "VideoHook", "metadata": {"name": "releases"}, "spec": spec}
    await cluster.kubernetes.create(VIDEOHOOKS, cluster.namespace, body)
    (hook,) = [each async for each in client.videohooks.list()]
    assert (hook.metadata.name, hook.spec.job.template_ref.name) == ("releases", "plain")
    assert hook == await client.videohooks.get("releases")


async def test_videoschedules_are_read(client: Client, cluster: Cluster) -> None:
    await cluster.create_schedule("news", timeZone="Europe/Berlin")
    await cluster.create_schedule("wrong", schedule="0 0 30 2 *")
    assert [each.metadata.name async for each in client.videoschedules.list(page_size=1)] == ["news", "wrong"]
    news = await client.videoschedules.get("news")
    assert (news.spec.schedule, news.spec.time_zone) == ("@daily", "Europe/Berlin")
    assert (news.spec.template.spec["clips"][0]["duration"], news.status.active) == ("1s", [])
    with pytest.raises(UnreadableError, match=r"spec\.schedule: .* cannot be read"):
        _ = (await client.videoschedules.get("wrong")).spec
    async for event in client.videoschedules.watch(fields="metadata.name=news"):
        assert event.object == news
        break
