"""The worker Job: against a golden manifest, and against the rules of the restricted Pod Security Standard."""

from pathlib import Path

import yaml

from videojob_contract.labels import ANNOTATION_ASSIGNMENT, LABEL_TEMPLATE
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources import RenderPoolSpec
from videojob_operator.act.pool_secret import pool_secret
from videojob_operator.act.worker_job import adoption, carrying_job, pod_template, template_hash, worker_job
from videojob_operator.config import Settings

SECRET = "workers"  # noqa: S105 - the name of one
GOLDEN = Path(__file__).with_name("worker_job.yaml")
SETTINGS = Settings(worker_image="videojob-worker:1", worker_redis_url="redis://redis.videojob.svc:6379")
OWN_STORE = {"name": "own", "provider": "s3", "bucket": "own", "workloadIdentity": True}
SPEC = RenderPoolSpec.model_validate(
    {
        "volumes": [
            {"name": "media", "source": {"persistentVolumeClaim": {"claimName": "media"}}},
            {"name": "stock", "readOnly": True, "source": {"nfs": {"server": "nas", "path": "/stock"}}},
        ],
        "storage": {
            "objects": [
                {"name": "photos", "provider": "gs", "bucket": "photos", "secretRef": {"name": "google"}},
                {"name": "films", "provider": "s3", "bucket": "films", "secretRef": {"name": "minio"}},
                {"name": "public", "provider": "s3", "bucket": "public"},
                OWN_STORE,
            ]
        },
        "worker": {
            "resources": {"requests": {"cpu": "4"}, "limits": {"memory": "8Gi"}},
            "scratchSize": "20Gi",
            "nodeSelector": {"pool": "render"},
            "tolerations": [{"key": "render", "operator": "Exists"}],
            "priorityClassName": "batch",
            "imagePullSecrets": [{"name": "registry"}],
            "serviceAccountName": "renders",
            "runtimeClassName": "gvisor",
            "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
            "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
            "labels": {"team": "film", "videojob.dev/pool": "forged"},
            "annotations": {"note": "hello"},
        },
    }
)


def manifest(spec=SPEC, settings=SETTINGS):
    template = pod_template("studio", "film", spec, settings, redis_secret=SECRET)
    return worker_job("studio", "film", "pool-uid", "film-7", template=template, settings=settings)


def test_it_is_what_was_reviewed():
    """To accept a change: write `yaml.safe_dump(manifest(), sort_keys=False)` into the golden file, and read
    the diff."""
    assert manifest() == yaml.safe_load(GOLDEN.read_text())


