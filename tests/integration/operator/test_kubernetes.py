"""The API server, as the operator uses it: what is tested here holds for the real one and for the fake."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.operator.conftest import CLIPS, POOL_SPEC, client_of
from videojob_contract.api_paths import EVENTS, JOBS, PODS, RENDERPOOLS, VIDEOJOBS, Resource
from videojob_operator.act import kubernetes as kubernetes_module
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.act.kubernetes import CONFLICT, NOT_FOUND, Kubernetes, Object
from videojob_operator.act.worker_job import adoption, owner_reference
from videojob_operator.errors import ApiError, NamespaceTerminatingError

API_VERSION = "videojob.dev/v1alpha1"
CONTAINER = {"name": "worker", "image": "x"}
POD_SPEC = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [CONTAINER]}
ELSEWHERE = "7b2fd0a5-0000-4000-8000-000000000000"


class Backend:
    """A namespace of a test's own; `apiserver` is None for the fake."""

    def __init__(self, client: Kubernetes, namespace: str, apiserver: ApiServer | None, fake: FakeApiServer) -> None:
        self.client = client
        self.namespace = namespace
        self._apiserver = apiserver
        self._fake = fake

    async def create(self, resource: Resource, name: str, spec: Any = None, **metadata: Any) -> Object:
        """Create an object that is not there."""
        api_version, kind, usual = {
            VIDEOJOBS: (API_VERSION, "VideoJob", {"clips": CLIPS}),
            RENDERPOOLS: (API_VERSION, "RenderPool", POOL_SPEC),
            JOBS: ("batch/v1", "Job", {"template": {"spec": POD_SPEC}}),
            PODS: ("v1", "Pod", POD_SPEC),
        }[resource]
        body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name} | metadata, "spec": spec or usual}
        created = await self.client.create(resource, self.namespace, body)
        assert created is not None
        return created

    async def get(self, resource: Resource, name: str) -> Object:
        """Return an object that is there."""
        found = await self.client.get(resource, self.namespace, name)
        assert found is not None
        return found

    async def patch(self, resource: Resource, name: str, body: Object, subresource: str = "") -> Object:
        """Patch an object that is there."""
        patched = await self.client.patch(resource, self.namespace, name, body, subresource=subresource)
        assert patched is not None
        return patched

    async def names(self, resource: Resource, **options: Any) -> list[str]:
        """Return the names in a list."""
        return [body["metadata"]["name"] async for body in self.client.list(resource, self.namespace, **options)]

    async def events(self, resource: Resource, since: Object, selector: str = "") -> list[tuple[str, Object]]:
        """Return what a watch is told of that happened since an object was written."""
        query = {
            "watch": "true",
            "resourceVersion": since["metadata"]["resourceVersion"],
            "labelSelector": selector,
            "timeoutSeconds": "1",
        }
        code, data = await self.client._send("GET", resource.url(self.namespace), query, {}, None)
        assert code == 200
        events = [json.loads(line) for line in data.splitlines()]
        return [(event["type"], event["object"]) for event in events]

    def terminate(self) -> None:
        """Have the namespace be terminated."""
        if self._apiserver is None:
            self._fake.terminate(self.namespace)
        else:
            self._apiserver.kubectl("delete", "namespace", self.namespace, "--wait=false")


