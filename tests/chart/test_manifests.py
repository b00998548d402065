"""What the chart makes: rights, security contexts, images, Redis, the default pool."""

from typing import Any

import pytest

from tests.chart.helm import refusal, render
from videojob_contract.version import __version__
from videojob_operator.config import Settings

EVERYTHING: dict[str, Any] = {
    "image": {"registry": "registry.example.org/team/", "tag": "v1", "pullSecrets": [{"name": "registry"}]},
    "watchNamespaces": ["videojob", "studio"],
    "operator": {"podAnnotations": {"a": "b"}, "priorityClassName": "high", "nodeSelector": {"disk": "ssd"}},
    "networkPolicy": {"enabled": True},
}
EXTERNAL: dict[str, Any] = {
    "embedded": {"enabled": False},
    "external": {"url": "rediss://redis.example.org:6380/1"},
    "auth": {"operator": {"existingSecret": "ours"}, "worker": {"existingSecret": "theirs"}},
}
RULES: dict[tuple[str, ...], set[str]] = {
    ("videojob.dev", "videojobs"): {"get", "list", "watch", "create", "delete"},
    ("videojob.dev", "videojobs/status"): {"patch"},
    ("videojob.dev", "renderpools"): {"get", "list", "watch"},
    ("videojob.dev", "renderpools/status"): {"patch"},
    ("videojob.dev", "videoschedules"): {"get", "list", "watch"},
    ("videojob.dev", "videoschedules/status"): {"patch"},
    ("batch", "jobs"): {"get", "list", "watch", "create", "patch", "delete"},
    ("", "pods"): {"get", "list", "watch", "create"},
    ("", "secrets"): {"create"},
    ("", "secrets", "videojob-webhooks"): {"get"},
    ("events.k8s.io", "events"): {"create", "list"},
    ("coordination.k8s.io", "leases"): {"get", "create", "patch"},
}


def rights(role: dict[str, Any]) -> dict[tuple[str, ...], set[str]]:
    return {
        (group, resource, *rule.get("resourceNames", [])): set(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def test_the_operator_may_do_what_is_listed_and_nothing_else() -> None:
    chart = render()
    role = chart.one("ClusterRole", "videojob-operator")
    assert rights(role) == RULES | {("", "namespaces", "kube-system"): {"get"}}
    (binding,) = chart.kinds("ClusterRoleBinding")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "videojob-operator", "namespace": "videojob"}]
    assert not chart.kinds("Role")


def test_with_namespaces_it_has_rights_in_them_alone() -> None:
    chart = render(EVERYTHING)
    assert not chart.kinds("ClusterRole")
    assert not chart.kinds("ClusterRoleBinding")
    assert [r["metadata"]["namespace"] for r in chart.kinds("Role")] == ["videojob", "studio"]
    assert all(rights(role) == RULES for role in chart.kinds("Role"))
    assert all(b["subjects"][0]["namespace"] == "videojob" for b in chart.kinds("RoleBinding"))
    assert chart.environment("videojob-operator")["VIDEOJOB_NAMESPACES"] == "videojob,studio"


@pytest.mark.parametrize("values", [{}, EVERYTHING])
@pytest.mark.parametrize("name", ["videojob-operator", "videojob-redis"])
def test_pods_meet_the_restricted_standard(name: str, values: dict[str, Any]) -> None:
    chart = render(values)
    pod = chart.one("Deployment", name)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert chart.container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert chart.container(name)["resources"]["limits"]["memory"]
    assert chart.container(name)["livenessProbe"]


def test_the_operators_settings_are_ones_that_it_reads() -> None:
    environment = {
        name: value if isinstance(value, str) else "secret"
        for name, value in render().environment("videojob-operator").items()
    }
    settings = Settings.from_env(environment)
    known = {f"VIDEOJOB_{name.upper()}" for name in Settings.model_fields}
    assert set(environment) <= known
    assert settings.redis_url == "redis://videojob-redis.videojob.svc:6379/0"
    assert settings.namespaces == ()
    assert settings.worker_redis_key
    assert settings.worker_redis_secret == ""
    assert settings.worker_image == f"videojob-worker:{__version__}"
    assert settings.metrics_port == render().container("videojob-operator")["ports"][0]["containerPort"]


