"""The kubelet, on cgroup v1 and v2."""

import json
import subprocess
from pathlib import Path

from node import config, pki, processes
from node.steps import wait_for

ROOT = config.STATE / "kubelet"
CONFIG = config.STATE / "kubelet.json"
RESOLV_CONF = config.STATE / "resolv.conf"


def start(binaries: Path) -> None:
    """Starts the kubelet, which registers the node; `wait_ready` must follow."""
    RESOLV_CONF.write_text(f"nameserver {config.NODE_IP}\n")
    CONFIG.write_text(json.dumps(_configuration(), indent=2))
    flags = {
        "config": CONFIG,
        "kubeconfig": pki.kubeconfig_path("kubelet"),
        "root-dir": ROOT,
        "hostname-override": config.NODE_NAME,
        "node-ip": config.NODE_IP,
    }
    processes.start("kubelet", [str(binaries / "kubelet"), *(f"--{name}={value}" for name, value in flags.items())])


def wait_ready(binaries: Path) -> None:
    """Waits until the node is ready for pods."""
    wait_for("node", lambda: _ready(binaries), timeout_s=60, poll_s=0.2)


def _ready(binaries: Path) -> bool:
    processes.check_alive("kubelet")
    query = ["get", "node", config.NODE_NAME, "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}']
    command = [str(binaries / "kubectl"), "--kubeconfig", str(config.KUBECONFIG), *query]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout == "True"


def _configuration() -> dict[str, object]:
    crt, key = pki.certificate("kubelet-serving")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": config.NODE_IP,
        "port": 10250,
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "tlsCertFile": str(crt),
        "tlsPrivateKeyFile": str(key),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki.CLUSTER_CA)},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{config.CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{config.CGROUP}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "clusterDNS": [config.NODE_IP],
        "clusterDomain": config.DNS_DOMAIN,
        "resolvConf": str(RESOLV_CONF),
        "podLogsDir": str(config.STATE / "pod-logs"),
        "volumePluginDir": str(config.STATE / "volume-plugins"),
        "maxPods": 250,
        "serializeImagePulls": False,
        # The images come from this machine, not from a registry: one that is removed does not come back by itself.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi"},
    }
