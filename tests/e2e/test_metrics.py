"""The cluster's Prometheus: it reads the operator, and has the chart's rules."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from typing import Any

from hack import demo
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import ROOT
from tests.e2e.specs import short

PROGRAM = ROOT / "hack" / "cluster" / "cluster"


def answer(path: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{demo.PROMETHEUS}/api/v1/{path}", timeout=10) as response:
        return json.load(response)["data"]


def test_it_answers_what_the_demo_points_at(cluster: Cluster) -> None:
    for _ in range(2):  # starting it again is harmless
        done = subprocess.run([PROGRAM, "metrics"], capture_output=True, text=True, check=True)
        assert demo.PROMETHEUS in done.stdout
    cluster.create("seen", short())
    cluster.finish("seen")
    end = time.monotonic() + 60
    missing = set(demo.GRAPHS)
    while missing:
        assert time.monotonic() < end, f"no data: {missing}"
        missing -= {each for each in missing if answer(f"query?query={urllib.parse.quote(each)}")["result"]}
        time.sleep(0.5)
    groups = {group["name"] for group in answer("rules")["groups"]}
    assert "videojob.recording" in groups
