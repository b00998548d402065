"""What the chart makes: rights, security contexts, images, Redis, the default pool."""

from typing import Any

import pytest

from tests.chart.helm import HOOK, refusal, render
from videojob_contract.crd.definitions import DEFINITIONS
from videojob_contract.version import __version__
from videojob_gateway.config import Settings as GatewaySettings
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
    ("videojob.dev", "videotemplates"): {"get", "list", "watch"},
    ("batch", "jobs"): {"get", "list", "watch", "create", "patch", "delete"},
    ("", "pods"): {"get", "list", "watch", "create"},
    ("", "configmaps"): {"create"},
    ("", "configmaps", "videojob-days"): {"get", "patch"},
    ("", "secrets"): {"create"},
    ("", "secrets", "videojob-webhooks"): {"get"},
    ("events.k8s.io", "events"): {"create", "list"},
    ("coordination.k8s.io", "leases"): {"get", "create", "patch"},
}


def rights(role: dict[str, Any]) -> dict[tuple[str, ...], set[str]]:
    return {
        (group, resource, *sorted(rule.get("resourceNames", []))): set(rule["verbs"])
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
    (election,) = chart.kinds("Role")
    assert election["metadata"] | {"labels": {}} == {
        "name": "videojob-operator-election",
        "namespace": "videojob",
        "labels": {},
    }
    assert rights(election) == {
        ("coordination.k8s.io", "leases"): {"create"},
        ("coordination.k8s.io", "leases", "videojob-operator"): {"get", "patch"},
    }


def test_it_may_read_the_secrets_that_urls_are_renewed_with_where_their_pools_are() -> None:
    def pool(*secrets: str, **fields: Any) -> dict[str, Any]:
        stores = [
            {
                "name": secret,
                "provider": "s3",
                "bucket": secret,
                "urls": {"presignedFor": "1h", "renewedWith": {"name": secret}},
            }
            for secret in secrets
        ]
        plain = {"name": "plain", "provider": "s3", "bucket": "plain", "secretRef": {"name": "never"}}
        return {"spec": {"storage": {"objects": [*stores, plain]}}, **fields}

    chart = render(
        {
            "pools": {
                "a": pool("films", "clips"),
                "b": pool("films"),
                "c": pool("stock", namespace="studio"),
                "d": pool(),
            }
        }
    )
    found = {
        role["metadata"]["namespace"]: rights(role)
        for role in chart.kinds("Role")
        if role["metadata"]["name"] == "videojob-operator-urls"
    }
    assert found == {
        "videojob": {("", "secrets", "clips", "films"): {"get"}},
        "studio": {("", "secrets", "stock"): {"get"}},
    }
    bindings = [each for each in chart.kinds("RoleBinding") if each["metadata"]["name"] == "videojob-operator-urls"]
    assert [each["metadata"]["namespace"] for each in bindings] == ["studio", "videojob"]
    assert {each["subjects"][0]["namespace"] for each in bindings} == {"videojob"}


def test_replicas_elect_one_by_a_lease_that_they_may_write() -> None:
    chart = render({"operator": {"replicas": 2}})
    deployment = chart.one("Deployment", "videojob-operator")["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"] == {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    namespace, _, name = chart.environment("videojob-operator")["VIDEOJOB_ELECTION"].partition("/")
    role = chart.one("Role", "videojob-operator-election")
    assert role["metadata"]["namespace"] == namespace
    assert role["rules"][1]["resourceNames"] == [name]
    selector = deployment["selector"]["matchLabels"]
    (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == selector
    (budget,) = chart.kinds("PodDisruptionBudget")
    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
    assert chart.container("videojob-operator")["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_one_replica_may_be_disrupted_at_any_time() -> None:
    """A budget of it would hold up the draining of its node for ever."""
    assert not render().kinds("PodDisruptionBudget")


def test_with_namespaces_it_has_rights_in_them_alone() -> None:
    chart = render(EVERYTHING)
    assert not chart.kinds("ClusterRole")
    assert not chart.kinds("ClusterRoleBinding")
    roles = [role for role in chart.kinds("Role") if not role["metadata"]["name"].endswith("-election")]
    assert [role["metadata"]["namespace"] for role in roles] == ["videojob", "studio"]
    assert all(rights(role) == RULES for role in roles)
    assert all(b["subjects"][0]["namespace"] == "videojob" for b in chart.kinds("RoleBinding"))
    assert chart.environment("videojob-operator")["VIDEOJOB_NAMESPACES"] == "videojob,studio"


@pytest.mark.parametrize("values", [{}, EVERYTHING])
@pytest.mark.parametrize("name", ["videojob-operator", "videojob-redis", "videojob-gateway"])
def test_pods_meet_the_restricted_standard(name: str, values: dict[str, Any]) -> None:
    chart = render(values | GATEWAY)
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


GATEWAY: dict[str, Any] = {
    "gateway": {
        "enabled": True,
        "apiKeysSecret": "keys",
        "kubernetesTokens": True,
        "volumes": [{"name": "media", "persistentVolumeClaim": {"claimName": "media"}}],
        "volumeMounts": [{"name": "media", "mountPath": "/volumes/default/media"}],
        "uploadMounts": [{"name": "media", "mountPath": "/uploads/default", "subPath": "uploads"}],
    }
}


def gateway_settings(values: dict[str, Any]) -> GatewaySettings:
    """Return the gateway's settings as the chart has them; what comes from Secrets is a word."""
    environment = render(values).environment("videojob-gateway")
    return GatewaySettings.from_env({name: v if isinstance(v, str) else "secret" for name, v in environment.items()})


def test_the_gateway_is_off_unless_it_is_asked_for() -> None:
    assert not [each for each in render().all if "gateway" in each["metadata"]["name"]]


def test_the_gateway_knows_its_callers_or_is_refused() -> None:
    assert "nobody could be known" in refusal({"gateway": {"enabled": True}})
    environment = render(GATEWAY).environment("videojob-gateway")
    settings = gateway_settings(GATEWAY)
    assert set(environment) <= {f"VIDEOJOB_{name.upper()}" for name in GatewaySettings.model_fields}
    assert (settings.api_keys, settings.kubernetes_tokens, settings.volumes) == ("/keys", True, "/volumes")
    assert settings.namespace == "videojob"


def test_folders_of_uploads_are_made_by_the_user_that_writes_to_them() -> None:
    [making] = render(GATEWAY).one("Deployment", "videojob-gateway")["spec"]["template"]["spec"]["initContainers"]
    assert making["args"] == ["/volumes/0/uploads"]
    assert making["volumeMounts"] == [{"name": "media", "mountPath": "/volumes/0"}]
    whole = {"gateway": GATEWAY["gateway"] | {"uploadMounts": [{"name": "media", "mountPath": "/uploads/default"}]}}
    assert "initContainers" not in render(whole).one("Deployment", "videojob-gateway")["spec"]["template"]["spec"]


def test_the_gateway_may_do_what_is_listed_and_nothing_else() -> None:
    chart = render(GATEWAY)
    assert rights(chart.one("Role", "videojob-gateway")) == {
        ("videojob.dev", "videojobs"): {"get", "list", "watch", "create", "patch", "delete"},
        ("videojob.dev", "renderpools"): {"get", "list"},
        ("videojob.dev", "videotemplates"): {"get", "list"},
        ("events.k8s.io", "events"): {"list"},
        ("coordination.k8s.io", "leases", "videojob-operator"): {"get"},
    }
    bindings = [each for each in chart.kinds("ClusterRoleBinding") if "gateway" in each["metadata"]["name"]]
    names = sorted(each["roleRef"]["name"] for each in bindings)
    assert names == ["system:auth-delegator", "videojob-gateway-cluster-of-videojob"]
    assert rights(chart.one("ClusterRole", names[1])) == {("", "namespaces", "kube-system"): {"get"}}
    known = {"redis": {"cluster": "here"}}
    without = render(known | {"gateway": GATEWAY["gateway"] | {"kubernetesTokens": False}})
    assert not [each for each in without.kinds("ClusterRoleBinding") if "gateway" in each["metadata"]["name"]]


def test_the_gateway_lists_hooks_and_has_their_keys_where_it_takes_deliveries() -> None:
    chart = render({"gateway": GATEWAY["gateway"] | {"hooksSecret": "hooks"}})
    assert rights(chart.one("Role", "videojob-gateway"))["videojob.dev", "videohooks"] == {"list"}
    (mount,) = [each for each in chart.container("videojob-gateway")["volumeMounts"] if each["name"] == "hooks"]
    assert mount["readOnly"]
    assert mount["mountPath"] == gateway_settings({"gateway": GATEWAY["gateway"] | {"hooksSecret": "hooks"}}).hook_keys
    volumes = chart.one("Deployment", "videojob-gateway")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "hooks", "secret": {"secretName": "hooks"}} in volumes
    assert not gateway_settings(GATEWAY).hook_keys


def test_the_gateway_changes_pools_only_where_it_is_asked_for() -> None:
    chart = render({"gateway": GATEWAY["gateway"] | {"managePools": True}})
    given, usual = (
        rights(chart.one("Role", "videojob-gateway")),
        rights(render(GATEWAY).one("Role", "videojob-gateway")),
    )
    assert given == usual | {("videojob.dev", "renderpools"): {"get", "list", "patch"}}
    assert gateway_settings({"gateway": GATEWAY["gateway"] | {"managePools": True}}).manage_pools
    assert not gateway_settings(GATEWAY).manage_pools


def test_the_gateway_reads_logs_only_where_it_is_asked_for() -> None:
    values = {"gateway": GATEWAY["gateway"] | {"readLogs": True}}
    given, usual = (
        rights(render(values).one("Role", "videojob-gateway")),
        rights(render(GATEWAY).one("Role", "videojob-gateway")),
    )
    assert given == usual | {("", "pods/log"): {"get"}}
    assert gateway_settings(values).read_logs
    assert not gateway_settings(GATEWAY).read_logs


def test_the_gateway_writes_to_places_of_uploads_and_nowhere_else() -> None:
    mounts = {each["mountPath"]: each for each in render(GATEWAY).container("videojob-gateway")["volumeMounts"]}
    assert mounts["/volumes/default/media"]["readOnly"]
    assert mounts["/keys"]["readOnly"]
    assert mounts["/uploads/default"] == {"name": "media", "mountPath": "/uploads/default", "subPath": "uploads"}
    assert gateway_settings(GATEWAY).uploads == "/uploads"


def test_the_gateway_has_the_secrets_of_uploads_in_stores_as_files_and_no_right_to_secrets() -> None:
    secrets = [{"pool": "default", "secretName": "films"}, {"pool": "studio.b", "secretName": "studio"}]
    values = {"gateway": GATEWAY["gateway"] | {"uploadSecrets": secrets}}
    chart = render(values)
    mounts = {each["name"]: each for each in chart.container("videojob-gateway")["volumeMounts"]}
    volumes = chart.one("Deployment", "videojob-gateway")["spec"]["template"]["spec"]["volumes"]
    folder = gateway_settings(values).upload_secrets
    for index, (pool, name) in enumerate((("default", "films"), ("studio.b", "studio"))):
        assert mounts[f"upload-secret-{index}"]["mountPath"] == f"{folder}/{pool}"
        assert mounts[f"upload-secret-{index}"]["readOnly"]
        assert {"name": f"upload-secret-{index}", "secret": {"secretName": name}} in volumes
    assert rights(chart.one("Role", "videojob-gateway")) == rights(render(GATEWAY).one("Role", "videojob-gateway"))
    assert not gateway_settings(GATEWAY).upload_secrets
    assert "secretName" in refusal({"gateway": GATEWAY["gateway"] | {"uploadSecrets": [{"pool": "default"}]}})


def test_the_gateway_limits_rates_as_the_values_say() -> None:
    rates = {"*": {"submissions": {"perMinute": 2000000}}, "gold": {"requests": {"perDay": 5}}}
    values = {"gateway": GATEWAY["gateway"] | {"rateLimits": rates, "trustedProxies": ["10.0.0.0/8", "::1"]}}
    settings = gateway_settings(values)
    assert settings.rate_limits["*"].submissions.per_minute == 2_000_000
    assert settings.rate_limits["gold"].requests.per_day == 5
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    wrong = {"gateway": GATEWAY["gateway"] | {"rateLimits": {"*": {"submissions": {"perSecond": 1}}}}}
    assert "perSecond" in refusal(wrong)


def test_the_gateway_asks_workers_as_a_user_of_its_own() -> None:
    chart = render(GATEWAY)
    settings = gateway_settings(GATEWAY)
    assert settings.redis_url == "redis://videojob-redis.videojob.svc:6379/0"
    assert "-gateway" in str(chart.container("videojob-gateway")["env"])
    rules = chart.one("ConfigMap", "videojob-redis")["data"]["gateway.acl"]
    assert {word for word in rules.split() if word.startswith("~")} == {
        "~vj:rates:*",
        *(f"~vj:{{*/*}}:{key}" for key in ("inspections", "inspection:*", "inspected:*")),
    }
    external = {"embedded": {"enabled": False}, "external": {"url": "redis://r:6379"}}
    users = {name: {"existingSecret": name} for name in ("operator", "worker")}
    for own, asks in (({}, False), ({"gateway": {"existingSecret": "gateway"}}, True)):
        values = GATEWAY | {"redis": external | {"auth": users | own}}
        assert bool(gateway_settings(values).redis_url) is asks


def gateway_with(**values: Any) -> dict[str, Any]:
    """Return the values of a gateway with some more of its own."""
    return {"gateway": GATEWAY["gateway"] | values}


def test_replicas_of_the_gateway_are_spread_and_evicted_one_at_a_time() -> None:
    chart = render(GATEWAY)
    deployment = chart.one("Deployment", "videojob-gateway")["spec"]
    selector = deployment["selector"]["matchLabels"]
    assert chart.one("PodDisruptionBudget", "videojob-gateway")["spec"] == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": selector},
    }
    (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == selector
    assert not render(gateway_with(replicas=1)).kinds("PodDisruptionBudget")


def test_a_replica_of_the_gateway_has_the_time_to_end_that_it_is_to_take() -> None:
    pod = render(gateway_with(preStopSeconds=7)).one("Deployment", "videojob-gateway")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert pod["terminationGracePeriodSeconds"] > 7 + GatewaySettings().stop_s


def test_an_autoscaler_says_how_many_replicas_of_the_gateway_there_are() -> None:
    chart = render(gateway_with(replicas=1, autoscaling={"enabled": True, "maxReplicas": 5}))
    (scaler,) = chart.kinds("HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "videojob-gateway",
    }
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 5)
    assert "replicas" not in chart.one("Deployment", "videojob-gateway")["spec"], "an upgrade would set it back"
    assert chart.kinds("PodDisruptionBudget")
    assert not render(GATEWAY).kinds("HorizontalPodAutoscaler")


def test_an_ingress_and_a_route_lead_to_the_gateways_service() -> None:
    hosts = ["films.example.org", "clips.example.org"]
    ingress = {"enabled": True, "hosts": hosts, "tlsSecret": "films", "className": "nginx"}
    parents = [{"name": "edge", "namespace": "edge", "sectionName": "https"}]
    route = {"enabled": True, "parentRefs": parents, "hostnames": hosts, "timeouts": {"request": "0s"}}
    chart = render(gateway_with(ingress=ingress, httpRoute=route))
    (port,) = chart.one("Service", "videojob-gateway")["spec"]["ports"]
    made = chart.one("Ingress", "videojob-gateway")
    assert made["spec"]["ingressClassName"] == "nginx"
    assert made["spec"]["tls"] == [{"secretName": "films", "hosts": hosts}]
    assert [rule["host"] for rule in made["spec"]["rules"]] == hosts
    for rule in made["spec"]["rules"]:
        (path,) = rule["http"]["paths"]
        assert (path["path"], path["pathType"]) == ("/", "Prefix")
        assert path["backend"] == {"service": {"name": "videojob-gateway", "port": {"name": port["name"]}}}
    assert made["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] == "0"
    made = chart.one("HTTPRoute", "videojob-gateway")
    assert (made["spec"]["parentRefs"], made["spec"]["hostnames"]) == (parents, hosts)
    (rule,) = made["spec"]["rules"]
    assert rule["timeouts"] == {"request": "0s"}
    assert rule["backendRefs"] == [{"name": "videojob-gateway", "port": port["port"]}]
    assert not [each for kind in ("Ingress", "HTTPRoute") for each in render(GATEWAY).kinds(kind)]


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
    assert "VIDEOJOB_REDIS_CA" not in environment
    signed = EXTERNAL | {"external": EXTERNAL["external"] | {"caSecret": "authority"}}
    environment = render({"redis": signed}).environment("videojob-operator")
    assert environment["VIDEOJOB_REDIS_CA"] == {"secretKeyRef": {"name": "authority", "key": "ca.crt"}}


def test_the_operator_and_the_gateway_are_given_the_password_of_sentinels() -> None:
    users = {name: {"existingSecret": name} for name in ("operator", "worker", "gateway")}
    external = {"url": "redis+sentinel://a,b,c/main", "sentinelSecret": "watchers"}
    chart = render(GATEWAY | {"redis": {"embedded": {"enabled": False}, "external": external, "auth": users}})
    for name in ("videojob-operator", "videojob-gateway"):
        environment = chart.environment(name)
        assert environment["VIDEOJOB_REDIS_URL"] == external["url"]
        reference = {"secretKeyRef": {"name": "watchers", "key": "password"}}
        assert environment["VIDEOJOB_REDIS_SENTINEL_PASSWORD"] == reference


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
    spec = {"volumes": [scratch], "storage": {"outputPrefix": "volume://scratch/out"}}
    pools = {"default": {"spec": spec}}
    pool = render({"media": {"enabled": False}, "pools": pools}).one("RenderPool", "default")["spec"]
    assert pool["volumes"] == [scratch]
    assert pool["storage"] == {"outputPrefix": "volume://scratch/out"}
    both = render({"pools": pools}).one("RenderPool", "default")["spec"]
    assert [each["name"] for each in both["volumes"]] == ["media", "scratch"]
    assert both["storage"] == {"outputPrefix": "volume://scratch/out"}
    assert "volumes" not in render({"pools": {"default": {"media": False}}}).one("RenderPool", "default")["spec"]


def test_what_a_pool_has_is_laid_over_the_defaults() -> None:
    spec = {"surge": 3, "worker": {"nodeSelector": {"gpu": "no"}, "imagePullSecrets": [{"name": "own"}]}}
    values = {"image": {"pullSecrets": [{"name": "registry"}]}, "pools": {"default": {"spec": spec}, "other": {}}}
    chart = render(values)
    pool, other = (chart.one("RenderPool", name)["spec"] for name in ("default", "other"))
    assert pool["surge"] == 3
    assert pool["minIdle"] == 1
    assert pool["worker"] == spec["worker"] | {
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    }
    assert other["worker"] == {"imagePullSecrets": [{"name": "registry"}]}


def test_pools_are_in_their_namespaces_and_can_be_left_out() -> None:
    pools = {
        "default": {"labels": {"tier": "free"}, "annotations": {"a": "b"}},
        "studio": {"name": "default", "namespace": "studio", "spec": {"minIdle": 0}},
    }
    chart = render({"pools": pools})
    own, studio = chart.kinds("RenderPool")
    assert [pool["metadata"]["namespace"] for pool in (own, studio)] == ["videojob", "studio"]
    assert {pool["metadata"]["name"] for pool in (own, studio)} == {"default"}
    assert own["metadata"]["labels"]["tier"] == "free"
    assert own["metadata"]["annotations"] == {"a": "b"}
    assert studio["spec"] == {"minIdle": 0}, "the claim is in another namespace"
    assert ("studio", "videojob-workers") in {
        (policy["metadata"]["namespace"], policy["metadata"]["name"]) for policy in chart.kinds("NetworkPolicy")
    }
    assert not render({"pools": {"default": None}}).kinds("RenderPool")


def test_names_and_labels_are_as_the_values_say() -> None:
    chart = render(
        {
            "fullnameOverride": "renders",
            "nameOverride": "films",
            "commonLabels": {"team": "video", "app.kubernetes.io/name": "never"},
            "commonAnnotations": {"owner": "video@example.org"},
        }
    )
    for manifest in (*chart.all, *chart.hooks):
        metadata = manifest["metadata"]
        assert metadata["name"].startswith("renders-") or manifest["kind"] == "RenderPool"
        assert metadata["labels"]["team"] == "video"
        assert metadata["labels"]["app.kubernetes.io/name"] == "films"
        assert metadata["annotations"]["owner"] == "video@example.org"
    deployment = chart.one("Deployment", "renders-operator")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    assert labels["team"] == "video"
    assert "team" not in deployment["selector"]["matchLabels"], "a selector may never change"
    redis = chart.environment("renders-operator")["VIDEOJOB_REDIS_URL"]
    assert redis == "redis://renders-redis.videojob.svc:6379/0"


def test_a_field_of_a_security_context_can_be_taken_out() -> None:
    openshift = {"podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None}}
    chart = render({"operator": openshift})
    pod = chart.one("Deployment", "videojob-operator")["spec"]["template"]["spec"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_more_objects_may_be_text_or_maps_with_templates() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-a"}}
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b-{{ .Release.Namespace }}\n"
    chart = render({"extraObjects": [config, text]})
    assert chart.one("ConfigMap", "videojob-a")
    assert chart.one("ConfigMap", "b-videojob")


def test_a_service_monitor_selects_the_operators_service() -> None:
    monitoring = {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "15s"}}
    chart = render({"monitoring": {**monitoring, "annotations": False}})
    monitor, service = chart.one("ServiceMonitor", "videojob-operator"), chart.one("Service", "videojob-operator")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint == {"port": service["spec"]["ports"][0]["name"], "honorLabels": True, "interval": "15s"}
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert "annotations" not in chart.one("Deployment", "videojob-operator")["spec"]["template"]["metadata"]
    assert len(chart.kinds("ServiceMonitor")) == 1


def test_a_service_monitor_selects_the_gateways_service() -> None:
    chart = render(GATEWAY | {"monitoring": {"serviceMonitor": {"enabled": True, "scrapeTimeout": "5s"}}})
    monitor, service = chart.one("ServiceMonitor", "videojob-gateway"), chart.one("Service", "videojob-gateway")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint == {"port": service["spec"]["ports"][0]["name"], "scrapeTimeout": "5s"}


def test_definitions_are_upgraded_by_a_job_that_may_do_nothing_else() -> None:
    hooks = {each["kind"]: each for each in render().hooks if each["metadata"]["name"] == "videojob-definitions"}
    assert set(hooks) == {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Job"}
    assert {each["metadata"]["annotations"][HOOK] for each in hooks.values()} == {"pre-install,pre-upgrade"}
    named = sorted(f"{each.plural}.videojob.dev" for each in DEFINITIONS)
    assert rights(hooks["ClusterRole"]) == {
        ("apiextensions.k8s.io", "customresourcedefinitions", *named): {"get", "patch"},
        ("apiextensions.k8s.io", "customresourcedefinitions"): {"create"},
    }
    for values in ({"crds": {"upgrade": False}}, {"watchNamespaces": ["videojob"]}):
        assert not [each for each in render(values).hooks if each["metadata"]["name"] == "videojob-definitions"]


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
    assert not render({"networkPolicy": {"enabled": False}}).kinds("NetworkPolicy")


def test_a_network_policy_lets_the_gateway_reach_what_it_needs() -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}]
    chart = render(GATEWAY | {"networkPolicy": {"gatewayPeers": peers}})
    spec = chart.one("NetworkPolicy", "videojob-gateway")["spec"]
    pod = chart.one("Deployment", "videojob-gateway")["spec"]["template"]
    assert spec["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    port = chart.container("videojob-gateway")["ports"][0]["containerPort"]
    assert spec["ingress"] == [{"from": peers, "ports": [{"protocol": "TCP", "port": port}]}]
    dns, redis, api = spec["egress"]
    assert {each["port"] for each in dns["ports"]} == {53}
    there = chart.one("Deployment", "videojob-redis")["spec"]["template"]["metadata"]["labels"]
    assert redis["to"][0]["podSelector"]["matchLabels"].items() <= there.items()
    assert {443, 6443} <= {each["port"] for each in api["ports"]}
    assert render(GATEWAY).one("NetworkPolicy", "videojob-gateway")["spec"]["ingress"] == [
        {"ports": [{"protocol": "TCP", "port": port}]}
    ]
    assert "videojob-gateway" not in {each["metadata"]["name"] for each in render().kinds("NetworkPolicy")}


@pytest.mark.parametrize(
    ("url", "ports"),
    [
        ("rediss://redis.example.org:6380/1", [6380]),
        ("redis://redis.example.org", [6379]),
        ("redis+sentinel://a.example.org:26380,b.example.org:26380,c.example.org/main/1", [6390, 26380, 26379]),
        ("rediss+sentinel://[fd00::1],[fd00::2]:26380/main", [6390, 26379, 26380]),
    ],
)
def test_the_gateway_and_workers_reach_an_external_redis_by_its_ports(url: str, ports: list[int]) -> None:
    users = {name: {"existingSecret": name} for name in ("operator", "worker", "gateway")}
    redis = {"embedded": {"enabled": False}, "external": {"url": url, "serverPort": 6390}, "auth": users}
    chart = render(GATEWAY | {"redis": redis})
    for name in ("videojob-gateway", "videojob-workers"):
        policy = chart.one("NetworkPolicy", name)
        assert policy["spec"]["egress"][1] == {"ports": [{"protocol": "TCP", "port": port} for port in ports]}


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