def test_finished_workers_stay_as_long_as_the_value_says() -> None:
    environment = render({"worker": {"ttlSecondsAfterFinished": 86400}}).environment("videojob-operator")
    assert environment["VIDEOJOB_WORKER_JOB_TTL_S"] == "86400"
    default = render().environment("videojob-operator")["VIDEOJOB_WORKER_JOB_TTL_S"]
    assert int(default) == Settings().worker_job_ttl_s


def test_images_have_registry_tag_and_digest() -> None:
    digest = "sha256:" + "0" * 64
    chart = render(EVERYTHING | {"worker": {"image": {"digest": digest}}})
    assert chart.container("videojob-operator")["image"] == "registry.example.org/team/videojob-operator:v1"
    worker = chart.environment("videojob-operator")["VIDEOJOB_WORKER_IMAGE"]
    assert worker == f"registry.example.org/team/videojob-worker:v1@{digest}"
    pool = chart.one("RenderPool", "default")["spec"]
    assert pool["worker"]["imagePullSecrets"] == [{"name": "registry"}]


def test_each_redis_user_has_a_random_password() -> None:
    one, other = render(), render()
    passwords = [
        secret["data"]["password"]
        for chart in (one, other)
        for secret in chart.kinds("Secret")
        if secret["metadata"]["name"] in {"videojob-redis-operator", "videojob-redis-worker", "videojob-redis-admin"}
    ]
    assert len(passwords) == len(set(passwords)) == 6
    rest = [m for m in one.all if m["kind"] != "Secret"]
    assert not any(password in str(rest) for password in passwords)


def test_no_password_of_redis_leaves_the_releases_namespace() -> None:
    secrets = render(EVERYTHING).kinds("Secret")
    assert len(secrets) == 3
    assert {secret["metadata"]["namespace"] for secret in secrets} == {"videojob"}


def test_passwords_of_before_are_taken_where_there_are_any() -> None:
    chart = render()
    for deployment, variable, user in (
        ("videojob-redis", "OPERATOR_PREVIOUS_PASSWORD", "operator"),
        ("videojob-operator", "VIDEOJOB_WORKER_REDIS_PREVIOUS_KEY", "worker"),
    ):
        reference = {"name": f"videojob-redis-{user}", "key": "previousPassword", "optional": True}
        assert chart.environment(deployment)[variable] == {"secretKeyRef": reference}


def test_the_cluster_is_told_from_others_or_refused_a_redis_of_others() -> None:
    """Empty, the operator looks for itself, which it may not with rights in some namespaces alone."""
    namespaces = {"watchNamespaces": ["videojob"]}

    def cluster(values: dict[str, Any]) -> Any:
        return render(values).environment("videojob-operator")["VIDEOJOB_CLUSTER"]

    assert [cluster(values) for values in ({}, {"redis": EXTERNAL}, namespaces)] == ["", "", "own"]
    assert cluster({"redis": EXTERNAL | {"cluster": "berlin"}} | namespaces) == "berlin"
    assert "set redis.cluster" in refusal({"redis": EXTERNAL} | namespaces)


def test_an_external_redis_takes_the_place_of_ours() -> None:
    chart = render({"redis": EXTERNAL})
    names = {manifest["metadata"]["name"] for manifest in chart.all}
    assert not any("redis" in name for name in names)
    environment = chart.environment("videojob-operator")
    assert environment["VIDEOJOB_REDIS_URL"] == "rediss://redis.example.org:6380/1"
    assert environment["VIDEOJOB_REDIS_PASSWORD"] == {"secretKeyRef": {"name": "ours", "key": "password"}}
    assert environment["VIDEOJOB_WORKER_REDIS_SECRET"] == "theirs"  # noqa: S105 - the name of a Secret


def test_the_media_claim_asks_for_the_default_storage_class() -> None:
    claim = render().one("PersistentVolumeClaim", "videojob-media")
    assert "storageClassName" not in claim["spec"]
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_the_media_claim_binds_to_a_volume_that_exists() -> None:
    media = {"storageClassName": "", "volumeName": "disk", "keep": False, "size": "1Gi"}
    claim = render({"media": media}).one("PersistentVolumeClaim", "videojob-media")
    assert claim["spec"]["storageClassName"] == ""
    assert claim["spec"]["volumeName"] == "disk"
    assert "annotations" not in claim["metadata"]


def test_an_existing_claim_is_used() -> None:
    chart = render({"media": {"existingClaim": "mine"}})
    assert not chart.kinds("PersistentVolumeClaim")
    (volume,) = chart.one("RenderPool", "default")["spec"]["volumes"]
    assert volume == {"name": "media", "source": {"persistentVolumeClaim": {"claimName": "mine"}}}


