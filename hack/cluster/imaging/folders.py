"""Images as folders in the cache: what the cluster's containerd is fed from.

A folder outlives the cluster, and containerd is given only the layers that it lacks, so that a change of code costs
the second or two that its small layer takes.
"""

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import IO, Any

from imaging import buildah
from node import config, containerd
from node.config import ClusterError

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


class ImageFolder:
    """One image: its manifest, its configuration and its layers, each a file. `name` is its name in the cluster."""

    def __init__(self, name: str) -> None:
        self.name = name
        file_name = name.replace("/", "_").replace(":", "_")
        self._folder = config.cache() / "images" / "folders" / file_name
        self._key_file = self._folder.with_name(f"{file_name}.key")

    def is_of(self, key: str) -> bool:
        """Whether it holds the image that was made from the input with the hash `key`."""
        return self._key_file.exists() and self._key_file.read_text() == key

    def write(self, reference: str, key: str) -> None:
        """Takes over `reference` from buildah's store."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._key_file.unlink(missing_ok=True)
        buildah.run("push", "--quiet", "--disable-compression", reference, f"dir:{self._folder}")
        self._key_file.write_text(key)

    @property
    def size_bytes(self) -> int:
        """The size of all layers, not compressed."""
        return sum(layer["size"] for layer in self._manifest()["layers"])

    def in_cluster(self) -> bool:
        """Whether the cluster's containerd has it under its name."""
        digest, _ = self._digest_and_size()
        listed = containerd.ctr("images", "ls", f"name=={self.name}").stdout.splitlines()[1:]
        return any(line.split()[2] == digest for line in listed)

    def load(self) -> None:
        """Gives it to the cluster's containerd.

        Raises:
            ClusterError: containerd refused it.
        """
        present = set(containerd.ctr("content", "ls", "--quiet").stdout.split())
        command = containerd.ctr_command("images", "import", "-")
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as ctr:
            if ctr.stdin is None or ctr.stderr is None:
                raise ClusterError("no pipe to ctr")
            try:
                self._write_archive(ctr.stdin, present)
                ctr.stdin.close()
            except BrokenPipeError:
                ctr.wait()  # it ended early, and says why
            said = ctr.stderr.read().decode()
        if ctr.returncode:
            raise ClusterError(f"importing {self.name}: {said}")

    def _write_archive(self, stream: IO[bytes], present: set[str]) -> None:
        """The image as an OCI archive, without the layers that are present."""
        manifest = self._manifest()
        digest, size = self._digest_and_size()
        annotations = {"io.containerd.image.name": self.name}
        described = {"mediaType": MANIFEST_TYPE, "digest": digest, "size": size, "annotations": annotations}
        index = {"schemaVersion": 2, "manifests": [described]}
        layers = {layer["digest"] for layer in manifest["layers"]}
        with tarfile.open(fileobj=stream, mode="w|") as archive:
            for name, content in {"oci-layout": {"imageLayoutVersion": "1.0.0"}, "index.json": index}.items():
                data = json.dumps(content).encode()
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
            archive.add(self._manifest_file, arcname=_blob(digest))
            for blob in sorted({manifest["config"]["digest"]} | (layers - present)):
                archive.add(self._folder / blob.removeprefix("sha256:"), arcname=_blob(blob))

    def _manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self._manifest_file.read_text())
        return manifest

    def _digest_and_size(self) -> tuple[str, int]:
        content = self._manifest_file.read_bytes()
        return f"sha256:{hashlib.sha256(content).hexdigest()}", len(content)

    @property
    def _manifest_file(self) -> Path:
        return self._folder / "manifest.json"


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