def test_a_pool_s_cache_is_its_own_folder_of_the_volume():
    cache = {"source": {"hostPath": {"path": "/var/cache/videojob"}}, "maxBytes": 1000}
    pod = manifest(RenderPoolSpec.model_validate({"storage": {"cache": cache}}))["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {"name": "cache", "hostPath": {"path": "/var/cache/videojob"}} in pod["volumes"]
    assert {"name": "cache", "mountPath": "/cache", "subPath": "studio/film"} in container["volumeMounts"]
    assert {"name": "VIDEOJOB_CACHE_BYTES", "value": "1000"} in container["env"]


def test_a_pool_without_overrides_has_the_defaults_and_nothing_empty():
    pod = manifest(RenderPoolSpec())["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"] == {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    assert container["image"] == "videojob-worker:1"
    assert {"nodeSelector", "tolerations", "affinity", "priorityClassName", "imagePullSecrets"}.isdisjoint(pod)
    assert {"serviceAccountName", "runtimeClassName", "topologySpreadConstraints"}.isdisjoint(pod)
    assert [volume["name"] for volume in pod["volumes"]] == ["scratch", "tmp"]


def test_the_pods_of_any_pool_are_restricted():
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and what we add to it."""
    for spec in (RenderPoolSpec(), SPEC):
        pod = manifest(spec)["spec"]["template"]["spec"]
        assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(pod)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 65532
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["readOnlyRootFilesystem"] is True
            assert "ports" not in container
        empty = [volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume]
        assert len(empty) == 2
        assert all("sizeLimit" in volume for volume in empty)


def test_a_worker_has_the_password_of_sentinels_from_the_secret_with_its_own():
    settings = SETTINGS.model_copy(update={"redis_sentinel_password": "hush"})
    (container,) = manifest(settings=settings)["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each for each in container["env"]}
    reference = {"secretKeyRef": {"name": SECRET, "key": "sentinelPassword"}}
    assert env["VIDEOJOB_REDIS_SENTINEL_PASSWORD"]["valueFrom"] == reference
    assert "hush" not in str(container)
    secret = pool_secret(PoolKey("studio", "film"), "uid", SECRET, user="a", password="b", sentinel_password="hush")  # noqa: S106
    assert secret["stringData"] == {"username": "a", "password": "b", "sentinelPassword": "hush"}
    plain = pool_secret(PoolKey("studio", "film"), "uid", SECRET, user="a", password="b")  # noqa: S106 - a test's
    assert plain["stringData"] == {"username": "a", "password": "b"}


def test_autoscalers_are_asked_to_wait_unless_the_pool_says_otherwise():
    evict = "cluster-autoscaler.kubernetes.io/safe-to-evict"
    for said, expected in ((None, "false"), ({evict: "true"}, "true")):
        spec = RenderPoolSpec.model_validate({"worker": {"annotations": said}})
        assert manifest(spec)["spec"]["template"]["metadata"]["annotations"] == {
            evict: expected,
            "karpenter.sh/do-not-disrupt": "true",
        }


def test_credentials_of_object_stores_are_files_that_the_worker_may_read_and_no_variables():
    pod = manifest()["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"] if "/objects" in mount["mountPath"]}
    assert set(mounts) == {"/objects/photos", "/objects/films"}
    volumes = {volume["name"]: volume.get("secret") for volume in pod["volumes"]}
    for path, secret in (("/objects/photos", "google"), ("/objects/films", "minio")):
        assert mounts[path]["readOnly"] is True
        assert "subPath" not in mounts[path]  # which would not follow a change of the Secret
        mounted = volumes[mounts[path]["name"]]
        assert (mounted["secretName"], mounted["optional"]) == (secret, False)
        assert mounted["defaultMode"] & 0o007 == 0
        assert mounted["defaultMode"] & 0o040  # of the worker's group, which fsGroup makes that of the files
    assert not {"google", "minio"} & set(yaml.safe_dump(container["env"]).split())
    assert {"name": "VIDEOJOB_OBJECTS", "value": "/objects"} in container["env"]


def test_every_pod_can_have_the_longest_names_of_volumes_and_stores():
    name = "a" * 55
    spec = RenderPoolSpec.model_validate(
        {
            "volumes": [{"name": name, "source": {"emptyDir": {}}}],
            "storage": {"objects": [{**OWN_STORE, "name": name, "secretRef": {"name": "s"}}]},
        }
    )
    names = [volume["name"] for volume in manifest(spec)["spec"]["template"]["spec"]["volumes"]]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 63


def test_the_operators_own_variables_are_the_last_word():
    """Of a name that stands twice, Kubernetes takes the last."""
    forged = RenderPoolSpec.model_validate({"worker": {"env": [{"name": "VIDEOJOB_VOLUMES", "value": "/"}]}})
    (container,) = manifest(forged)["spec"]["template"]["spec"]["containers"]
    values = {each["name"]: each.get("value") for each in container["env"]}
    assert values["VIDEOJOB_VOLUMES"] == "/volumes"


def test_no_secret_is_in_the_environment_in_the_clear():
    settings = SETTINGS.model_copy(update={"redis_password": "hunter2"})
    assert "hunter2" not in yaml.safe_dump(manifest(settings=settings))


def test_workers_know_redis_by_the_authority_that_the_operator_does():
    settings = SETTINGS.model_copy(update={"redis_ca": "-----BEGIN CERTIFICATE-----"})
    (container,) = manifest(settings=settings)["spec"]["template"]["spec"]["containers"]
    assert {"name": "VIDEOJOB_REDIS_CA", "value": "-----BEGIN CERTIFICATE-----"} in container["env"]


def test_the_hash_follows_the_template_and_not_the_job():
    template = pod_template("studio", "film", SPEC, SETTINGS, redis_secret=SECRET)
    same = pod_template("studio", "film", SPEC, SETTINGS, redis_secret=SECRET)
    assert template_hash(template) == template_hash(same)
    for spec, secret in ((RenderPoolSpec(), SECRET), (SPEC, "another")):
        other = pod_template("studio", "film", spec, SETTINGS, redis_secret=secret)
        assert template_hash(template) != template_hash(other)
    one = worker_job("studio", "film", "uid", "film-1", template=template, settings=SETTINGS)
    two = worker_job("studio", "film", "uid", "film-2", template=template, settings=SETTINGS)
    assert one["metadata"]["labels"][LABEL_TEMPLATE] == two["metadata"]["labels"][LABEL_TEMPLATE]


def test_adoption_makes_the_videojob_the_one_owner():
    patch = adoption("holiday", "uid-1")["metadata"]
    (owner,) = patch["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == ("VideoJob", "holiday", "uid-1", True)
    assert patch["labels"] == {"videojob.dev/videojob": "holiday", "videojob.dev/videojob-uid": "uid-1"}


def test_one_that_carries_an_attempt_has_it_as_a_file_and_is_its_videojobs():
    template = pod_template("studio", "film", SPEC, SETTINGS, redis_secret=SECRET)
    before = repr(template)
    owner = {"videojob": "holiday", "uid": "the-uid"}
    job = carrying_job("studio", "film", "film-a1", **owner, payload="packed", template=template, settings=SETTINGS)
    usual, pod = manifest(), job["spec"]["template"]
    assert repr(template) == before
    assert job["metadata"]["ownerReferences"] == adoption("holiday", "the-uid")["metadata"]["ownerReferences"]
    labels = {"videojob.dev/videojob": "holiday", "videojob.dev/videojob-uid": "the-uid"}
    assert job["metadata"]["labels"] == usual["metadata"]["labels"] | labels
    assert pod["metadata"]["labels"] == usual["spec"]["template"]["metadata"]["labels"]
    assert pod["metadata"]["annotations"][ANNOTATION_ASSIGNMENT] == "packed"
    worker, usual_worker = pod["spec"]["containers"][0], usual["spec"]["template"]["spec"]["containers"][0]
    (mount,) = [each for each in worker["volumeMounts"] if each not in usual_worker["volumeMounts"]]
    (variable,) = [each for each in worker["env"] if each not in usual_worker["env"]]
    assert variable == {"name": "VIDEOJOB_ASSIGNMENT", "value": f"{mount['mountPath']}/assignment"}
    assert mount["readOnly"]
    (volume,) = [each for each in pod["spec"]["volumes"] if each["name"] == mount["name"]]
    (item,) = volume["downwardAPI"]["items"]
    assert item["path"] == "assignment"
    assert item["fieldRef"]["fieldPath"] == f"metadata.annotations['{ANNOTATION_ASSIGNMENT}']"
