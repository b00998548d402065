"""Helm and releases of the chart on the running cluster."""

import json
import os
import subprocess
import time

from tests.e2e.cluster import RELEASE_NAMESPACE, Cluster, binaries
from tests.e2e.conftest import ROOT

RELEASE = "videojob"
CHART = ROOT / "charts" / "videojob-operator"


def helm(cluster: Cluster, *arguments: str | os.PathLike[str], namespace: str = RELEASE_NAMESPACE) -> str:
    """Run helm in a release's namespace; it must succeed."""
    command = [binaries() / "helm", "--kubeconfig", cluster.kubeconfig, "--namespace", namespace, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=330, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def rolled_out(cluster: Cluster, deployment: str = "videojob-operator", *, namespace: str = RELEASE_NAMESPACE) -> None:
    """Wait until a Deployment has the one pod that it is to have."""
    end = time.monotonic() + 120
    status = ("get", f"deployment/{deployment}", "-n", namespace, "-o", "json")
    while time.monotonic() < end:
        found = json.loads(cluster.kubectl(*status))
        told = found["status"]
        is_new = told.get("observedGeneration") == found["metadata"]["generation"]
        if is_new and told.get("updatedReplicas") == told.get("availableReplicas") == told.get("replicas") == 1:
            return
        time.sleep(0.5)
    raise AssertionError(f"not rolled out: {told}")