@pytest.fixture(params=["apiserver", "fake"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    fake = FakeApiServer()
    async with AsyncExitStack() as stack:
        if request.param == "fake":
            yield Backend(FakeKubernetes(fake), "team", None, fake)
            return
        apiserver = request.getfixturevalue("apiserver")
        client = await stack.enter_async_context(await client_of(apiserver.kubeconfig))
        namespace = apiserver.create_namespace()
        apiserver.create_account("default", namespace)  # a pod needs one to be admitted
        yield Backend(client, namespace, apiserver, fake)


def version_of(body: Object) -> int:
    return int(body["metadata"]["resourceVersion"])


def told(events: list[tuple[str, Object]]) -> list[tuple[str, str]]:
    return [(kind, body["metadata"]["name"]) for kind, body in events]


ALL = pytest.mark.parametrize("resource", [VIDEOJOBS, RENDERPOOLS, JOBS, PODS], ids=lambda resource: resource.plural)
CUSTOM = pytest.mark.parametrize("resource", [VIDEOJOBS, RENDERPOOLS], ids=lambda resource: resource.plural)


# --- create and get


@ALL
async def test_what_is_created_has_an_identity_and_can_be_read(backend: Backend, resource: Resource) -> None:
    created = await backend.create(resource, "one", labels={"a": "b"})
    metadata = created["metadata"]
    assert (metadata["name"], metadata["namespace"], metadata["generation"]) == ("one", backend.namespace, 1)
    assert metadata["labels"].items() >= {("a", "b")}
    assert metadata["uid"]
    assert metadata["creationTimestamp"].endswith("Z")
    assert await backend.get(resource, "one") == created


@ALL
async def test_what_is_not_there_is_none(backend: Backend, resource: Resource) -> None:
    assert await backend.client.get(resource, backend.namespace, "none") is None
    assert await backend.client.patch(resource, backend.namespace, "none", {"metadata": {}}) is None
    assert await backend.client.patch(resource, backend.namespace, "none", {}, subresource="status") is None
    await backend.client.delete(resource, backend.namespace, "none")


@ALL
async def test_a_name_is_given_once(backend: Backend, resource: Resource) -> None:
    first = await backend.create(resource, "one")
    body = {key: value for key, value in first.items() if key != "status"}
    body["metadata"] = {"name": "one"}
    if resource is JOBS:
        body["spec"] = {"template": {"spec": POD_SPEC}}
    assert await backend.client.create(resource, backend.namespace, body) is None
    assert await backend.get(resource, "one") == first


async def test_a_name_that_is_given_again_is_another_object(backend: Backend) -> None:
    first = await backend.create(VIDEOJOBS, "one")
    await backend.client.delete(VIDEOJOBS, backend.namespace, "one")
    second = await backend.create(VIDEOJOBS, "one")
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert version_of(second) > version_of(first)


async def test_a_status_is_not_created(backend: Backend) -> None:
    body = {"apiVersion": API_VERSION, "kind": "VideoJob", "metadata": {"name": "one"}, "spec": {"clips": CLIPS}}
    created = await backend.client.create(VIDEOJOBS, backend.namespace, body | {"status": {"phase": "Running"}})
    assert created is not None
    assert "status" not in created
    job = await backend.create(JOBS, "one")
    assert job["status"] == {}
    pod = await backend.create(PODS, "one")
    assert pod["status"]["phase"] == "Pending"


async def test_an_event_is_created(backend: Backend) -> None:
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "one.1", "namespace": backend.namespace},
        "eventTime": "2026-01-01T12:00:00.000000Z",
        "type": "Normal",
        "reason": "Queued",
        "action": "Queued",
        "note": "it waits",
        "reportingController": "videojob.dev/operator",
        "reportingInstance": "test",
        "regarding": {"apiVersion": API_VERSION, "kind": "VideoJob", "namespace": backend.namespace, "name": "one"},
    }
    created = await backend.client.create(EVENTS, backend.namespace, event)
    assert created is not None
    assert created["note"] == "it waits"


async def test_an_object_of_another_namespace_is_refused(backend: Backend) -> None:
    with pytest.raises(ApiError) as refusal:
        await backend.create(VIDEOJOBS, "one", namespace="another")
    assert (refusal.value.code, refusal.value.reason) == (400, "BadRequest")


async def test_nothing_is_created_in_a_namespace_that_is_terminated(backend: Backend) -> None:
    backend.terminate()
    with pytest.raises(NamespaceTerminatingError) as refusal:
        await backend.create(VIDEOJOBS, "one")
    assert (refusal.value.code, refusal.value.reason) == (403, "Forbidden")


# --- patch


