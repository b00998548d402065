"""The one-node cluster runs real pods, survives what happens to machines, and leaves nothing behind."""

import shutil
import signal
import subprocess
import time

import pytest
from imaging import bases
from imaging.folders import ImageFolder
from node import config, processes

from tests.cluster import machine

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

POD = """
apiVersion: v1
kind: Namespace
metadata: {name: probe, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Service
metadata: {name: probe-web, namespace: probe}
spec: {selector: {app: probe}, ports: [{port: 80, targetPort: 8000}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: media, namespace: probe}
spec: {storageClassName: videojob-media, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: probe, namespace: probe, labels: {app: probe}}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: probe
    image: probe:dev
    imagePullPolicy: Never
    command: [python3, -u, -m, http.server, "8000", --directory, /media]
    readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1}
    volumeMounts: [{name: media, mountPath: /media}]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
  volumes: [{name: media, persistentVolumeClaim: {claimName: media}}]
"""

LOOK_AROUND = """
import socket, time, urllib.request
deadline = time.monotonic() + 10  # a service follows its pod's readiness a moment later
while True:
    try:
        print("service", urllib.request.urlopen("http://probe-web.probe.svc.cluster.local/", timeout=10).status)
        break
    except OSError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.1)
for name in ("example.com", "nothing.probe.svc.cluster.local"):
    start = time.monotonic()
    try:
        socket.getaddrinfo(name, 80)
    except socket.gaierror as error:
        print(name, error.errno == socket.EAI_NONAME, time.monotonic() - start < 1)
try:
    socket.create_connection(("{outside}", 80), timeout=5)
except OSError as error:
    print("outside", error.strerror)
open("/media/from-the-pod", "w").write("hello")
"""


@pytest.fixture(scope="module")
def image():
    """An image with Python."""
    folder = ImageFolder("docker.io/library/probe:dev")
    bases.make(bases.PYTHON)
    reference = bases.PYTHON.reference()
    if not folder.is_of(reference):
        folder.write(reference, reference)
    return folder


def test_runs_real_pods_and_leaves_nothing(cluster, image):
    before = machine.snapshot()
    start = time.monotonic()
    cluster.run("up")
    assert time.monotonic() - start < 30
    assert machine.wide_open() == []

    image.load()
    cluster.kubectl("apply", "--filename", "-", stdin=POD)
    cluster.kubectl("--namespace", "probe", "wait", "--for=condition=Ready", "pod/probe", "--timeout=60s")
    # An address of a network for documentation: no machine has it, and no packet gets as far as asking.
    canvas = LOOK_AROUND.replace("{outside}", "198.51.100.1")
    seen = cluster.kubectl("--namespace", "probe", "exec", "-i", "probe", "--", "python3", "-", stdin=canvas)
    assert seen.splitlines() == [
        "service 200",
        "example.com True True",
        "nothing.probe.svc.cluster.local True True",
        "outside Network is unreachable",
    ]
    assert '"GET / HTTP/1.1" 200' in cluster.kubectl("--namespace", "probe", "logs", "probe")
    written = config.MEDIA / "from-the-pod"
    assert written.read_text() == "hello"
    written.unlink()

    cluster.run("down")
    assert machine.snapshot() == before
    assert not config.KUBECONFIG.exists()


def test_up_is_a_quick_check_when_up_and_offers_the_media_volume_again(cluster):
    cluster.run("up")
    claim = POD.split("---")[2]
    cluster.kubectl("create", "namespace", "probe")
    cluster.kubectl("apply", "--filename", "-", stdin=claim)
    bound = ("--for=jsonpath={.status.phase}=Bound", "persistentvolume/videojob-media", "--timeout=30s")
    cluster.kubectl("wait", *bound)
    cluster.kubectl("delete", "namespace", "probe")
    cluster.kubectl("wait", *(word.replace("Bound", "Released") for word in bound))

    start = time.monotonic()
    cluster.run("up")
    assert time.monotonic() - start < 2
    cluster.kubectl("wait", *(word.replace("Bound", "Available") for word in bound))


def test_up_starts_again_what_ended_and_keeps_the_rest(cluster):
    cluster.run("up")
    cluster.kubectl("create", "namespace", "kept")
    processes.kill({processes.running("coredns"), processes.running("kubelet")})
    assert subprocess.run([cluster.program, "status", "--quiet"], check=False).returncode == 1
    cluster.run("up")
    cluster.run("status")
    cluster.kubectl("get", "namespace", "kept")


def test_starts_afresh_on_what_a_crash_left(cluster, image):
    before = machine.snapshot()
    cluster.run("up")
    image.load()
    cluster.kubectl("apply", "--filename", "-", stdin=POD)
    cluster.kubectl("--namespace", "probe", "wait", "--for=condition=Ready", "pod/probe", "--timeout=60s")
    processes.kill(pid for pid, name in processes.marked().items() if name != "containerd")
    assert "removing what an earlier cluster left" in cluster.run("up")
    assert "probe" not in cluster.kubectl("get", "namespaces")
    cluster.run("down")
    assert machine.snapshot() == before


@pytest.mark.parametrize("after_s", [0.3, 0.8, 1.6, 3.2])
def test_can_be_interrupted_and_repeated(cluster, after_s):
    before = machine.snapshot()
    starting = subprocess.Popen([cluster.program, "up"], stdout=subprocess.DEVNULL)
    time.sleep(after_s)
    starting.send_signal(signal.SIGKILL)
    starting.wait()
    cluster.run("up")
    cluster.run("status")
    stopping = subprocess.Popen([cluster.program, "down"], stdout=subprocess.DEVNULL)
    time.sleep(after_s / 4)
    stopping.send_signal(signal.SIGKILL)
    stopping.wait()
    cluster.run("down")
    assert machine.snapshot() == before


def test_one_cluster_a_machine_whichever_checkout_starts_it(cluster, tmp_path):
    other = type(cluster)(tmp_path)
    for name in ("hack", "requirements"):
        shutil.copytree(cluster.checkout / name, tmp_path / name)
    cluster.run("up")
    said = other.run("up")
    assert f"taking the place of the cluster of {cluster.checkout}" in said
    other.kubectl("get", "nodes")
    # And the first can end it, though it is not its own.
    cluster.run("down")
    assert "no cluster is up" in cluster.run("down")