def test_a_pool_without_media_has_the_volumes_that_are_given() -> None:
    scratch = {"name": "scratch", "source": {"emptyDir": {}}}
    chart = render(
        {"media": {"enabled": False}, "pool": {"volumes": [scratch], "outputPrefix": "volume://scratch/out"}}
    )
    pool = chart.one("RenderPool", "default")["spec"]
    assert pool["volumes"] == [scratch]
    assert pool["storage"] == {"outputPrefix": "volume://scratch/out"}


def test_a_pool_has_the_object_stores_that_are_given() -> None:
    store = {"name": "films", "provider": "s3", "bucket": "films", "secretRef": {"name": "films"}}
    pool = {"storage": {"objects": [store]}, "outputPrefix": "s3://films/out"}
    spec = render({"media": {"enabled": False}, "pool": pool}).one("RenderPool", "default")["spec"]
    assert spec["storage"] == {"outputPrefix": "s3://films/out", "objects": [store]}
    extra = {"extraSpec": {"storage": {"allowPrivateNetworks": True}}}
    spec = render({"pool": pool | extra}).one("RenderPool", "default")["spec"]
    assert spec["storage"] == {"outputPrefix": "s3://films/out", "objects": [store], "allowPrivateNetworks": True}


def test_the_extra_spec_of_the_pool_is_laid_over_the_rest() -> None:
    extra = {"surge": 3, "worker": {"nodeSelector": {"gpu": "no"}}, "limits": {"dailyPerUser": 2}}
    pool = render({"pool": {"extraSpec": extra}}).one("RenderPool", "default")["spec"]
    assert pool["surge"] == 3
    assert pool["limits"] == {"dailyPerUser": 2}
    assert pool["worker"]["nodeSelector"] == {"gpu": "no"}
    assert pool["worker"]["scratchSize"] == "8Gi"
    assert not render({"pool": {"enabled": False}}).kinds("RenderPool")


def test_network_policies_close_redis_and_workers() -> None:
    chart = render(EVERYTHING)
    policies = chart.kinds("NetworkPolicy")
    assert [(p["metadata"]["namespace"], p["metadata"]["name"]) for p in policies] == [
        ("videojob", "videojob-workers"),
        ("studio", "videojob-workers"),
        ("videojob", "videojob-redis"),
    ]
    for workers in policies[:2]:
        assert workers["spec"]["ingress"] == []
        dns, redis, world = workers["spec"]["egress"]
        assert {port["port"] for port in dns["ports"]} == {53}
        assert redis["ports"] == [{"protocol": "TCP", "port": 6379}]
        assert "169.254.0.0/16" in world["to"][0]["ipBlock"]["except"]
    assert not render().kinds("NetworkPolicy")


def test_workers_reach_what_is_added_beside_the_rest() -> None:
    minio = {"to": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 9000}]}
    usual = render({"networkPolicy": {"enabled": True}}).one("NetworkPolicy", "videojob-workers")["spec"]["egress"]
    values = {"networkPolicy": {"enabled": True, "extraWorkerEgress": [minio]}}
    assert render(values).one("NetworkPolicy", "videojob-workers")["spec"]["egress"] == [*usual, minio]


@pytest.mark.parametrize(
    ("repository", "image"),
    [
        ("docker.io/library/redis", "mirror.example.org/hub/library/redis:7"),
        ("registry.example.org:5000/redis", "mirror.example.org/hub/redis:7"),
        ("library/redis", "mirror.example.org/hub/library/redis:7"),
        ("redis", "mirror.example.org/hub/redis:7"),
    ],
)
def test_one_registry_stands_for_all(repository: str, image: str) -> None:
    values = {
        "global": {"imageRegistry": "mirror.example.org/hub/", "ofAnotherChart": 1},
        "redis": {"embedded": {"image": {"repository": repository}}},
    }
    chart = render(values)
    assert chart.container("videojob-redis")["image"] == image
    assert chart.container("videojob-operator")["image"].startswith("mirror.example.org/hub/videojob-operator:")
    own = render({**values, "image": {"registry": "ours.example.org"}})
    assert own.environment("videojob-operator")["VIDEOJOB_WORKER_IMAGE"].startswith("ours.example.org/videojob-worker:")
    assert own.container("videojob-redis")["image"] == image
