"""`cluster up`, `down`, `status`, `logs`, `metrics` and `binaries`."""

import argparse
import json
import os
import shutil
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

from node import (
    addons,
    binaries,
    cgroups,
    cleanup,
    config,
    containerd,
    controlplane,
    kubelet,
    network,
    pki,
    processes,
    prometheus,
)
from node.config import ClusterError
from node.locks import exclusive
from node.steps import complain, say, step

DAEMONS = (
    "containerd",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "coredns",
    "kube-proxy",
    "kubelet",
)
RECORD = config.STATE / "cluster.json"  # which checkout and which programs started the cluster


def main() -> int:
    """Runs one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="cluster", description="A one-node Kubernetes that runs real pods.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start it, or check that it runs")
    commands.add_parser("down", help="stop it and leave nothing behind, whatever state it is in")
    state = commands.add_parser("status", help="say what runs; exit with 0 when this checkout's cluster does")
    state.add_argument("--quiet", action="store_true", help="only the exit status")
    logs = commands.add_parser("logs", help="print the end of a daemon's log")
    logs.add_argument("daemon", choices=DAEMONS)
    commands.add_parser("metrics", help="start a Prometheus that reads those of the operator, and print its address")
    commands.add_parser("binaries", help="build the programs if needed, and print their folder")
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except ClusterError as error:
        complain(f"\ncluster {arguments.command}: {error}")
        return 1
    except KeyboardInterrupt:
        complain(f"\ncluster {arguments.command}: interrupted; run it again, or `cluster down`")
        return 130


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "status":
        return status(quiet=arguments.quiet)
    if arguments.command == "logs":
        lines = processes.log_path(arguments.daemon).read_text(errors="replace").splitlines()[-100:]
        say("\n".join(lines))
        return 0
    if arguments.command in {"up", "down", "metrics"} and os.geteuid() != 0:
        raise ClusterError(f"needs root; run: sudo -E {' '.join(sys.argv)}")
    with exclusive("cluster"):
        if arguments.command == "up":
            up()
        elif arguments.command == "down":
            down()
        elif arguments.command == "metrics":
            metrics()
        else:
            with redirect_stdout(sys.stderr):  # the folder is for programs to read, all else for people
                folder = binaries.build()
            say(str(folder))
    return 0


def up() -> None:
    """Starts the cluster, or what of it does not run."""
    start = time.monotonic()
    programs = binaries.path()
    record = _own_record()
    if _healthy(record) and config.KUBECONFIG.exists() and config.MEDIA.is_dir():
        addons.offer_media_volume(programs)
        say(f"cluster is up; KUBECONFIG={config.KUBECONFIG}")
        return
    say(f"cluster-up: Kubernetes {config.KUBERNETES_VERSION}")
    binaries.bootstrap("cluster")
    binaries.build()
    _clear_the_way(record)
    _start(programs, record)
    say(f"cluster is up after {time.monotonic() - start:.1f} s; KUBECONFIG={config.KUBECONFIG}")


def _start(programs: Path, record: dict[str, str]) -> None:
    with step("certificates"):
        config.RUN.mkdir(parents=True, exist_ok=True)
        config.STATE.mkdir(parents=True, exist_ok=True)
        RECORD.write_text(json.dumps(record))
        pki.create()
        pki.write_kubeconfig("admin", config.KUBECONFIG)
        _link(config.CLUSTER / "bin", programs)
    with step(f"network: node {config.NODE_IP}, pods {config.POD_NETWORK}"):
        network.create()
        cgroups.create()
    with step("containerd, etcd and API server"):
        containerd.start()
        controlplane.start_etcd(programs)
        controlplane.start_api_server(programs)
        containerd.wait_ready()
        containerd.import_pause(programs / "pause")
        controlplane.wait_api_server()
    with step("controllers, scheduler, proxy, DNS, media volume"):
        controlplane.start_controllers(programs)
        controlplane.start_proxy(programs)
        addons.apply(programs)
        controlplane.start_dns(programs)
    with step("node"):
        kubelet.start(programs)
        kubelet.wait_ready(programs)


def down() -> None:
    """Stops the cluster and removes every trace of it."""
    if not cleanup.needed():
        say("no cluster is up")
        return
    start = time.monotonic()
    say("cluster-down")
    cleanup.clean()
    say(f"cluster is down after {time.monotonic() - start:.1f} s")


def metrics() -> None:
    """Starts Prometheus beside the cluster of this checkout."""
    if not _healthy(_own_record()):
        raise ClusterError("the cluster of this checkout does not run: run `make cluster-up` first")
    prometheus.start()
    say(f"metrics are at http://{prometheus.ADDRESS}")


def status(*, quiet: bool) -> int:
    """Prints what runs; 0 when all of it does, and this checkout started it."""
    record = _record()
    healthy = _healthy(_own_record())
    if quiet:
        return 0 if healthy else 1
    if not record:
        say("no cluster is up")
        return 1
    say(f"cluster of {record['checkout']}")
    for name in DAEMONS:
        pid = processes.running(name)
        say(f"  {name:<26}{f'process {pid}' if pid else 'not running'}")
    say(f"  {'API server':<26}{'ready' if controlplane.api_server_ready() else 'not ready'}")
    return 0 if healthy else 1


def _healthy(record: dict[str, str]) -> bool:
    """Whether the cluster that runs is that of `record`, and all of it runs."""
    return _record() == record and all(map(processes.running, DAEMONS)) and controlplane.api_server_ready()


def _clear_the_way(record: dict[str, str]) -> None:
    """Cleans up unless there is a cluster of ours that only lacks some daemon; checks that there is room."""
    found = _record()
    if found == record and processes.running("etcd"):
        return
    if cleanup.needed():
        if found and processes.running("etcd"):
            say(f"  taking the place of the cluster of {found['checkout']}, which ends")
        else:
            say("  removing what an earlier cluster left")
        cleanup.clean()
    network.check_free()
    shutil.rmtree(config.LOGS, ignore_errors=True)  # those of the cluster before


def _own_record() -> dict[str, str]:
    return {"checkout": str(config.CHECKOUT), "programs": str(binaries.path())}


def _record() -> dict[str, str]:
    try:
        record: dict[str, str] = json.loads(RECORD.read_text())
    except (OSError, ValueError):
        return {}
    return record


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)
