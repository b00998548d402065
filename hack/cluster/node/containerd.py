"""A containerd of the cluster's own, with its own folders and socket, and the images in it."""

import io
import json
import platform
import shutil
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

from node import config, processes
from node.config import ClusterError
from node.steps import wait_for

CONFIG = config.STATE / "containerd.toml"
CNI_CONFIG = config.STATE / "cni" / "10-videojob.conflist"
CNI_NETWORK = "videojob"
PAUSE_IMAGE = "videojob.dev/pause:1"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as the kernel and as images name them


def start() -> None:
    """Writes the configuration and starts it, unless it runs; `wait_ready` must follow."""
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(_configuration())
    CNI_CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CNI_CONFIG.write_text(json.dumps(_cni_configuration(), indent=2))
    program = shutil.which("containerd", path=processes.ENVIRONMENT["PATH"])
    if program is None:
        raise ClusterError("containerd is not installed; run: hack/bootstrap cluster")
    processes.start("containerd", [program, "--config", str(CONFIG)])


def wait_ready() -> None:
    """Waits until it answers."""

    def answers() -> bool:
        processes.check_alive("containerd")
        return config.CONTAINERD_SOCKET.exists() and ctr("version", check=False).returncode == 0

    wait_for("containerd", answers, timeout_s=30)


def ctr(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs containerd's client on the images and containers of Kubernetes."""
    command = ctr_command(*arguments)
    result = subprocess.run(command, text=True, capture_output=True, check=False)
    if check and result.returncode:
        raise ClusterError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result


def ctr_command(*arguments: str) -> list[str]:
    """The command that `ctr` runs."""
    return ["ctr", "--address", str(config.CONTAINERD_SOCKET), "--namespace", "k8s.io", *arguments]


def import_pause(program: Path) -> None:
    """Makes the image of the sandbox container from the one static program that it runs."""
    if PAUSE_IMAGE in ctr("images", "ls", "-q").stdout.split():
        return
    archive = config.STATE / "pause.tar"
    archive.write_bytes(_image(program.read_bytes()))
    ctr("images", "import", str(archive))
    archive.unlink()


def _image(program: bytes) -> bytes:
    """An image archive whose only file is `program`."""
    layer = _tar({"pause": program})
    image = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE_IMAGE], "Layers": ["layer.tar"]}]
    files = {"config.json": image, "manifest.json": manifest}
    return _tar({name: json.dumps(content).encode() for name, content in files.items()} | {"layer.tar": layer})


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _configuration() -> str:
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE (as within many containers and sandboxes) runc may not
    #   lower a score, and every pod would fail.
    # netns_mounts_under_state_dir: all that we mount lies in our own folders, where stopping finds it.
    return f"""\
version = 2
root = "{config.STATE}/containerd"
state = "{config.RUN}/containerd"
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{config.CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  tolerate_missing_hugetlb_controller = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{CNI_CONFIG.parent}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{_snapshotter()}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{config.RUN}/runc"
"""


def _snapshotter() -> str:
    """An overlay cannot lie on an overlay, which is what a container's own file system is: there, copy."""
    found = subprocess.run(
        ["stat", "--file-system", "--format", "%T", config.STATE], text=True, capture_output=True, check=True
    )
    return "native" if found.stdout.strip() == "overlayfs" else "overlayfs"


def _cni_configuration() -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "dataDir": str(config.RUN / "addresses"),
        "ranges": [[{"subnet": str(config.POD_NETWORK)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugin = {"type": "ptp", "ipMasq": False, "ipam": addresses}
    return {"cniVersion": "0.4.0", "name": CNI_NETWORK, "plugins": [plugin]}
