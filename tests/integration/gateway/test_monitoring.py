"""Every query of the gateway's dashboard, rules and alerts, on a real Prometheus that reads a gateway at work."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from hack.dashboards.gateway import GATEWAY
from tests.chart.helm import render
from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Caller, eventually, gateway_of
from tests.integration.gateway.test_access import by_name
from tests.integration.gateway.test_assets import PICTURE, create_pools
from tests.integration.gateway.test_hooks import create_hook
from tests.integration.operator.test_monitoring import OF_OTHERS, VARIABLES, filled, prometheus_of, queries_of
from videojob_gateway.config import Settings

ADMIN = {"Authorization": "root admin"}
VALUES = {"monitoring": {"prometheusRule": {"enabled": True}}, "gateway": {"enabled": True, "kubernetesTokens": True}}
GROUP = "videojob.gateway"
FAILURES = 'code=~"50[0-6]"'
"""Of which there are none here."""


def rules() -> dict[str, Any]:
    """The gateway's rules, with shorter windows."""
    groups = render(VALUES).kinds("PrometheusRule")[0]["spec"]["groups"]
    return {"groups": [json.loads(re.sub(r"\[\d+m\]", "[20s]", json.dumps(g))) for g in groups if g["name"] == GROUP]}


def expressions() -> dict[str, str]:
    """Every expression that has to give data, by where it stands; of an alert, which is silent, each selector."""
    found = {}
    for rule in rules()["groups"][0]["rules"]:
        if "record" in rule:
            found[rule["record"]] = rule["expr"]
        else:
            for part in re.findall(r"videojob_gateway[:\w]*(?:{[^}]*})?", rule["expr"]):
                found[f"{rule['alert']}: {part}"] = part
    found |= queries_of(GATEWAY)
    return {
        where: filled(expr, VARIABLES)
        for where, expr in found.items()
        if not any(name in expr for name in OF_OTHERS) and FAILURES not in expr and "failed:ratio" not in expr
    }


async def use(call: Caller) -> None:
    """Ask for what there is, again and again."""
    number = 0
    while True:
        number += 1
        made = await call("POST", "jobs", json={"name": f"a-{number}", "spec": {}}, headers=ADMIN)
        assert made.status == 422
        await call("GET", "jobs", headers=ADMIN)
        await call("POST", "assets?name=a.png", data=PICTURE, headers=ADMIN)
        await call("POST", "probe", json={"uri": "volume://media/a.png"}, headers=ADMIN)
        for hook, status in (("releases", 401), ("keyless", 503)):
            assert (await call("POST", f"hooks/{hook}", json={})).status == status
        await asyncio.sleep(0.2)


async def test_what_goes_through_is_counted(apiserver: ApiServer, cluster: Cluster, tmp_path: Path) -> None:
    await create_pools(cluster)
    (tmp_path / "uploads" / "default").mkdir(parents=True)
    settings = Settings(uploads=str(tmp_path / "uploads"))
    async with gateway_of(apiserver, cluster, settings=settings, authenticate=by_name) as call:
        route = 'videojob_gateway_requests_total{code="201",method="POST",route="/api/v1/assets"}'
        names = ("videojob_gateway_ready", "videojob_gateway_received_bytes_total", route)
        ready, bytes_before, requests_before = [await metric(call, name) for name in names]
        assert ready == 1
        await call("POST", "assets?name=a.png", data=PICTURE, headers=ADMIN)
        _, bytes_after, requests_after = [await metric(call, name) for name in names]
        assert (bytes_after - bytes_before, requests_after - requests_before) == (len(PICTURE), 1)


async def metric(call: Caller, name: str) -> float:
    """Return the value of a series; 0 where there is none yet."""
    text = (await call("GET", "/metrics")).text
    return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name} ")), 0.0)


async def test_every_query_gives_data(apiserver: ApiServer, cluster: Cluster, tmp_path: Path) -> None:
    await create_pools(cluster)
    (tmp_path / "uploads" / "default").mkdir(parents=True)
    (tmp_path / "releases").write_text("a key that only GitHub knows")
    for name in ("releases", "keyless"):
        await create_hook(cluster, name, {"scheme": "GitHub", "secretKey": name}, [])
    settings = Settings(uploads=str(tmp_path / "uploads"), hook_keys=str(tmp_path))
    async with gateway_of(apiserver, cluster, settings=settings, authenticate=by_name) as call:
        labels = {"namespace": cluster.namespace, "pod": "gateway-a"}
        target = {"targets": [call.url.removeprefix("http://")], "labels": labels}
        with prometheus_of([{"job_name": "gateway", "static_configs": [target]}], tmp_path, rules()) as prometheus:
            using = asyncio.create_task(use(call))
            try:
                missing = expressions()

                async def all_have_data() -> bool:
                    for where, expr in [*missing.items()]:
                        if await asyncio.to_thread(_asked, expr):
                            del missing[where]
                    await asyncio.sleep(0.5)
                    return not missing or using.done()

                def _asked(expr: str) -> list[Any]:
                    return prometheus.query(expr) if prometheus.is_up() else []

                await eventually(all_have_data, timeout_s=240)
                assert not missing
            finally:
                using.cancel()
                await asyncio.gather(using, return_exceptions=True)
