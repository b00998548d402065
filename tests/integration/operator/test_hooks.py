"""What the chart's hooks run, on the real API server, with the rights that the chart gives them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.chart.helm import render
from tests.integration.apiserver import ApiServer
from tests.integration.operator.conftest import World, client_of
from videojob_contract.api_paths import CUSTOMRESOURCEDEFINITIONS, VIDEOJOBS
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.errors import ApiError
from videojob_operator.hooks import trial
from videojob_operator.hooks.definitions import apply_definitions
from videojob_operator.hooks.trial import TrialError, try_pool

POOLS = "renderpools.videojob.dev"


@pytest.fixture
async def hook(apiserver: ApiServer, namespace: str, tmp_path: Path) -> AsyncIterator[Kubernetes]:
    """A client with the rights of the Job that brings definitions up to date."""
    name = f"{namespace}-definitions"
    role, binding = (
        next(each for each in render().hooks if each["kind"] == kind) for kind in ("ClusterRole", "ClusterRoleBinding")
    )
    role["metadata"] = binding["metadata"] = {"name": name}
    binding["roleRef"]["name"] = name
    binding["subjects"] = [{"kind": "ServiceAccount", "name": "hook", "namespace": namespace}]
    apiserver.create_account("hook", namespace)
    apiserver.apply(role, namespace)
    apiserver.apply(binding, namespace)
    token = apiserver.kubectl("create", "token", "hook", "-n", namespace).stdout.strip()
    config = yaml.safe_load(apiserver.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    path = tmp_path / "hook"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    try:
        async with await client_of(path) as client:
            yield client
    finally:
        for kind in ("clusterrolebinding", "clusterrole"):
            apiserver.kubectl("delete", kind, name)


async def test_definitions_of_an_older_version_are_brought_up_to_date(
    hook: Kubernetes, kubernetes: Kubernetes, apiserver: ApiServer
) -> None:
    older = [{"op": "remove", "path": "/spec/versions/0/additionalPrinterColumns"}]
    apiserver.kubectl("patch", "crd", POOLS, "--type", "json", "--patch", json.dumps(older))
    try:
        await apply_definitions(hook)
        await apply_definitions(hook)
        definition = await kubernetes.get(CUSTOMRESOURCEDEFINITIONS, "", POOLS)
        assert definition
        assert definition["spec"]["versions"][0]["additionalPrinterColumns"]
    finally:
        await apply_definitions(kubernetes)


async def test_the_hook_may_change_no_other_definition(hook: Kubernetes, kubernetes: Kubernetes) -> None:
    other = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    name = "others.example.org"
    with pytest.raises(ApiError, match="403"):
        await hook.apply(CUSTOMRESOURCEDEFINITIONS, "", name, other | {"metadata": {"name": name}}, manager="test")
    assert await kubernetes.get(CUSTOMRESOURCEDEFINITIONS, "", name) is None


async def test_a_trial_says_where_the_video_is_and_leaves_no_videojob(world: World) -> None:
    world.operator.start()
    await world.create_pool()
    uri = await try_pool(world.kubernetes, world.namespace, "default")
    assert uri.endswith("/trial-default/main.mp4")
    assert not [each async for each in world.kubernetes.list(VIDEOJOBS, world.namespace)]


async def test_a_trial_that_fails_says_why_and_leaves_no_videojob(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "LONGEST_S", 3.0)
    world.operator.start()
    with pytest.raises(TrialError, match=r"not done after 3 s: Pending \(WaitingForPool\): .* no RenderPool \"none\""):
        await try_pool(world.kubernetes, world.namespace, "none")
    assert not [each async for each in world.kubernetes.list(VIDEOJOBS, world.namespace)]
