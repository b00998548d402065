"""What the chart accepts, and what it says about what it does not."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, ROOT, helm, refusal, render
from videojob_contract.version import __version__


def test_lint_finds_nothing() -> None:
    done = helm("lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout


def test_there_is_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__


RULES: dict[str, Any] = {
    "monitoring.prometheusRule.labels": {"release": "kube-prometheus-stack"},
    "monitoring.prometheusRule.alertLabels": {"team": "video"},
    "monitoring.prometheusRule.waitSeconds": 30,
    "monitoring.prometheusRule.waitObjective": 0.99,
    "monitoring.prometheusRule.runbookUrl": "https://runbooks.example.org/videojob",
}
DASHBOARDS: dict[str, Any] = {
    "monitoring.dashboards.namespace": "grafana",
    "monitoring.dashboards.labels": {"dashboards": "yes"},
    "monitoring.dashboards.annotations": {"grafana_folder": "Video"},
}
POD: dict[str, Any] = {
    "annotations": {"a": "b"},
    "podAnnotations": {"a": "b"},
    "podLabels": {"a": "b"},
    "podSecurityContext": {"runAsUser": 1000},
    "securityContext": {"readOnlyRootFilesystem": False},
    "readinessProbe": {"periodSeconds": 9},
    "livenessProbe": {"periodSeconds": 9},
    "nodeSelector": {"a": "b"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
    ],
    "priorityClassName": "high",
    "runtimeClassName": "gvisor",
    "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["redis.example.org"]}],
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
    "resources": {"limits": {"memory": "1Gi"}},
}
MONITOR: dict[str, Any] = {
    "monitoring.serviceMonitor.labels": {"release": "kube-prometheus-stack"},
    "monitoring.serviceMonitor.interval": "15s",
    "monitoring.serviceMonitor.scrapeTimeout": "10s",
    "monitoring.serviceMonitor.relabelings": [{"targetLabel": "a", "replacement": "b"}],
    "monitoring.serviceMonitor.metricRelabelings": [{"regex": "a", "action": "labeldrop"}],
}
GATEWAY: dict[str, Any] = {
    "gateway.replicas": 3,
    "gateway.image.name": "other",
    "gateway.image.digest": "sha256:" + "0" * 64,
    "gateway.apiKeysSecret": "keys",
    "gateway.hooksSecret": "hooks",
    "gateway.managePools": True,
    "gateway.readLogs": True,
    "gateway.rateLimits": {"*": {"submissions": {"perMinute": 20}}},
    "gateway.trustedProxies": ["10.0.0.0/8", "2001:db8::1"],
    "gateway.env": [{"name": "VIDEOJOB_OIDC_ISSUER", "value": "https://issuer.example.org"}],
    "gateway.envFrom": [{"secretRef": {"name": "mine"}}],
    "gateway.volumes": [{"name": "media", "emptyDir": {}}],
    "gateway.volumeMounts": [{"name": "tmp", "mountPath": "/volumes/default/media"}],
    "gateway.uploadMounts": [{"name": "tmp", "mountPath": "/uploads/default", "subPath": "uploads"}],
    "gateway.uploadSecrets": [{"pool": "default", "secretName": "uploads"}],
    "gateway.serviceAnnotations": {"a": "b"},
    "gateway.logs.format": "text",
    "gateway.logs.level": "debug",
    "gateway.startupProbe": {"periodSeconds": 9},
    "gateway.preStopSeconds": 9,
    **{f"gateway.{name}": value for name, value in POD.items()},
    "gateway.autoscaling.enabled": True,
    "networkPolicy.gatewayPeers": [{"namespaceSelector": {}}],
    "networkPolicy.gatewayEgress": [{"ports": [{"port": 9000}]}],
}
INGRESS: dict[str, Any] = {
    "gateway.ingress.className": "nginx",
    "gateway.ingress.labels": {"a": "b"},
    "gateway.ingress.annotations": {"a": "b"},
    "gateway.ingress.hosts": ["films.example.org", "*.films.example.org"],
    "gateway.ingress.tlsSecret": "films",
}
ROUTE: dict[str, Any] = {
    "gateway.httpRoute.parentRefs": [{"name": "edge", "namespace": "edge"}],
    "gateway.httpRoute.hostnames": ["films.example.org"],
    "gateway.httpRoute.labels": {"a": "b"},
    "gateway.httpRoute.annotations": {"a": "b"},
    "gateway.httpRoute.timeouts": {"request": "0s"},
}
SCALING: dict[str, Any] = {
    "gateway.autoscaling.minReplicas": 3,
    "gateway.autoscaling.maxReplicas": 20,
    "gateway.autoscaling.metrics": [
        {
            "type": "Resource",
            "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "400Mi"}},
        }
    ],
    "gateway.autoscaling.behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
}
SERVED: dict[str, Any] = {"enabled": True, "kubernetesTokens": True}
DIGEST = "sha256:" + "0" * 64
FILMS = {"name": "films", "provider": "s3", "bucket": "films"}
# A change of every value of values.yaml.
CHANGES: dict[str, Any] = {
    "global.imageRegistry": "mirror.example.org",
    "nameOverride": "renders",
    "fullnameOverride": "renders",
    "commonLabels": {"team": "video"},
    "commonAnnotations": {"team": "video"},
    "crds.upgrade": False,
    "rbac.aggregate": False,
    "image.registry": "registry.example.org",
    "image.tag": "v1",
    "image.pullPolicy": "Always",
    "image.pullSecrets": [{"name": "registry"}],
    "watchNamespaces": ["videojob"],
    "operator.replicas": 2,
    "operator.image.name": "other",
    "operator.image.digest": DIGEST,
    "operator.serviceAccount.create": False,
    "operator.serviceAccount.name": "mine",
    "operator.serviceAccount.annotations": {"a": "b"},
    "operator.envFrom": [{"secretRef": {"name": "mine"}}],
    "operator.volumes": [{"name": "more", "emptyDir": {}}],
    "operator.volumeMounts": [{"name": "tmp", "mountPath": "/more"}],
    "operator.startupProbe": {"periodSeconds": 9},
    "operator.logs.format": "text",
    "operator.logs.level": "debug",
    "operator.env": [{"name": "VIDEOJOB_RECONCILERS", "value": "8"}],
    **{f"operator.{name}": value for name, value in POD.items()},
    "gateway.enabled": True,
    "gateway.kubernetesTokens": True,
    **GATEWAY,
    "gateway.ingress.enabled": True,
    **INGRESS,
    "gateway.httpRoute.enabled": True,
    **ROUTE,
    **SCALING,
    "worker.image.name": "other",
    "worker.image.digest": DIGEST,
    "redis.embedded.enabled": False,
    "redis.embedded.image.repository": "valkey",
    "redis.embedded.image.tag": "8",
    "redis.embedded.image.digest": DIGEST,
    "redis.embedded.image.pullPolicy": "Always",
    "redis.embedded.tls.enabled": True,
    "redis.embedded.tls.existingSecret": "mine",
    "redis.embedded.maxMemory": "1gb",
    **{f"redis.embedded.{name}": value for name, value in POD.items()},
    "redis.external.url": "redis://other:6379/0",
    "redis.external.caSecret": "mine",
    "redis.external.sentinelSecret": "mine",
    "redis.external.serverPort": 6390,
    "redis.cluster": "berlin",
    "redis.auth.operator.existingSecret": "mine",
    "redis.auth.worker.existingSecret": "mine",
    "redis.auth.gateway.existingSecret": "mine",
    "redis.auth.admin.existingSecret": "mine",
    "worker.ttlSecondsAfterFinished": 3600,
    "media.enabled": False,
    "admissionPolicy.enabled": True,
    "admissionPolicy.exempt.users": ["system:serviceaccount:portal:backend"],
    "admissionPolicy.exempt.groups": ["operators"],
    "admissionPolicy.tiers": {"pro": {"groups": ["video-pro"]}},
    "media.existingClaim": "mine",
    "media.size": "1Gi",
    "media.accessModes": ["ReadWriteMany"],
    "media.storageClassName": "fast",
    "media.volumeName": "disk",
    "media.keep": False,
    "pools.default.name": "usual",
    "pools.default.namespace": "studio",
    "pools.default.media": False,
    "pools.default.labels": {"a": "b"},
    "pools.default.annotations": {"a": "b"},
    "pools.default.spec.minIdle": 2,
    "pools.default.spec.maxWorkers": 20,
    "pools.default.spec.worker.resources": {"limits": {"memory": "4Gi"}},
    "networkPolicy.enabled": False,
    "networkPolicy.workerEgress": [],
    "networkPolicy.extraWorkerEgress": [{"ports": [{"port": 9000}]}],
    "monitoring.annotations": False,
    "monitoring.serviceMonitor.enabled": True,
    **MONITOR,
    "monitoring.prometheusRule.enabled": True,
    **RULES,
    "monitoring.dashboards.enabled": True,
    **DASHBOARDS,
    "extraObjects": ["{apiVersion: v1, kind: ConfigMap, metadata: {name: '{{ .Release.Name }}-more'}}"],
}
EXTERNAL = {
    "redis": {
        "embedded": {"enabled": False},
        "external": {"url": "redis://one:6379/0"},
        "auth": {"operator": {"existingSecret": "ours"}, "worker": {"existingSecret": "theirs"}},
    }
}
_URL = "redis+sentinel://one,two:26380/main/0"
SENTINELS = {"redis": EXTERNAL["redis"] | {"external": {"url": _URL}}}
# Values that count only beside others: those are set before the change, too,
BESIDE: dict[str, dict[str, Any]] = {
    "redis.external.url": EXTERNAL,
    "admissionPolicy.exempt.users": {"admissionPolicy": {"enabled": True}},
    "admissionPolicy.exempt.groups": {"admissionPolicy": {"enabled": True}},
    "admissionPolicy.tiers": {"admissionPolicy": {"enabled": True}},
    "redis.external.caSecret": SENTINELS,
    "redis.external.sentinelSecret": SENTINELS,
    "redis.external.serverPort": SENTINELS,
    "redis.embedded.tls.existingSecret": {"redis": {"embedded": {"tls": {"enabled": True}}}},
    "gateway.kubernetesTokens": {"gateway": {"enabled": True, "apiKeysSecret": "keys"}},
    "redis.auth.gateway.existingSecret": {"gateway": SERVED},
    **{path: {"gateway": SERVED} for path in [*GATEWAY, "gateway.ingress.enabled", "gateway.httpRoute.enabled"]},
    **{path: {"gateway": {**SERVED, "ingress": {"enabled": True, "hosts": ["a"]}}} for path in INGRESS},
    **{path: {"gateway": {**SERVED, "httpRoute": {"enabled": True, "parentRefs": [{"name": "a"}]}}} for path in ROUTE},
    **{path: {"gateway": {**SERVED, "autoscaling": {"enabled": True}}} for path in SCALING},
    **{path: {"monitoring": {"serviceMonitor": {"enabled": True}}} for path in MONITOR},
    **{path: {"monitoring": {"prometheusRule": {"enabled": True}}} for path in RULES},
    **{path: {"monitoring": {"dashboards": {"enabled": True}}} for path in DASHBOARDS},
}
# or that can only be changed together with others.
TOGETHER: dict[str, dict[str, Any]] = {
    "redis.embedded.enabled": EXTERNAL,
    "gateway.enabled": {"gateway": {"apiKeysSecret": "keys"}},
    "gateway.ingress.enabled": {"gateway": {"ingress": {"hosts": ["films.example.org"]}}},
    "gateway.httpRoute.enabled": {"gateway": {"httpRoute": {"parentRefs": [{"name": "edge"}]}}},
    "operator.serviceAccount.create": {"operator": {"serviceAccount": {"name": "mine"}}},
}


def merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    both = {
        name: merged(values[name], changes[name])
        for name in values.keys() & changes.keys()
        if isinstance(values[name], dict) and isinstance(changes[name], dict)
    }
    return {**values, **changes, **both}


def default_pool(spec: dict[str, Any]) -> dict[str, Any]:
    return {"pools": {"default": {"spec": spec}}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (default_pool({"minIdle": "one"}), "at '/pools/default/spec/minIdle': got string, want integer"),
        (default_pool({"minIdel": 1}), "at '/pools/default/spec': additional properties 'minIdel' not allowed"),
        (default_pool({"queues": []}), "at '/pools/default/spec/queues': minItems"),
        ({"operator": {"logs": {"level": "loud"}}}, "at '/operator/logs/level'"),
        ({"media": {"size": "20"}}, "at '/media/size'"),
        ({"image": {"pullPolicy": "Sometimes"}}, "at '/image/pullPolicy'"),
        ({"redis": {"external": {"url": "redis://me:secret@host:6379/0"}}}, "at '/redis/external/url'"),
        ({"redis": {"external": {"url": "redis+sentinel://host:26379"}}}, "at '/redis/external/url'"),
        ({"redis": {"external": {"url": "redis+sentinel://:secret@host/main"}}}, "at '/redis/external/url'"),
        (merged(EXTERNAL, {"redis": {"external": {"sentinelSecret": "a"}}}), "names no Sentinels"),
        ({"operator": {"image": {"digest": "sha256:12"}}}, "at '/operator/image/digest'"),
        ({"worker": {"replicas": 3}}, "at '/worker': additional properties 'replicas' not allowed"),
        ({"watchNamespaces": ["Media"]}, "at '/watchNamespaces/0'"),
        ({"redis": {"embedded": {"enabled": False}}}, "set redis.external.url"),
        (
            {"redis": {"embedded": {"enabled": False}, "external": {"url": "redis://host:6379/0"}}},
            "set redis.auth.operator.existingSecret",
        ),
        ({"redis": {"external": {"url": "redis://host:6379/0"}}}, "turn one off"),
        ({"watchNamespaces": ["media"]}, "not among watchNamespaces"),
        (
            {"pools": {"default": {"namspace": "a"}}},
            "at '/pools/default': additional properties 'namspace' not allowed",
        ),
        ({"operator": {"serviceAccount": {"create": False}}}, "set operator.serviceAccount.name"),
        ({"gateway": {**SERVED, "ingress": {"enabled": True}}}, "set gateway.ingress.hosts"),
        ({"gateway": {"ingress": {"hosts": ["https://films.example.org"]}}}, "at '/gateway/ingress/hosts/0'"),
        ({"gateway": {**SERVED, "httpRoute": {"enabled": True}}}, "set gateway.httpRoute.parentRefs"),
        ({"gateway": {"autoscaling": {"minReplicas": 20}}}, "minReplicas is more than maxReplicas"),
        (
            default_pool({"worker": {"nodeSelecter": {}}}),
            "at '/pools/default/spec/worker': additional properties 'nodeSelecter' not allowed",
        ),
        (
            default_pool({"volumes": [{"name": "a", "source": {"x": 1}, "readonly": True}]}),
            "at '/pools/default/spec/volumes/0': additional properties 'readonly' not allowed",
        ),
        (default_pool({"storage": {"objects": [{"name": "films"}]}}), "missing properties 'provider', 'bucket'"),
        (default_pool({"storage": {"objects": [{**FILMS, "provider": "minio"}]}}), "storage/objects/0/provider'"),
    ],
)
def test_wrong_values_are_refused_with_their_path(values: dict[str, Any], message: str) -> None:
    assert message in refusal(values)


def leaves(values: dict[str, Any], path: str = "") -> Iterator[str]:
    """Paths of the values that are no group of others."""
    for name, value in values.items():
        if isinstance(value, dict) and value and f"{path}{name}" not in CHANGES:
            yield from leaves(value, f"{path}{name}.")
        else:
            yield path + name


def nested(path: str, value: object) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


@pytest.mark.parametrize("path", CHANGES)
def test_every_value_changes_something(path: str) -> None:
    before = BESIDE.get(path, {})
    after = merged(merged(before, TOGETHER.get(path, {})), nested(path, CHANGES[path]))
    assert without_passwords(json.dumps(after)) != without_passwords(json.dumps(before))


@cache
def without_passwords(values: str) -> list[dict[str, Any]]:
    chart = render(json.loads(values))
    manifests = [*chart.all, *chart.hooks]
    for manifest in manifests:
        manifest.pop("data" if manifest["kind"] == "Secret" else "status", None)
    return manifests


def test_every_value_has_such_a_test() -> None:
    assert set(leaves(yaml.safe_load((CHART / "values.yaml").read_text()))) == set(CHANGES)


def test_the_local_and_the_default_values_are_accepted() -> None:
    render()
    render(yaml.safe_load((ROOT / "hack" / "local-values.yaml").read_text()))
