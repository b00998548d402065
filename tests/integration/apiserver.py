"""A real Kubernetes API server for tests: etcd and kube-apiserver on loopback, with our CRDs.

There are no controllers and no nodes: Jobs and pods stay as they are written. One user, in `system:masters`.
"""

import json
import os
import secrets
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
CRDS = ROOT / "manifests" / "crds.yaml"
READY_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class ApiServer:
    """A running API server."""

    url: str
    kubeconfig: Path
    """Kubeconfig of its one user."""
    programs: Path
    """Folder of kubectl and the other programs."""
    cache: Path
    """Kubectl's cache of what the server offers."""
    etcd_url: str
    certificate: Path
    """Of the server itself, to know it by."""
    token: str
    """Of its one user."""

    def request(self, path: str, body: object = None) -> None:
        """Get a path of the API, or post a body to it as JSON: at a hundredth of what it costs to start kubectl.

        Raises:
            OSError: when it does not answer, or refuses.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310 - our own https URL
        # An empty ProxyHandler: the user's proxy is not for this address.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(self.certificate))),
        )
        with opener.open(request, timeout=30):
            pass

    def kubectl(self, *arguments: str, stdin: object = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run kubectl; `stdin` is text, or a manifest to be written as YAML."""
        text = stdin if isinstance(stdin, str) or stdin is None else yaml.safe_dump(stdin)
        done = subprocess.run(
            [self.programs / "kubectl", "--cache-dir", self.cache, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=os.environ | {"KUBECONFIG": str(self.kubeconfig)},
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done

    def apply(self, manifest: object, namespace: str) -> None:
        """Apply a manifest; it must be accepted."""
        self.kubectl("apply", "--namespace", namespace, "-f", "-", stdin=manifest)

    def refusal(self, manifest: object, namespace: str, *, verb: str = "apply") -> str:
        """Apply a manifest that must be refused, and return what the server says."""
        done = self.kubectl(verb, "--namespace", namespace, "-f", "-", stdin=manifest, check=False)
        assert done.returncode != 0, f"accepted: {done.stdout}"
        return done.stderr

    def get(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        """Return a resource as the server has it."""
        done = self.kubectl("get", kind, name, "--namespace", namespace, "-o", "yaml")
        return dict(yaml.safe_load(done.stdout))

    def forget(self, version: str) -> None:
        """Have etcd forget everything before a resource version, as the API server has it do every five minutes."""
        body = json.dumps({"revision": version, "physical": True}).encode()
        with urllib.request.urlopen(f"{self.etcd_url}/v3/kv/compaction", data=body, timeout=10):  # noqa: S310 - our own
            pass

    def create_namespace(self) -> str:
        """Create a namespace with a name of its own, and return the name."""
        name = f"test-{secrets.token_hex(4)}"
        self.request("/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def create_account(self, name: str, namespace: str) -> None:
        """Create an account for pods, which no controller does here."""
        self.request(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})


def programs() -> Path:
    """Return the folder of etcd, kube-apiserver and kubectl, building them when no earlier run has."""
    if folder := os.environ.get("VIDEOJOB_BIN"):
        return Path(folder)
    cluster = ROOT / "hack" / "cluster" / "cluster"
    done = subprocess.run([cluster, "binaries"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.splitlines()[-1])


@contextmanager
def running(folder: Path) -> Iterator[ApiServer]:
    """Run an API server with its files below `folder`, and stop it."""
    binaries = programs()
    etcd_url = f"http://127.0.0.1:{free_port()}"
    peer_url = f"http://127.0.0.1:{free_port()}"
    port = free_port()
    url = f"https://127.0.0.1:{port}"
    certificates = folder / "certificates"
    certificates.mkdir()
    token = secrets.token_hex(16)
    tokens = folder / "tokens.csv"
    tokens.write_text(f'{token},test,test,"system:masters"\n')
    tokens.chmod(0o600)
    key = folder / "service-account.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    etcd_flags = {
        "data-dir": folder / "etcd",
        "listen-client-urls": etcd_url,
        "advertise-client-urls": etcd_url,
        "listen-peer-urls": peer_url,
        "initial-advertise-peer-urls": peer_url,
        "initial-cluster": f"default={peer_url}",
        "unsafe-no-fsync": "true",
        "log-level": "error",
    }
    api_flags = {
        "etcd-servers": etcd_url,
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "endpoint-reconciler-type": "none",  # it would refuse an address on loopback
        "secure-port": port,
        "cert-dir": certificates,
        "token-auth-file": tokens,
        "authorization-mode": "RBAC",
        "disable-admission-plugins": "ServiceAccount",  # no controller makes the accounts it waits for
        "service-account-issuer": url,
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        "service-cluster-ip-range": "10.0.0.0/24",
        "profiling": "false",
    }
    with (
        _process(binaries / "etcd", etcd_flags, folder / "etcd.log"),
        _process(binaries / "kube-apiserver", api_flags, folder / "kube-apiserver.log") as api,
    ):
        certificate = certificates / "apiserver.crt"
        kubeconfig = folder / "kubeconfig"
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(yaml.safe_dump(_kubeconfig(url, certificate, token)))
        server = ApiServer(url, kubeconfig, binaries, folder / "cache", etcd_url, certificate, token)
        _wait_until_ready(api, server, folder / "kube-apiserver.log")
        server.kubectl("apply", "--server-side", "-f", str(CRDS))
        server.kubectl("wait", "--for=condition=Established", "-f", str(CRDS))
        yield server


@contextmanager
def _process(program: Path, flags: dict[str, object], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *(f"--{flag}={value}" for flag, value in flags.items())],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], server: ApiServer, log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"kube-apiserver ended:\n{log.read_text()[-3000:]}"
        try:
            server.request("/readyz")
        except OSError:  # not listening yet, no certificate yet, or 500 while it starts
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"kube-apiserver was not ready after {READY_TIMEOUT_S} s:\n{log.read_text()[-3000:]}")


def _kubeconfig(url: str, certificate: Path, token: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": str(certificate)}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
