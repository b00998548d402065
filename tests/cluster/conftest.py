"""A machine without a cluster, before and after each test of this folder."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.append(str(CHECKOUT / "hack" / "cluster"))


@pytest.fixture(scope="session", autouse=True)
def _no_cluster_in_use() -> None:
    from node import processes  # noqa: PLC0415 (found by the line above)

    if processes.running("etcd"):
        pytest.exit("a cluster is up, and these tests would end it; run `make cluster-down` first", returncode=1)


@pytest.fixture
def cluster() -> Iterator["Cluster"]:
    """The cluster command; what a failed test leaves is removed."""
    own = Cluster(CHECKOUT)
    own.run("down")
    yield own
    own.run("down")


class Cluster:
    """The command of one checkout, and kubectl on its cluster."""

    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
        self.program = checkout / "hack" / "cluster" / "cluster"

    def run(self, command: str) -> str:
        """Runs `cluster up` or another command, and returns what it prints."""
        done = subprocess.run([self.program, command], text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"cluster {command}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Runs kubectl and returns what it prints."""
        own = self.checkout / ".cluster"
        command = [own / "bin" / "kubectl", "--kubeconfig", own / "kubeconfig", *arguments]
        done = subprocess.run(command, input=stdin, text=True, capture_output=True, check=False, timeout=90)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout
