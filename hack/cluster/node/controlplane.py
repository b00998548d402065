"""etcd, the API server, the controllers, the scheduler, kube-proxy and DNS, as processes of the machine."""

import ssl
import urllib.request
from pathlib import Path

from node import config, pki, processes
from node.steps import wait_for

ETCD = "https://127.0.0.1:2379"
AUDIT_LOG = config.LOGS / "audit.log"
AUDIT_POLICY = config.STATE / "audit-policy.yaml"
COREFILE = config.STATE / "Corefile"
PROXY_CONFIG = config.STATE / "kube-proxy.yaml"
# Many Jobs start and end at once here. The defaults (20 requests a second) are for large shared clusters.
CLIENT_RATE = ["--kube-api-qps=200", "--kube-api-burst=400"]


def start_etcd(binaries: Path) -> None:
    """Starts etcd, which forgets everything with the cluster, and so need not sync to the disk."""
    crt, key = pki.certificate("etcd")
    flags = {
        "name": config.NODE_NAME,
        "data-dir": config.STATE / "etcd",
        "unsafe-no-fsync": "true",
        "listen-client-urls": ETCD,
        "advertise-client-urls": ETCD,
        "cert-file": crt,
        "key-file": key,
        "trusted-ca-file": pki.ETCD_CA,
        "client-cert-auth": "true",
        "listen-peer-urls": "https://127.0.0.1:2380",
        "initial-advertise-peer-urls": "https://127.0.0.1:2380",
        "initial-cluster": f"{config.NODE_NAME}=https://127.0.0.1:2380",
        "peer-cert-file": crt,
        "peer-key-file": key,
        "peer-trusted-ca-file": pki.ETCD_CA,
        "peer-client-cert-auth": "true",
        "log-level": "warn",
    }
    _start(binaries, "etcd", flags)


def start_api_server(binaries: Path) -> None:
    """Starts the API server on the node's address; `wait_api_server` must follow."""
    # Who wrote what, for counting the requests of a program under test.
    AUDIT_POLICY.write_text("""\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  userGroups: ["system:nodes"]
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
""")
    serving = pki.certificate("apiserver")
    to_kubelet = pki.certificate("apiserver-to-kubelet")
    to_etcd = pki.certificate("apiserver-to-etcd")
    flags = {
        "bind-address": config.NODE_IP,
        "advertise-address": config.NODE_IP,
        "secure-port": 6443,
        "tls-cert-file": serving[0],
        "tls-private-key-file": serving[1],
        "client-ca-file": pki.CLUSTER_CA,
        "etcd-servers": ETCD,
        "etcd-cafile": pki.ETCD_CA,
        "etcd-certfile": to_etcd[0],
        "etcd-keyfile": to_etcd[1],
        "kubelet-certificate-authority": pki.CLUSTER_CA,
        "kubelet-client-certificate": to_kubelet[0],
        "kubelet-client-key": to_kubelet[1],
        "kubelet-preferred-address-types": "InternalIP",
        "service-cluster-ip-range": config.SERVICE_NETWORK,
        "service-account-issuer": f"https://kubernetes.default.svc.{config.DNS_DOMAIN}",
        "service-account-key-file": pki.SERVICE_ACCOUNT_PUBLIC_KEY,
        "service-account-signing-key-file": pki.SERVICE_ACCOUNT_KEY,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "audit-policy-file": AUDIT_POLICY,
        "audit-log-path": AUDIT_LOG,
        "audit-log-maxsize": 50,
        "audit-log-maxbackup": 2,
        "profiling": "false",
    }
    _start(binaries, "kube-apiserver", flags)


def api_server_ready() -> bool:
    """Whether the API server says that it is ready."""
    try:
        context = ssl.create_default_context(cafile=str(pki.CLUSTER_CA))
        context.load_cert_chain(*pki.certificate("admin"))
        # An empty ProxyHandler: the user's proxy is not for this address.
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        urllib.request.build_opener(*handlers).open(f"{config.API_SERVER}/readyz", timeout=2).close()
    except OSError:  # no certificate yet, no answer, or an answer that says no
        return False
    return True


def wait_api_server() -> None:
    """Waits until the API server is ready."""

    def ready() -> bool:
        for name in ("etcd", "kube-apiserver"):
            processes.check_alive(name)
        return api_server_ready()

    wait_for("API server", ready, timeout_s=60)


def start_controllers(binaries: Path) -> None:
    """Starts the controller manager and the scheduler."""
    for name, port, flags in (
        (
            "kube-controller-manager",
            10257,
            {
                "service-account-private-key-file": pki.SERVICE_ACCOUNT_KEY,
                "root-ca-file": pki.CLUSTER_CA,
                "cluster-signing-cert-file": pki.CLUSTER_CA,
                "cluster-signing-key-file": pki.CLUSTER_CA.with_suffix(".key"),
                "use-service-account-credentials": "true",
            },
        ),
        ("kube-scheduler", 10259, {}),
    ):
        kubeconfig = pki.kubeconfig_path(name)
        common = {
            "kubeconfig": kubeconfig,
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": "127.0.0.1",
            "secure-port": port,
            "leader-elect": "false",
        }
        _start(binaries, name, common | flags, CLIENT_RATE)


def start_proxy(binaries: Path) -> None:
    """Starts kube-proxy, which makes the services' addresses work."""
    PROXY_CONFIG.write_text(f"""\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
hostnameOverride: {config.NODE_NAME}
bindAddress: {config.NODE_IP}
nodePortAddresses: [primary]
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
clusterCIDR: {config.POD_NETWORK}
clientConnection: {{kubeconfig: {pki.kubeconfig_path("kube-proxy")}}}
iptables: {{localhostNodePorts: false, minSyncPeriod: 200ms}}
conntrack: {{maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}}
oomScoreAdj: 0
""")
    _start(binaries, "kube-proxy", {"config": PROXY_CONFIG})


def start_dns(binaries: Path) -> None:
    """Starts CoreDNS on the node's address: the cluster's names, and a quick no to all others."""
    COREFILE.write_text(f"""\
{config.DNS_DOMAIN} in-addr.arpa {{
    bind {config.NODE_IP}
    errors
    cache 5
    kubernetes {config.DNS_DOMAIN} in-addr.arpa {{
        kubeconfig {pki.kubeconfig_path("coredns")}
        pods insecure
        ttl 5
    }}
}}
. {{
    bind {config.NODE_IP}
    errors
    template ANY ANY {{
        rcode NXDOMAIN
        authority ". 60 IN SOA ns.{config.DNS_DOMAIN}. none.{config.DNS_DOMAIN}. 1 3600 600 86400 60"
    }}
}}
""")
    _start(binaries, "coredns", {"conf": COREFILE})


def _start(binaries: Path, name: str, flags: dict[str, object], more: list[str] | None = None) -> None:
    arguments = [f"--{flag}={value}" for flag, value in flags.items()]
    processes.start(name, [str(binaries / name), *arguments, *(more or [])])
