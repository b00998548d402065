"""Every query of the dashboards, the rules and the alerts, on a real Prometheus that watches the operator at work."""

import asyncio
import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.dashboards.boards import BOARDS
from hack.dashboards.build import Board, dashboard
from hack.dashboards.gateway import GATEWAY
from hack.dashboards.job import JOB
from tests.chart.helm import ROOT, render
from tests.integration.apiserver import ApiServer
from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import Worker, failed, succeeded
from tests.ports import free_port
from videojob_contract.assignment import Result
from videojob_contract.errors import Reason

OF_OTHERS = ("container_", "kube_pod_")
"""What metrics begin with that are not ours: cAdvisor and kube-state-metrics do not run here."""
VARIABLES = {"$__rate_interval": "20s", "$__range": "60s", "$namespace": ".*", "$pool": ".*"}


RULES = render({"monitoring": {"prometheusRule": {"enabled": True}}}).kinds("PrometheusRule")[0]["spec"]
ALERTS = {rule["alert"] for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_up(self) -> bool:
        """Whether it has scraped the operator."""
        try:
            return bool(self.query("up == 1"))
        except OSError:
            return False

    def query(self, expr: str) -> list[Any]:
        """Return what an expression gives now."""
        url = f"{self._url}/api/v1/query?query={urllib.parse.quote(expr)}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=10) as response:
            answer = json.load(response)
        assert answer["status"] == "success", answer
        return list(answer["data"]["result"])


@pytest.fixture
def prometheus(world: World, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus with the chart's rules, which scrapes the operator as the chart's ServiceMonitor says."""
    world.operator.start()
    scrape = {
        "job_name": "videojob-operator",
        "honor_labels": True,
        "static_configs": [{"targets": [f"127.0.0.1:{world.operator.port}"]}],
    }
    with prometheus_of([scrape], tmp_path) as running:
        yield running


@contextmanager
def prometheus_of(scrapes: list[dict[str, Any]], folder: Path, rules: Any = RULES) -> Iterator[Prometheus]:
    """A Prometheus with the chart's rules."""
    (folder / "rules.json").write_text(json.dumps(rules))
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.json")],
        "scrape_configs": scrapes,
    }
    (folder / "prometheus.json").write_text(json.dumps(config))
    program, port = shutil.which("prometheus"), free_port()
    assert program, "prometheus is not on PATH: hack/bootstrap base"
    with (folder / "prometheus.log").open("wb") as log:
        server = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.json'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(timeout=20)


async def work(worker: Worker) -> Result:
    """Render for a moment; some fail."""
    assignment = worker.claim.assignment
    await worker.report(50)
    await asyncio.sleep(0.2)
    if assignment.name.startswith("broken"):
        return failed(assignment, Reason.INVALID_MEDIA, "not a picture", render_s=0.2)
    return succeeded(assignment, render_s=0.2)


def queries_of(board: Board) -> dict[str, str]:
    """Every expression of a dashboard for Prometheus, by where it stands."""
    built = json.loads((ROOT / "charts" / "videojob-operator" / "dashboards" / f"{board.uid}.json").read_text())
    return {
        f"{board.title}: {panel['title']} {target['refId']}": target["expr"]
        for panel in built["panels"]
        if panel.get("datasource", {}).get("type") == "prometheus"
        for target in panel.get("targets", [])
    }


def queries() -> dict[str, str]:
    """Every expression, by where it stands; those of one VideoJob and of the gateway apart."""
    found = {}
    for board in BOARDS:
        if board in {JOB, GATEWAY}:
            continue
        found |= queries_of(board)
        built = json.loads((ROOT / "charts" / "videojob-operator" / "dashboards" / f"{board.uid}.json").read_text())
        for note in built["annotations"]["list"]:
            if note["name"] == "new version":
                found[f"{board.title}: {note['name']}"] = note["expr"].partition(" unless ")[0]
    for group in RULES["groups"]:
        for rule in group["rules"]:
            found[rule.get("alert") or rule["record"]] = rule["expr"]
    return found


def parts_with_data(where: str, expr: str) -> list[str]:
    """Return what has to give data: of an alert, which is silent now, each selector."""
    if where not in ALERTS:
        return [expr]
    return [each for each in re.findall(r"videojob[:\w]*(?:\{[^}]*\})?", expr) if 'code="429"' not in each]


async def test_every_query_gives_data(world: World, prometheus: Prometheus) -> None:
    world.node.render = work
    await world.create_pool(minIdle=1, maxWorkers=2, webhooks={"allowPrivateNetworks": True})
    notify = [{"url": f"http://127.0.0.1:{free_port()}/"}]

    async def load() -> None:
        number = 0
        while True:
            await world.create(f"good-{number}", user="ada" if number % 2 else "bob")
            if number % 4 == 0:
                await world.create(f"broken-{number}", notify=notify, retry={"limit": 0})
                await world.create(f"homeless-{number}", pool="none")
            number += 1
            await asyncio.sleep(0.3)

    loading = asyncio.create_task(load())
    asked = [
        (where, filled(part))
        for where, expr in queries().items()
        if not any(name in expr for name in OF_OTHERS)
        for part in parts_with_data(where, expr)
    ]

    def without_data() -> list[tuple[str, str]]:
        return [(where, part) for where, part in asked if not prometheus.query(part)]

    try:
        await eventually(prometheus.is_up, "Prometheus has scraped the operator")
        for _ in range(60):
            await asyncio.sleep(1)
            missing = await asyncio.to_thread(without_data)
            if not missing:
                break
        assert not missing
    finally:
        loading.cancel()


def filled(expr: str, variables: dict[str, str] = VARIABLES) -> str:
    for name, value in variables.items():
        expr = expr.replace(name, value)
    return expr


@contextmanager
def kube_state_metrics(kubeconfig: Path, folder: Path) -> Iterator[int]:
    """kube-state-metrics with the values that come with the project; its port."""
    done = subprocess.run(
        [ROOT / "hack" / "bootstrap", "kubestatemetrics"], check=True, stdout=subprocess.PIPE, text=True
    )
    values = yaml.safe_load((ROOT / "manifests" / "monitoring" / "kube-state-metrics.yaml").read_text())
    (folder / "states.yaml").write_text(yaml.safe_dump(values["customResourceState"]["config"]))
    port = free_port()
    command = [
        Path(done.stdout.splitlines()[-1]) / "kube-state-metrics",
        "--custom-resource-state-only",
        "--host=127.0.0.1",
    ]
    command += [f"--port={port}", f"--telemetry-port={free_port()}", "--telemetry-host=127.0.0.1"]
    command += [f"--kubeconfig={kubeconfig}", f"--custom-resource-state-config-file={folder / 'states.yaml'}"]
    with (folder / "states.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


async def test_the_dashboard_of_one_videojob_tells_its_story(
    patient: World, apiserver: ApiServer, tmp_path: Path
) -> None:
    gates = {name: asyncio.Event() for name in ("before", "told")}

    async def render(worker: Worker) -> Result:
        await worker.report(50)
        await gates[worker.claim.assignment.name].wait()
        return succeeded(worker.claim.assignment, render_s=9.0)

    patient.node.render = render
    patient.operator.start()
    await patient.create_pool(maxWorkers=1)
    values = {"$__rate_interval": "20s", "$namespace": patient.namespace, "$videojob": "told"}
    asked = {
        where: filled(expr, values)
        for where, expr in queries_of(JOB).items()
        if not any(name in expr for name in OF_OTHERS)
    }
    with ExitStack() as stack:
        states = stack.enter_context(kube_state_metrics(apiserver.kubeconfig, tmp_path))
        scrapes = [
            {"job_name": name, "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for name, port in (("operator", patient.operator.port), ("kube-state-metrics", states))
        ]
        prometheus = stack.enter_context(prometheus_of(scrapes, tmp_path))

        async def shows(metric: str) -> None:
            expr = "kube_videojob_status_" + metric.format(told='{name="told"}')
            await eventually(lambda: bool(prometheus.query(expr)), f"there is {expr}")
            silent = {where: expr for where, expr in asked.items() if not prometheus.query(expr)}
            asked.clear()
            asked.update(silent)

        await eventually(prometheus.is_up, "Prometheus has scraped")
        await patient.create("before")
        await patient.reaches("before", "Running")
        await patient.create("told")
        await patient.reaches("told", "Queued", also=lambda status: "eta" in status)
        await shows("queue_position{told}")
        gates["before"].set()
        await patient.reaches("told", "Running", also=lambda status: status.get("progress") == 50)
        await shows("progress{told} == 50")
        gates["told"].set()
        await patient.reaches("told", "Succeeded")
        await shows("finished_seconds{told}")
    assert not asked


def test_the_dashboards_of_the_chart_are_those_of_the_code() -> None:
    for board in BOARDS:
        panels = [panel for row in board.rows for panel in row.panels]
        assert all(panel.question.endswith("?") for panel in panels)
        assert dashboard(board).build().uid == board.uid
