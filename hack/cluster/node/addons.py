"""What the cluster holds from the start: its DNS server's rights, and the volume on the checkout's media folder."""

import json
import os
import subprocess
from pathlib import Path

from node import config
from node.config import ClusterError

MANIFESTS = Path(__file__).resolve().parents[1] / "manifests"


def apply(binaries: Path) -> None:
    """Applies the manifests, and offers the media volume (again, if the claim that had it is gone)."""
    config.MEDIA.mkdir(parents=True, exist_ok=True)
    os.chown(config.MEDIA, config.WORKER_UID, config.WORKER_UID)
    _kubectl(binaries, "apply", "--filename", str(MANIFESTS))
    _kubectl(binaries, "apply", "--filename", "-", stdin=json.dumps(_media_volume()))
    offer_media_volume(binaries)


def offer_media_volume(binaries: Path) -> None:
    """Lets go of a claim that was deleted: Kubernetes keeps its name on the volume, and no other could bind to it."""
    volume = ("persistentvolume", config.MEDIA_VOLUME)
    if _kubectl(binaries, "get", *volume, "--output", "jsonpath={.status.phase}") == "Released":
        _kubectl(binaries, "patch", *volume, "--type", "merge", "--patch", '{"spec": {"claimRef": null}}')


def _media_volume() -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": config.MEDIA_VOLUME},
        "spec": {
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": config.MEDIA_VOLUME,
            "hostPath": {"path": str(config.MEDIA), "type": "Directory"},
        },
    }


def _kubectl(binaries: Path, *arguments: str, stdin: str = "") -> str:
    command = [str(binaries / "kubectl"), "--kubeconfig", str(config.KUBECONFIG), *arguments]
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ClusterError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout
