"""What the chart accepts, and what it says about what it does not."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, ROOT, helm, refusal, render
from videojob_contract.resources.object_stores import (
    ACCOUNT_PATTERN,
    BUCKET_PATTERN,
    KEY_PREFIX_PATTERN,
    STORAGE_CLASS_PATTERN,
    URL_PATTERN,
)
from videojob_contract.version import __version__


def test_lint_finds_nothing() -> None:
    done = helm("lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout


def test_there_is_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__


SCHEDULING = {
    "podAnnotations": {"a": "b"},
    "podLabels": {"a": "b"},
    "nodeSelector": {"a": "b"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "priorityClassName": "high",
    "resources": {"limits": {"memory": "1Gi"}},
}
DIGEST = "sha256:" + "0" * 64
# A change of every value of values.yaml.
FILMS = {"name": "films", "provider": "s3", "bucket": "films"}
CHANGES: dict[str, Any] = {
    "global.imageRegistry": "mirror.example.org",
    "rbac.aggregate": False,
    "image.registry": "registry.example.org",
    "image.tag": "v1",
    "image.pullPolicy": "Always",
    "image.pullSecrets": [{"name": "registry"}],
    "watchNamespaces": ["videojob"],
    "operator.image.name": "other",
    "operator.image.digest": DIGEST,
    "operator.logs.format": "text",
    "operator.logs.level": "debug",
    "operator.env": [{"name": "VIDEOJOB_RECONCILERS", "value": "8"}],
    **{f"operator.{name}": value for name, value in SCHEDULING.items()},
    "worker.image.name": "other",
    "worker.image.digest": DIGEST,
    "redis.embedded.enabled": False,
    "redis.embedded.image.repository": "valkey",
    "redis.embedded.image.tag": "8",
    "redis.embedded.image.digest": DIGEST,
    "redis.embedded.image.pullPolicy": "Always",
    "redis.embedded.maxMemory": "1gb",
    **{f"redis.embedded.{name}": value for name, value in SCHEDULING.items()},
    "redis.external.url": "redis://other:6379/0",
    "redis.cluster": "berlin",
    "redis.auth.operator.existingSecret": "mine",
    "redis.auth.worker.existingSecret": "mine",
    "redis.auth.admin.existingSecret": "mine",
    "worker.ttlSecondsAfterFinished": 3600,
    "media.enabled": False,
    "media.existingClaim": "mine",
    "media.size": "1Gi",
    "media.accessModes": ["ReadWriteMany"],
    "media.storageClassName": "fast",
    "media.volumeName": "disk",
    "media.keep": False,
    "pool.enabled": False,
    "pool.minIdle": 2,
    "pool.maxWorkers": 20,
    "pool.idleTimeout": "5m",
    "pool.queues": [{"name": "one"}],
    "pool.order": "fifo",
    "pool.users": [{"name": "ann@example.org", "weight": 3}],
    "pool.outputPrefix": "volume://media/elsewhere",
    "pool.storage.objects": [FILMS],
    "pool.volumes": [{"name": "more", "source": {"emptyDir": {}}}],
    "pool.worker.resources": {"limits": {"memory": "4Gi"}},
    "pool.worker.scratchSize": "1Gi",
    "pool.extraSpec": {"surge": 2, "worker": {"nodeSelector": {"a": "b"}, "env": [{"name": "TZ", "value": "UTC"}]}},
    "networkPolicy.enabled": True,
    "networkPolicy.workerEgress": [],
    "networkPolicy.extraWorkerEgress": [{"ports": [{"port": 9000}]}],
}
EXTERNAL = {
    "redis": {
        "embedded": {"enabled": False},
        "external": {"url": "redis://one:6379/0"},
        "auth": {"operator": {"existingSecret": "ours"}, "worker": {"existingSecret": "theirs"}},
    }
}
# Values that count only beside others: those are set before the change, too,
BESIDE: dict[str, dict[str, Any]] = {
    "redis.external.url": EXTERNAL,
    "networkPolicy.workerEgress": {"networkPolicy": {"enabled": True}},
    "networkPolicy.extraWorkerEgress": {"networkPolicy": {"enabled": True}},
}
# or that can only be changed together with others.
TOGETHER: dict[str, dict[str, Any]] = {"redis.embedded.enabled": EXTERNAL}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pool": {"minIdle": "one"}}, "at '/pool/minIdle': got string, want integer"),
        ({"pool": {"minIdel": 1}}, "at '/pool': additional properties 'minIdel' not allowed"),
        ({"pool": {"queues": []}}, "at '/pool/queues': minItems"),
        ({"operator": {"logs": {"level": "loud"}}}, "at '/operator/logs/level'"),
        ({"media": {"size": "20"}}, "at '/media/size'"),
        ({"image": {"pullPolicy": "Sometimes"}}, "at '/image/pullPolicy'"),
        ({"redis": {"external": {"url": "redis://me:secret@host:6379/0"}}}, "at '/redis/external/url'"),
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
            {"pool": {"extraSpec": {"serge": 2}}},
            "pool.extraSpec.serge: a RenderPool has no such field; there are defaults, ",
        ),
        (
            {"pool": {"extraSpec": {"worker": {"nodeSelecter": {}}}}},
            "pool.extraSpec.worker.nodeSelecter: a RenderPool has",
        ),
        (
            {"pool": {"extraSpec": {"volumes": [{"name": "a", "source": {"x": 1}, "readonly": True}]}}},
            "pool.extraSpec.volumes[0].readonly: a RenderPool has no such field; there are name, readOnly, source.",
        ),
        (
            {"pool": {"storage": {"objects": [{**FILMS, "buckets": "a"}]}}},
            "additional properties 'buckets' not allowed",
        ),
        ({"pool": {"storage": {"objects": [{**FILMS, "provider": "minio"}]}}}, "at '/pool/storage/objects/0/provider'"),
        ({"pool": {"storage": {"objects": [{**FILMS, "endpoint": "minio:9000"}]}}}, "storage/objects/0/endpoint'"),
        ({"pool": {"storage": {"objects": [{**FILMS, "urls": {}}]}}}, "at '/pool/storage/objects/0/urls'"),
        ({"pool": {"storage": {"objects": [{"name": "films"}]}}}, "missing properties 'provider', 'bucket'"),
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


def merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    both = {
        name: merged(values[name], changes[name])
        for name in values.keys() & changes.keys()
        if isinstance(values[name], dict) and isinstance(changes[name], dict)
    }
    return {**values, **changes, **both}


@pytest.mark.parametrize("path", CHANGES)
def test_every_value_changes_something(path: str) -> None:
    before = BESIDE.get(path, {})
    after = merged(merged(before, TOGETHER.get(path, {})), nested(path, CHANGES[path]))
    assert without_passwords(json.dumps(after)) != without_passwords(json.dumps(before))


@cache
def without_passwords(values: str) -> list[dict[str, Any]]:
    manifests = render(json.loads(values)).all
    for manifest in manifests:
        manifest.pop("data" if manifest["kind"] == "Secret" else "status", None)
    return manifests


def test_every_value_has_such_a_test() -> None:
    assert set(leaves(yaml.safe_load((CHART / "values.yaml").read_text()))) == set(CHANGES)


def test_the_local_and_the_default_values_are_accepted() -> None:
    render()
    render(yaml.safe_load((ROOT / "hack" / "local-values.yaml").read_text()))


def test_an_object_store_has_the_fields_of_a_renderpools() -> None:
    def fields(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
        schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        inner = schema.get("properties", {})
        return {name: fields(each, definitions) for name, each in inner.items()}

    values = json.loads((CHART / "values.schema.json").read_text())["definitions"]
    pool = yaml.safe_load((CHART / "crds" / "renderpools.yaml").read_text())["spec"]["versions"][0]["schema"]
    stores = pool["openAPIV3Schema"]["properties"]["spec"]["properties"]["storage"]["properties"]["objects"]["items"]
    assert fields(values["objectStore"], values) == fields(stores, {})


@pytest.mark.parametrize(
    ("definition", "field", "pattern"),
    [
        ("objectStore", "bucket", BUCKET_PATTERN),
        ("objectStore", "prefix", KEY_PREFIX_PATTERN),
        ("objectStore", "account", ACCOUNT_PATTERN),
        ("objectStore", "storageClass", STORAGE_CLASS_PATTERN),
        ("url", None, URL_PATTERN),
    ],
)
def test_texts_of_an_object_store_are_those_of_a_renderpools(definition: str, field: str | None, pattern: str) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["definitions"][definition]
    assert (schema["properties"][field] if field else schema)["pattern"] == pattern
