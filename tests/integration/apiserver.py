"""A real Kubernetes API server for tests: etcd and kube-apiserver on loopback, with our CRDs.

There are no controllers and no nodes: Jobs and pods stay as they are written. Its users are in `system:masters`.
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
CRDS = ROOT / "manifests" / "base" / "crds.yaml"
# What programs with an account of their own ask for, and whether they might.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}
READY_TIMEOUT_S = 120.0


class Program:
    """A server that can be ended, in either way, and started again."""

    def __init__(self, program: Path, flags: Mapping[str, object], log: Path) -> None:
        self._command = [program, *(f"--{flag}={value}" for flag, value in flags.items())]
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait for nothing."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(self._command, stdout=output, stderr=subprocess.STDOUT)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def check(self) -> None:
        """Fail with its last words if it has ended."""
        assert self._process is not None
        assert self._process.poll() is None, f"{self._command[0]} ended:\n{self.log.read_text()[-3000:]}"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal; one that does not heed it within seconds is killed."""
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


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
    """Of the user who may do anything."""
    etcd: Program
    api: Program
    etcd_data: Path
    """Folder of all that etcd has."""
    audit_log: Path
    """What programs with an account of their own asked for, a line of JSON each; or what else was to be there."""
    kubeconfigs: Mapping[str, Path] = field(default_factory=dict)
    """Kubeconfigs of the other users that were asked for, by their names."""

    def start(self) -> None:
        """Start etcd and the API server, and wait until that is ready."""
        self.etcd.start()
        self.api.start()
        self.wait_until_ready()

    def stop(self) -> None:
        """End both, as an operating system does that is shut down."""
        self.api.stop()
        self.etcd.stop()

    def wait_until_ready(self) -> None:
        """Wait until it serves.

        Raises:
            AssertionError: it has ended, or was not ready for a long time.
        """
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            self.api.check()
            self.etcd.check()
            try:
                self.request("/readyz")
            except OSError:  # not listening yet, no certificate yet, or 500 while it starts
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"not ready after {READY_TIMEOUT_S} s:\n{self.api.log.read_text()[-3000:]}")

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

    def define(self, crds: Path = CRDS) -> None:
        """Apply the definitions of our resources in a folder, and wait until they are served."""
        self.kubectl("apply", "--server-side", "-f", str(crds))
        self.kubectl("wait", "--for=condition=Established", "-f", str(crds))

    def get(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        """Return a resource as the server has it."""
        done = self.kubectl("get", kind, name, "--namespace", namespace, "-o", "yaml")
        return dict(yaml.safe_load(done.stdout))

    def forget(self, version: str) -> None:
        """Have etcd forget everything before a resource version, as the API server has it do every five minutes."""
        body = json.dumps({"revision": version, "physical": True}).encode()
        with urllib.request.urlopen(f"{self.etcd_url}/v3/kv/compaction", data=body, timeout=10):  # noqa: S310 - our own
            pass

    def audited(self) -> Iterator[dict[str, Any]]:
        """Yield what the audit log has so far, up to a line that is being written."""
        with self.audit_log.open() as lines:
            for line in lines:
                if not line.endswith("\n"):
                    return
                yield json.loads(line)

    def create_namespace(self) -> str:
        """Create a namespace with a name of its own, and return the name."""
        name = f"test-{secrets.token_hex(4)}"
        self.request("/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def create_account(self, name: str, namespace: str) -> None:
        """Create an account for pods, which no controller does here."""
        self.request(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})


@cache
def programs() -> Path:
    """Return the folder of etcd, kube-apiserver and kubectl, building them when no earlier run has."""
    if folder := os.environ.get("VIDEOJOB_BIN"):
        return Path(folder)
    cluster = ROOT / "hack" / "cluster" / "cluster"
    done = subprocess.run([cluster, "binaries"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.splitlines()[-1])


@contextmanager
def running(
    folder: Path, *, users: Sequence[str] = (), audit: Mapping[str, object] = AUDIT_POLICY, crds: Path = CRDS
) -> Iterator[ApiServer]:
    """Run an API server with its files below `folder`, and stop it; with more users who may do anything."""
    binaries = programs()
    etcd_url = f"http://127.0.0.1:{free_port()}"
    peer_url = f"http://127.0.0.1:{free_port()}"
    port = free_port()
    url = f"https://127.0.0.1:{port}"
    certificates = folder / "certificates"
    certificates.mkdir()
    by_user = {user: secrets.token_hex(16) for user in ("test", *users)}
    tokens = folder / "tokens.csv"
    tokens.touch(mode=0o600)
    tokens.write_text("".join(f'{token},{user},{user},"system:masters"\n' for user, token in by_user.items()))
    audit_policy, audit_log = folder / "audit-policy.yaml", folder / "audit.log"
    audit_policy.write_text(yaml.safe_dump(dict(audit)))
    key = folder / "service-account.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    data = folder / "etcd"
    etcd_flags = {
        "data-dir": data,
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
        "audit-policy-file": audit_policy,
        "audit-log-path": audit_log,
        "profiling": "false",
    }
    certificate = certificates / "apiserver.crt"
    kubeconfigs = {}
    for user, token in by_user.items():
        kubeconfigs[user] = folder / ("kubeconfig" if user == "test" else f"kubeconfig-{user}")
        kubeconfigs[user].touch(mode=0o600)
        kubeconfigs[user].write_text(yaml.safe_dump(_kubeconfig(url, certificate, token)))
    server = ApiServer(
        url,
        kubeconfigs.pop("test"),
        binaries,
        folder / "cache",
        etcd_url,
        certificate,
        by_user["test"],
        etcd=Program(binaries / "etcd", etcd_flags, folder / "etcd.log"),
        api=Program(binaries / "kube-apiserver", api_flags, folder / "kube-apiserver.log"),
        etcd_data=data,
        audit_log=audit_log,
        kubeconfigs=kubeconfigs,
    )
    try:
        server.start()
        server.define(crds)
        yield server
    finally:
        server.stop()


def _kubeconfig(url: str, certificate: Path, token: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": str(certificate)}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
