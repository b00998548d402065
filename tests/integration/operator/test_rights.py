"""The rights that the chart gives are enough, and each is used: least privilege, held to on the real API server."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.apiserver import ApiServer
from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.test_schedules import create as create_schedule
from tests.integration.operator.test_schedules import is_due, jobs_of
from videojob_contract.api_paths import EVENTS, JOBS, RENDERPOOLS, VIDEOJOBS
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.types import PoolKey
from videojob_operator.decide.pool_health import KEEP_ENDED_S
from videojob_operator.watched import WATCHED

ROOT = Path(__file__).parents[3]

# What a watch has missed is read, which no story brings about on time: `reconcile/resync.py`.
MISSED = {("get", watched.resource.group, watched.resource.plural, "") for watched in WATCHED}

Right = tuple[str, str, str, str]
"""A verb, a group, a resource, and a name where it is for one object alone."""


def rules_of_the_chart() -> list[dict[str, list[str]]]:
    """Rules of the operator's ClusterRole, as installed by default."""
    documents = yaml.safe_load_all((ROOT / "manifests" / "base" / "install.yaml").read_text())
    roles = {each["metadata"]["name"]: each["rules"] for each in documents if each and each["kind"] == "ClusterRole"}
    return list(roles["videojob-operator"])


def rights(rules: list[dict[str, list[str]]]) -> set[Right]:
    """What rules give, one by one."""
    return {
        (verb, group, resource, name)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def used(apiserver: ApiServer, account: str) -> Iterator[Right]:
    """What an account asked for and was allowed to: each as a right to one object, and as one to all."""
    for event in apiserver.audited():
        allowed = event.get("annotations", {}).get("authorization.k8s.io/decision") == "allow"
        if allowed and event["user"]["username"] == account and (asked := event.get("objectRef")):
            resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
            for name in ("", asked.get("name", "")):
                yield event["verb"], asked.get("apiGroup", ""), resource, name


@pytest.mark.parametrize("scope", ["namespace", "cluster"])
async def test_operator_lives_on_the_rights_of_the_chart_and_uses_each(
    world: World, apiserver: ApiServer, tmp_path: Path, scope: str
) -> None:
    name = f"operator-{world.namespace}"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules_of_the_chart(),
    }
    kind = {"namespace": "RoleBinding", "cluster": "ClusterRoleBinding"}[scope]
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "operator", "namespace": world.namespace}],
    }
    apiserver.create_account("operator", world.namespace)
    apiserver.apply(role, world.namespace)
    apiserver.apply(binding, world.namespace)
    token = apiserver.kubectl("create", "token", "operator", "-n", world.namespace).stdout.strip()
    config = yaml.safe_load(apiserver.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(yaml.safe_dump(config))
    world.operator.env |= {"KUBECONFIG": str(kubeconfig), "VIDEOJOB_WORKER_REDIS_KEY": "a key"}
    if scope == "cluster":
        world.operator.env |= {"VIDEOJOB_NAMESPACES": "", "VIDEOJOB_CLUSTER": ""}
    try:
        world.operator.start()
        await world.create_pool(limits={"dailyPerUser": 9})
        await world.create("one", user="ann", ttlAfterFinished="2s")
        await world.reaches("one", "Succeeded")
        # Reads what messages are signed with, which here is missing.
        await world.create("tells", notify=[{"url": "https://hooks.example.org", "signingKey": "app"}])

        def was_read(status: dict[str, Any]) -> bool:
            return "has no Secret videojob-webhooks" in status["notifications"][0].get("message", "")

        await world.reaches("tells", "Succeeded", also=was_read)
        await world.create("again", user="ann")
        await world.reaches("again", "Succeeded")
        await meets_names_that_are_taken(world)
        # Asks why a worker does not start: of Events, and where there are none of a dry run.
        world.node.posts_events = False
        await world.create_pool("refused", minIdle=1, worker={"priorityClassName": "none"})

        async def explained() -> bool:
            pool = await world.kubernetes.get(RENDERPOOLS, world.namespace, "refused")
            return "no PriorityClass with name none" in str((pool or {}).get("status"))

        await eventually(explained, "the pool says why no worker comes")

        async def gone() -> bool:
            return await world.videojob("one") is None

        await eventually(gone, "the VideoJob was deleted after its time")

        async def told() -> bool:
            return bool([event async for event in world.kubernetes.list(EVENTS, world.namespace)])

        await eventually(told, "Events were posted")
        tried = world.operator.metric("videojob_api_requests_total", code="403", resource="pods", verb="create")
        assert world.operator.metric("videojob_api_requests_total", code="403") == tried > 0
        if scope == "cluster":
            uid = apiserver.get("namespace", "kube-system", "")["metadata"]["uid"]
            assert await world.redis.exists(Keys(PoolKey(world.namespace, "default"), uid).fixed("epoch"))
        assert "system:serviceaccount" not in world.operator.log.read_text()
        # Idle workers that are not as the pool has them now are replaced.
        changed = {"spec": {"worker": {"annotations": {"a": "b"}}}}
        await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", changed)
        account = f"system:serviceaccount:{world.namespace}:operator"
        spare = MISSED | ({("get", "", "namespaces", "kube-system")} if scope == "namespace" else set())

        def unused() -> set[Right]:
            return rights(role["rules"]) - spare - set(used(apiserver, account))

        def is_deleted() -> bool:
            return ("delete", "batch", "jobs", "") not in unused()

        await eventually(is_deleted, "the Job of a worker that was replaced is deleted", KEEP_ENDED_S + 60)
        assert unused() == set()
    finally:
        world.operator.stop()
        for each in ("clusterrole", kind.lower()):
            apiserver.kubectl("delete", each, name, "-n", world.namespace)


async def meets_names_that_are_taken(world: World) -> None:
    """A Job that is none of the pool's and a VideoJob that is none of the schedule's have the names that are next."""
    container = {"name": "a", "image": "a"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "second-1"}}
    assert await world.kubernetes.create(JOBS, world.namespace, job | {"spec": {"suspend": True, "template": template}})
    await world.create_pool("second")

    async def named_anew() -> bool:
        return bool(await world.kubernetes.get(JOBS, world.namespace, "second-2"))

    await eventually(named_anew, "the pool's worker has the name after that")
    await create_schedule(world, schedule="0 0 1 1 *")
    await is_due(world, since=timedelta(days=800))
    (name,) = await eventually(lambda: jobs_of(world), "a VideoJob")
    await world.reaches(name, "Succeeded")
    await world.kubernetes.delete(VIDEOJOBS, world.namespace, name)
    await world.create(name)
    await is_due(world, since=timedelta(days=800))
    await world.reaches(name, "Succeeded")