@ALL
async def test_a_patch_merges_and_null_removes(backend: Backend, resource: Resource) -> None:
    await backend.create(resource, "one", labels={"a": "b", "c": "d"}, annotations={"e": "f"})
    before = await backend.get(resource, "one")
    patched = await backend.patch(resource, "one", {"metadata": {"labels": {"a": None, "g": "h"}}})
    labels = patched["metadata"]["labels"]
    assert "a" not in labels
    assert labels.items() >= {("c", "d"), ("g", "h")}
    assert patched["metadata"]["annotations"] == {"e": "f"}
    assert patched["spec"] == before["spec"]
    assert version_of(patched) > version_of(before)
    assert await backend.get(resource, "one") == patched


@ALL
async def test_a_patch_that_changes_nothing_writes_nothing(backend: Backend, resource: Resource) -> None:
    created = await backend.create(resource, "one", labels={"a": "b"})
    assert version_of(await backend.patch(resource, "one", {"metadata": {"labels": {"a": "b"}}})) == version_of(created)


@CUSTOM
async def test_a_change_of_the_spec_is_another_generation(backend: Backend, resource: Resource) -> None:
    field = {VIDEOJOBS: {"suspend": True}, RENDERPOOLS: {"minIdle": 2}}[resource]
    await backend.create(resource, "one")
    labelled = await backend.patch(resource, "one", {"metadata": {"labels": {"a": "b"}}})
    assert labelled["metadata"]["generation"] == 1
    changed = await backend.patch(resource, "one", {"spec": field})
    assert changed["metadata"]["generation"] == 2
    assert changed["spec"].items() >= field.items()


async def test_a_status_is_a_subresource(backend: Backend) -> None:
    created = await backend.create(VIDEOJOBS, "one")
    both = {"spec": {"suspend": True}, "status": {"phase": "Queued"}, "metadata": {"labels": {"a": "b"}}}
    by_status = await backend.patch(VIDEOJOBS, "one", both, "status")
    assert by_status["status"] == {"phase": "Queued"}
    assert by_status["spec"] == created["spec"]
    assert "labels" not in by_status["metadata"]
    assert by_status["metadata"]["generation"] == 1
    by_object = await backend.patch(VIDEOJOBS, "one", {"spec": {"suspend": True}, "status": {"phase": "Running"}})
    assert by_object["status"] == {"phase": "Queued"}
    assert by_object["spec"]["suspend"] is True


async def test_a_status_is_merged_field_by_field(backend: Backend) -> None:
    await backend.create(VIDEOJOBS, "one")
    await backend.patch(VIDEOJOBS, "one", {"status": {"phase": "Running", "progress": 1, "message": "x"}}, "status")
    patched = await backend.patch(VIDEOJOBS, "one", {"status": {"progress": 2, "message": None}}, "status")
    assert patched["status"] == {"phase": "Running", "progress": 2}


@pytest.mark.parametrize("subresource", ["", "status"])
async def test_a_patch_of_an_older_version_is_a_conflict(backend: Backend, subresource: str) -> None:
    created = await backend.create(VIDEOJOBS, "one")
    await backend.patch(VIDEOJOBS, "one", {"metadata": {"labels": {"a": "b"}}})
    now = await backend.get(VIDEOJOBS, "one")
    body = {"metadata": {"resourceVersion": str(version_of(created))}, "status": {"phase": "Queued"}}
    with pytest.raises(ApiError) as refusal:
        await backend.patch(VIDEOJOBS, "one", body, subresource)
    assert (refusal.value.code, refusal.value.reason) == (CONFLICT, "Conflict")
    assert await backend.get(VIDEOJOBS, "one") == now
    body["metadata"]["resourceVersion"] = str(version_of(now))
    await backend.patch(VIDEOJOBS, "one", body, subresource)


async def test_of_a_uid_a_patch_of_a_status_takes_no_notice(backend: Backend) -> None:
    await backend.create(VIDEOJOBS, "one")
    body = {"metadata": {"uid": ELSEWHERE}, "status": {"phase": "Queued"}}
    assert (await backend.patch(VIDEOJOBS, "one", body, "status"))["status"] == {"phase": "Queued"}


