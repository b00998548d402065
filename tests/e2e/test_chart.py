"""The chart on the running cluster: its test, and upgrade, rollback and uninstallation under a render."""

import json
from pathlib import Path

from tests.e2e.cluster import RELEASE_NAMESPACE, Cluster
from tests.e2e.releases import CHART, RELEASE, helm, rolled_out
from tests.e2e.specs import long


def log_level(cluster: Cluster) -> str:
    (container,) = cluster.operator_pod().spec.containers
    return next(each.value for each in container.env if each.name == "VIDEOJOB_LOG_LEVEL")


def columns_of_pools(cluster: Cluster) -> list[str]:
    text = cluster.kubectl("get", "crd", "renderpools.videojob.dev", "-o", "json")
    return [each["name"] for each in json.loads(text)["spec"]["versions"][0].get("additionalPrinterColumns", [])]


def test_helm_test_renders_a_second_of_video(cluster: Cluster) -> None:
    told = helm(cluster, "test", RELEASE, "--logs")
    assert "Phase:          Succeeded" in told
    assert "/videojob/trial-default/main.mp4" in told
    left = cluster.kubectl("get", "serviceaccounts,roles,rolebindings", "-n", RELEASE_NAMESPACE, "-o", "name")
    assert "trial" not in left, "its rights went with it"


def test_an_upgrade_and_a_rollback_interrupt_no_render(cluster: Cluster) -> None:
    columns = columns_of_pools(cluster)
    older = [{"op": "remove", "path": "/spec/versions/0/additionalPrinterColumns"}]
    cluster.kubectl("patch", "crd", "renderpools.videojob.dev", "--type", "json", "--patch", json.dumps(older))
    cluster.create("upgraded", long(20))
    job = cluster.rendering("upgraded")["job"]["name"]

    helm(cluster, "upgrade", RELEASE, CHART, "--reset-then-reuse-values", "--set", "operator.logs.level=debug")
    rolled_out(cluster)
    assert log_level(cluster) == "DEBUG"
    assert columns_of_pools(cluster) == columns != []
    during = cluster.status("upgraded")
    assert during["phase"] == "Running", "the render is long enough to be seen after the upgrade"

    helm(cluster, "rollback", RELEASE)
    rolled_out(cluster)
    assert log_level(cluster) == "INFO"
    status = cluster.finish("upgraded")
    assert status["phase"] == "Succeeded"
    assert (status["attempts"], status.get("interruptions", 0)) == (1, 0)
    assert status["job"]["name"] == job
    left = cluster.kubectl("get", "jobs,serviceaccounts,clusterroles", "-n", RELEASE_NAMESPACE, "-o", "name")
    assert "videojob-definitions" not in left, "the hook's rights went with it"


def test_what_renders_while_its_release_is_gone_is_done_when_that_is_back(cluster: Cluster, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(helm(cluster, "get", "values", RELEASE, "--output", "yaml"))
    cluster.create("orphaned", long(5))
    cluster.rendering("orphaned")

    helm(cluster, "uninstall", RELEASE, "--wait")
    left = cluster.kubectl("get", "clusterroles,clusterrolebindings", "-l", f"app.kubernetes.io/instance={RELEASE}")
    assert left == "", "nothing of the release is left in the cluster's own objects"
    during = cluster.status("orphaned")
    assert during["phase"] == "Running", "the render is long enough to be seen meanwhile"

    helm(cluster, "install", RELEASE, CHART, "--values", values)
    rolled_out(cluster)
    status = cluster.finish("orphaned")
    # The new Redis knows the worker's password no more: where it was not done by then, it was interrupted once.
    assert (status["phase"], status["failures"]) == ("Succeeded", 0)
    assert status["interruptions"] <= 1
    cluster.wait_for_operator()
