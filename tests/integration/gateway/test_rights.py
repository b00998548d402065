"""The rights that the chart gives the gateway are enough for all that it does, on the real API server."""

from pathlib import Path

import yaml

from tests.chart.helm import render
from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import SPEC, create_pool, serving
from videojob_client import Client
from videojob_gateway.app import create_app
from videojob_gateway.auth.authentication import Authentication
from videojob_gateway.auth.kubernetes_tokens import KubernetesTokens
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway


async def test_the_gateway_lives_on_the_rights_of_the_chart(
    apiserver: ApiServer, cluster: Cluster, tmp_path: Path
) -> None:
    await create_pool(cluster)
    await cluster.create_template("card")
    values = {"enabled": True, "kubernetesTokens": True, "hooksSecret": "hooks", "managePools": True, "readLogs": True}
    chart = render({"gateway": values})
    kinds = ("ServiceAccount", "Role", "RoleBinding", "ClusterRoleBinding")
    manifests = [each for kind in kinds for each in chart.kinds(kind) if "gateway" in each["metadata"]["name"]]
    text = yaml.safe_dump_all(manifests).replace("namespace: videojob", f"namespace: {cluster.namespace}")
    apiserver.kubectl("apply", "-f", "-", stdin=text)
    token = apiserver.kubectl("create", "token", "videojob-gateway", "-n", cluster.namespace).stdout.strip()
    config = yaml.safe_load(apiserver.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(yaml.safe_dump(config))
    async with Client(kubeconfig=kubeconfig, namespace=cluster.namespace) as client:
        authenticate = Authentication(tokens=KubernetesTokens(client.access_reviews))
        settings = Settings(hook_keys=str(tmp_path), manage_pools=True, read_logs=True)
        async with serving(create_app(Gateway(settings, client), authenticate)) as call:
            headers = {"Authorization": f"Bearer {token}"}
            template = {"templateRef": {"name": "card"}, "parameters": {"title": "Ana"}}
            found = {}
            for method, path, body in (
                ("POST", "jobs", {"name": "holiday", "spec": SPEC}),
                ("POST", "validate", {"spec": template}),
                ("GET", "templates", None),
                ("GET", "pools", None),
                ("POST", "pools/default/drain", None),
                ("POST", "pools/default/resume", None),
                ("GET", "jobs", None),
                ("GET", "jobs/holiday", None),
                ("GET", "jobs/holiday/events", None),
                ("POST", "jobs/holiday/suspend", None),
                ("POST", "jobs/holiday/resume", None),
                ("POST", "jobs/holiday/move", {"priority": 1}),
                ("DELETE", "jobs/holiday", None),
                ("DELETE", "jobs/holiday?purge=true", None),
            ):
                found[f"{method} {path}"] = (await call(method, path, json=body, headers=headers)).status
                if path == "jobs/holiday/events":
                    await cluster.status("holiday", phase="Running", worker="gone")
                    log = await call("GET", "jobs/holiday/logs", headers=headers)
                    assert log.json["reason"] == "NoSuchLog"  # which only who may read it is told
            assert set(found.values()) == {200, 202, 204}, found
            hook = await call("POST", "hooks/none", json={})
            assert hook.json["reason"] == "NoSuchHook", hook.text  # they could be listed
