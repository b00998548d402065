"""Certificates and kubeconfigs: two authorities (the cluster's and etcd's), and one key for each program.

Made with openssl, once for a cluster's life, and gone with it.
"""

import base64
import os
import subprocess
from pathlib import Path

from node import config
from node.config import Identity

FOLDER = config.STATE / "pki"
VALID_DAYS = 365

CLUSTER_CA = FOLDER / "ca.crt"
ETCD_CA = FOLDER / "etcd-ca.crt"
SERVICE_ACCOUNT_KEY = FOLDER / "service-accounts.key"
SERVICE_ACCOUNT_PUBLIC_KEY = FOLDER / "service-accounts.pub"

API_SERVER_NAMES = [
    "DNS:localhost",
    "DNS:kubernetes",
    "DNS:kubernetes.default",
    "DNS:kubernetes.default.svc",
    f"DNS:kubernetes.default.svc.{config.DNS_DOMAIN}",
    f"IP:{config.NODE_IP}",
    f"IP:{config.API_SERVICE_IP}",
    "IP:127.0.0.1",
]

CLIENTS = {
    "admin": Identity("admin", "system:masters"),
    "kube-controller-manager": Identity("system:kube-controller-manager"),
    "kube-scheduler": Identity("system:kube-scheduler"),
    "kube-proxy": Identity("system:kube-proxy"),
    "kubelet": Identity(f"system:node:{config.NODE_NAME}", "system:nodes"),
    "coredns": Identity("system:coredns"),
}


def create() -> None:
    """Makes everything, unless it is there."""
    if SERVICE_ACCOUNT_PUBLIC_KEY.exists():  # made last
        return
    FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    for authority in (CLUSTER_CA, ETCD_CA):
        _authority(authority)
    _certificate("apiserver", CLUSTER_CA, Identity("kube-apiserver"), "serverAuth", API_SERVER_NAMES)
    _certificate("kubelet-serving", CLUSTER_CA, Identity("kubelet"), "serverAuth", [f"IP:{config.NODE_IP}"])
    _certificate("apiserver-to-kubelet", CLUSTER_CA, Identity("kube-apiserver", "system:masters"), "clientAuth")
    _certificate("etcd", ETCD_CA, Identity("etcd"), "serverAuth,clientAuth", ["IP:127.0.0.1"])
    _certificate("apiserver-to-etcd", ETCD_CA, Identity("kube-apiserver"), "clientAuth")
    for name, identity in CLIENTS.items():
        _certificate(name, CLUSTER_CA, identity, "clientAuth")
        if name != "admin":
            write_kubeconfig(name, kubeconfig_path(name))
    _key(SERVICE_ACCOUNT_KEY)
    _openssl("pkey", "-in", SERVICE_ACCOUNT_KEY, "-pubout", "-out", SERVICE_ACCOUNT_PUBLIC_KEY)


def certificate(name: str) -> tuple[Path, Path]:
    """The certificate and key of `name`."""
    return FOLDER / f"{name}.crt", FOLDER / f"{name}.key"


def kubeconfig_path(name: str) -> Path:
    """The kubeconfig of the program `name`."""
    return FOLDER / f"{name}.kubeconfig"


def write_kubeconfig(client: str, path: Path) -> None:
    """A self-contained kubeconfig, readable by its owner only."""
    crt, key = certificate(client)
    text = f"""\
apiVersion: v1
kind: Config
clusters:
- name: videojob
  cluster:
    server: {config.API_SERVER}
    certificate-authority-data: {_base64(CLUSTER_CA)}
users:
- name: {client}
  user:
    client-certificate-data: {_base64(crt)}
    client-key-data: {_base64(key)}
contexts:
- name: videojob
  context: {{cluster: videojob, user: {client}}}
current-context: videojob
"""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.rename(path)


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _authority(crt: Path) -> None:
    key = _key(crt.with_suffix(".key"))
    subject = f"/CN=videojob {crt.stem}"
    _openssl("req", "-x509", "-new", "-key", key, "-subj", subject, "-days", VALID_DAYS, "-out", crt)


def _certificate(name: str, authority: Path, who: Identity, usage: str, names: list[str] | None = None) -> None:
    crt, key = certificate(name)
    _key(key)
    extensions = [f"extendedKeyUsage={usage}", "keyUsage=critical,digitalSignature", "basicConstraints=CA:FALSE"]
    if names:
        extensions.append(f"subjectAltName={','.join(names)}")
    subject = (f"/O={who.group}" if who.group else "") + f"/CN={who.user}"
    request = _openssl("req", "-new", "-key", key, "-subj", subject)
    extension_file = crt.with_suffix(".ext")
    extension_file.write_text("\n".join(extensions))
    signer = ("-CA", authority, "-CAkey", authority.with_suffix(".key"), "-extfile", extension_file)
    _openssl("x509", "-req", *signer, "-days", VALID_DAYS, "-out", crt, stdin=request)
    extension_file.unlink()


def _key(path: Path) -> Path:
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    path.chmod(0o600)
    return path


def _openssl(*arguments: object, stdin: bytes = b"") -> bytes:
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, input=stdin, check=True, capture_output=True).stdout
