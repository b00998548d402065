"""The rights that the chart gives are enough, and each is used: least privilege, held to on the real API server."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.apiserver import ApiServer
from tests.integration.operator.conftest import World, eventually
from videojob_contract.api_paths import EVENTS, RENDERPOOLS
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.types import PoolKey

ROOT = Path(__file__).parents[3]


def rules_of_the_chart() -> list[dict[str, list[str]]]:
    """Rules of the operator's ClusterRole, as installed by default."""
    documents = yaml.safe_load_all((ROOT / "manifests" / "install.yaml").read_text())
    roles = {each["metadata"]["name"]: each["rules"] for each in documents if each and each["kind"] == "ClusterRole"}
    return list(roles["videojob-operator"])


@pytest.mark.parametrize("scope", ["namespace", "cluster"])
async def test_operator_lives_on_the_rights_of_the_chart(
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
        await world.create_pool()
        await world.create("one", ttlAfterFinished="2s")
        await world.reaches("one", "Succeeded")
        # Reads what messages are signed with, which here is missing.
        await world.create("tells", notify=[{"url": "https://hooks.example.org", "signingKey": "app"}])

        def was_read(status: dict[str, Any]) -> bool:
            return "has no Secret videojob-webhooks" in status["notifications"][0].get("message", "")

        await world.reaches("tells", "Succeeded", also=was_read)
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
    finally:
        world.operator.stop()
        for each in ("clusterrole", kind.lower()):
            apiserver.kubectl("delete", each, name, "-n", world.namespace)