async def test_a_uid_cannot_be_changed(backend: Backend) -> None:
    await backend.create(VIDEOJOBS, "one")
    with pytest.raises(ApiError) as refusal:
        await backend.patch(VIDEOJOBS, "one", {"metadata": {"uid": ELSEWHERE, "labels": {"a": "b"}}})
    assert (refusal.value.code, refusal.value.reason) == (422, "Invalid")


async def test_an_owner_is_replaced(backend: Backend) -> None:
    pool = await backend.create(RENDERPOOLS, "default")
    owner = owner_reference("RenderPool", "default", pool["metadata"]["uid"])
    await backend.create(JOBS, "default-1", ownerReferences=[owner])
    video = await backend.create(VIDEOJOBS, "one")
    uid = video["metadata"]["uid"]
    adopted = await backend.patch(JOBS, "default-1", adoption("one", uid))
    assert [reference["uid"] for reference in adopted["metadata"]["ownerReferences"]] == [uid]
    assert adopted["metadata"]["generation"] == 1


# --- delete


@ALL
async def test_what_is_deleted_is_gone(backend: Backend, resource: Resource) -> None:
    created = await backend.create(resource, "one")
    await backend.client.delete(resource, backend.namespace, "one", uid=created["metadata"]["uid"])
    assert await backend.client.get(resource, backend.namespace, "one") is None


@ALL
async def test_an_object_with_another_uid_is_not_deleted(backend: Backend, resource: Resource) -> None:
    created = await backend.create(resource, "one")
    await backend.client.delete(resource, backend.namespace, "one", uid=ELSEWHERE)
    assert await backend.get(resource, "one") == created


@CUSTOM
async def test_a_finalizer_holds_up_a_deletion(backend: Backend, resource: Resource) -> None:
    created = await backend.create(resource, "one", finalizers=["example.org/wait"])
    await backend.client.delete(resource, backend.namespace, "one")
    going = await backend.get(resource, "one")
    assert going["metadata"]["deletionTimestamp"].endswith("Z")
    assert going["metadata"]["generation"] == 2
    assert version_of(going) > version_of(created)
    await backend.client.delete(resource, backend.namespace, "one")
    assert await backend.get(resource, "one") == going
    await backend.patch(resource, "one", {"metadata": {"finalizers": None}})
    assert await backend.client.get(resource, backend.namespace, "one") is None
    *_, (kind, _) = await backend.events(resource, created)
    assert kind == "DELETED"


# --- list


async def test_a_list_is_of_one_namespace_or_of_all_and_in_order(backend: Backend) -> None:
    for name in ("c", "a", "b"):
        await backend.create(VIDEOJOBS, name)
    assert await backend.names(VIDEOJOBS) == ["a", "b", "c"]
    everywhere = [body["metadata"] async for body in backend.client.list(VIDEOJOBS, None)]
    assert [item["name"] for item in everywhere if item["namespace"] == backend.namespace] == ["a", "b", "c"]
    empty = backend.client.list(VIDEOJOBS, "nowhere")
    assert [body async for body in empty] == []


async def test_a_list_has_what_its_selector_names(backend: Backend) -> None:
    await backend.create(JOBS, "a", labels={"role": "worker", "pool": "x"})
    await backend.create(JOBS, "b", labels={"role": "worker", "pool": "y"})
    await backend.create(JOBS, "c")
    assert await backend.names(JOBS, selector="role=worker") == ["a", "b"]
    assert await backend.names(JOBS, selector="role=worker,pool=y") == ["b"]
    assert await backend.names(JOBS, selector="role=none") == []


