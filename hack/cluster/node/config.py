"""What the cluster is made of: its addresses, its folders and its names.

Everything of a running cluster lies below two folders that are the same for every checkout, because a machine
has one node at most: whoever starts or stops it must find what is there. What a person looks at (kubeconfig, logs,
media) lies in the checkout that started it.
"""

import os
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

KUBERNETES_VERSION = "1.34.4"
HELM_VERSION = "3.19.4"

# One /16 of our own. Node, pods and services are parts of it, and nothing else is on it.
BRIDGE = "videojob0"
NODE_IP = "10.234.0.1"
NODE_NETWORK = IPv4Network("10.234.0.0/24")
POD_NETWORK = IPv4Network("10.234.16.0/20")
SERVICE_NETWORK = IPv4Network("10.234.32.0/20")
API_SERVICE_IP = "10.234.32.1"
API_SERVER = f"https://{NODE_IP}:6443"
DNS_DOMAIN = "cluster.local"

NODE_NAME = "videojob"
CGROUP = "videojob"  # below it lie all pods: whatever runs in it is ours
PROCESS_MARK = "VIDEOJOB_CLUSTER_PROCESS"  # in the environment of every process that we start

STATE = Path("/var/lib/videojob-cluster")
RUN = Path("/run/videojob-cluster")
CONTAINERD_SOCKET = RUN / "containerd.sock"

MEDIA_VOLUME = "videojob-media"
WORKER_UID = 65532  # the user of the worker's image, which must be able to write the media folder

CHECKOUT = Path(__file__).resolve().parents[3]
CLUSTER = CHECKOUT / ".cluster"
KUBECONFIG = CLUSTER / "kubeconfig"
LOGS = CLUSTER / "logs"
MEDIA = CLUSTER / "media"
BINARIES_SOURCE = Path(__file__).resolve().parents[1] / "binaries"


def cache() -> Path:
    """The folder for downloads and builds, as in the Makefile."""
    if own := os.environ.get("VIDEOJOB_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "videojob"


class ClusterError(Exception):
    """What keeps the cluster from starting or stopping, in words for the person who asked for it."""


@dataclass(frozen=True)
class Identity:
    """Who uses a client certificate: RBAC's user and group."""

    user: str
    group: str | None = None
