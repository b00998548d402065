"""Namespaces that let no worker in: the pool and whoever waits say why, in Kubernetes' own words, until one comes up.

Each refusal is the API server's own, and is taken away again without a change of ours.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.operator.conftest import World, eventually
from videojob_contract.api_paths import RENDERPOOLS

TOLD_S = 10.0
"""How soon everybody concerned is to be told."""


@dataclass(frozen=True)
class Refusal:
    """Something that keeps workers out of a namespace."""

    words: str
    """What is to be read of it."""
    begin: Callable[[ApiServer, str], None]
    end: Callable[[ApiServer, str], None]
    worker: dict[str, Any] = field(default_factory=dict)
    """Of the pool's worker template."""


def quota(hard: dict[str, str]) -> Callable[[ApiServer, str], None]:
    def begin(apiserver: ApiServer, namespace: str) -> None:
        body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"}, "spec": {"hard": hard}}
        apiserver.apply(body, namespace)
        # The controller that counts is not there; admission goes by the status.
        status = json.dumps({"status": {"hard": hard, "used": dict.fromkeys(hard, "0")}})
        patch = ("patch", "quota", "tight", "--subresource=status", "--type=merge", "-p", status)
        apiserver.kubectl(*patch, "-n", namespace)

    return begin


def limit_range(apiserver: ApiServer, namespace: str) -> None:
    spec = {"limits": [{"type": "Container", "max": {"memory": "100Mi"}}]}
    apiserver.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": spec}, namespace)


def policy(apiserver: ApiServer, namespace: str) -> None:
    """Refuse by an admission policy, as webhooks do."""
    group = "admissionregistration.k8s.io/v1"
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    spec = {
        "matchConstraints": {"resourceRules": rules, "namespaceSelector": selector},
        "validations": [{"expression": "false", "message": "images are to be signed"}],
    }
    binding = {"policyName": namespace, "validationActions": ["Deny"]}
    for kind, body in (("ValidatingAdmissionPolicy", spec), ("ValidatingAdmissionPolicyBinding", binding)):
        metadata = {"name": namespace}
        apiserver.apply({"apiVersion": group, "kind": kind, "metadata": metadata, "spec": body}, namespace)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe"},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "c", "image": "x", "securityContext": {
                "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}],
        },
    }  # fmt: skip
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:  # policies take a moment to be known
        done = apiserver.kubectl("create", "-n", namespace, "--dry-run=server", "-f", "-", stdin=pod, check=False)
        if "images are to be signed" in done.stderr:
            return
        time.sleep(0.2)
    raise AssertionError("the policy is not enforced")


def no_policy(apiserver: ApiServer, namespace: str) -> None:
    for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
        apiserver.kubectl("delete", kind, namespace)


def delete(kind: str, name: str) -> Callable[[ApiServer, str], None]:
    return lambda apiserver, namespace: apiserver.kubectl("delete", kind, name, "-n", namespace) and None


def relabel(level: str) -> Callable[[ApiServer, str], None]:
    label = f"pod-security.kubernetes.io/enforce={level}"
    return lambda apiserver, namespace: (
        apiserver.kubectl("label", "namespace", namespace, label, "--overwrite") and None
    )


def no_begin(_: ApiServer, __: str) -> None:
    pass


def priority_class(apiserver: ApiServer, namespace: str) -> None:
    group = "scheduling.k8s.io/v1"
    body = {"apiVersion": group, "kind": "PriorityClass", "metadata": {"name": namespace}, "value": 1}
    apiserver.apply(body, namespace)


# `hostPath` is what the restricted standard refuses of a pool that could be written by mistake.
HOST_PATH = [{"name": "media", "source": {"hostPath": {"path": "/srv"}}}]
TIGHT = {"requests.memory": "64Mi", "limits.memory": "64Mi"}
REFUSALS = {
    "quota": Refusal("exceeded quota: tight", quota(TIGHT), delete("quota", "tight")),
    "quota that wants limits": Refusal(
        "must specify limits.cpu", quota({"limits.cpu": "100"}), delete("quota", "tight")
    ),
    "quota on jobs": Refusal("exceeded quota: tight", quota({"count/jobs.batch": "0"}), delete("quota", "tight")),
    "limit range": Refusal("maximum memory usage per Container is 100Mi", limit_range, delete("limitrange", "small")),
    "pod security": Refusal('violates PodSecurity "restricted:latest"', no_begin, relabel("privileged")),
    "priority class": Refusal("no PriorityClass with name", no_begin, priority_class),
    "admission policy": Refusal("images are to be signed", policy, no_policy),
}


@pytest.mark.parametrize(
    ("kind", "posts_events"), [*((kind, True) for kind in REFUSALS), ("quota", False), ("admission policy", False)]
)
async def test_who_waits_is_told_why_no_worker_comes_until_one_does(
    world: World, apiserver: ApiServer, kind: str, *, posts_events: bool
) -> None:
    refusal, namespace = REFUSALS[kind], world.namespace
    world.node.posts_events = posts_events
    refusal.begin(apiserver, namespace)
    spec: dict[str, Any] = {"minIdle": 0, "maxWorkers": 2}
    if kind == "pod security":
        spec["volumes"] = HOST_PATH
    if kind == "priority class":
        spec["worker"] = {"priorityClassName": namespace}
    world.operator.start()
    await world.create_pool(**spec)
    await world.create("waits")
    since = time.monotonic()

    async def ready() -> dict[str, Any] | None:
        pool = await world.kubernetes.get(RENDERPOOLS, namespace, "default")
        conditions = ((pool or {}).get("status") or {}).get("conditions", ())
        return next((each for each in conditions if each["type"] == "Ready"), None)

    async def pool_tells() -> bool:
        condition = await ready()
        return condition is not None and refusal.words in condition["message"]

    def is_told(status: dict[str, Any]) -> bool:
        return refusal.words in status["message"] and status["reason"] == "WorkersNotStarting"

    await eventually(pool_tells, f"the pool says: {refusal.words}", timeout_s=TOLD_S)
    await world.reaches("waits", "Queued", timeout_s=TOLD_S + 2 - (time.monotonic() - since), also=is_told)
    table = apiserver.kubectl("get", "vj", "-n", namespace, "-o", "wide").stdout
    assert refusal.words in table

    refusal.end(apiserver, namespace)
    status = await world.reaches("waits", "Succeeded", timeout_s=60)
    assert "reason" not in status

    async def is_ready() -> bool:
        condition = await ready()
        return condition is not None and condition["status"] == "True"

    await eventually(is_ready, "the pool is ready again")