@pytest.mark.parametrize("options", [{}, {"metadata_only": True}])
async def test_a_list_comes_in_pages_and_is_whole(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, options: dict[str, bool]
) -> None:
    monkeypatch.setattr(kubernetes_module, "PAGE", 2)
    for name in "abcde":
        await backend.create(VIDEOJOBS, name)
    names = []
    async for body in backend.client.list(VIDEOJOBS, backend.namespace, **options):
        names.append(body["metadata"]["name"])
        if len(names) == 1:  # what changes meanwhile does not show
            await backend.client.delete(VIDEOJOBS, backend.namespace, "d")
            await backend.create(VIDEOJOBS, "f")
    assert names == list("abcde")
    assert await backend.names(VIDEOJOBS, **options) == list("abcef")


@ALL
async def test_a_list_of_metadata_has_nothing_else(backend: Backend, resource: Resource) -> None:
    assert await backend.names(resource, metadata_only=True) == []
    created = await backend.create(resource, "one", labels={"a": "b"})
    (found,) = [body async for body in backend.client.list(resource, backend.namespace, metadata_only=True)]
    assert found.keys() <= {"metadata", "kind", "apiVersion"}
    assert found["metadata"] == created["metadata"]


@ALL
async def test_kinds_stand_in_lists_of_custom_resources_alone(backend: Backend, resource: Resource) -> None:
    created = await backend.create(resource, "one")
    assert "kind" in created
    (found,) = [body async for body in backend.client.list(resource, backend.namespace)]
    assert ("kind" in found) == (resource in {VIDEOJOBS, RENDERPOOLS})
    assert found["spec"] == created["spec"]


# --- watch


@ALL
async def test_a_watch_tells_of_everything_since_a_version(backend: Backend, resource: Resource) -> None:
    first = await backend.create(resource, "first")
    second = await backend.create(resource, "second")
    changed = await backend.patch(resource, "first", {"metadata": {"labels": {"a": "b"}}})
    await backend.patch(resource, "first", {"metadata": {"labels": {"a": "b"}}})
    await backend.client.delete(resource, backend.namespace, "second")
    events = await backend.events(resource, first)
    # A pod is first told to go, and then it is gone.
    going = [("MODIFIED", "second")] if resource is PODS else []
    assert told(events) == [("ADDED", "second"), ("MODIFIED", "first"), *going, ("DELETED", "second")]
    assert [body for _, body in events[:2]] == [second, changed]
    last = events[-1][1]
    assert [version_of(body) for _, body in events] == sorted({version_of(body) for _, body in events})
    assert ("deletionTimestamp" in last["metadata"]) == (resource is PODS)
    assert last["metadata"]["generation"] == (2 if resource is PODS else 1)
    assert last["metadata"]["uid"] == second["metadata"]["uid"]
    assert last["spec"] == second["spec"]


async def test_to_a_watch_with_a_selector_what_stops_matching_is_deleted(backend: Backend) -> None:
    first = await backend.create(VIDEOJOBS, "one")
    await backend.patch(VIDEOJOBS, "one", {"metadata": {"labels": {"a": "b"}}})
    await backend.patch(VIDEOJOBS, "one", {"metadata": {"labels": {"c": "d"}}})
    await backend.patch(VIDEOJOBS, "one", {"metadata": {"labels": {"a": "x"}}})
    await backend.client.delete(VIDEOJOBS, backend.namespace, "one")
    events = await backend.events(VIDEOJOBS, first, "a=b")
    assert [kind for kind, _ in events] == ["ADDED", "MODIFIED", "DELETED"]
    gone = events[2][1]["metadata"]
    assert gone["labels"] == {"a": "b", "c": "d"}
    assert int(gone["resourceVersion"]) > version_of(events[1][1])


# --- what the fake is for


async def test_no_path_leads_past_a_name(backend: Backend) -> None:
    await backend.create(PODS, "x")
    assert await backend.client.get(JOBS, backend.namespace, "../pods/x") is None


async def test_a_refusal_says_code_and_reason(backend: Backend) -> None:
    with pytest.raises(ApiError, match="not found") as refusal:
        await backend.client._request("GET", "get", JOBS, JOBS.url(backend.namespace, "none"))
    assert (refusal.value.code, refusal.value.reason) == (NOT_FOUND, "NotFound")
