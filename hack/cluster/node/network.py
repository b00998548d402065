"""The node's network: one bridge with the node's address, routes for pods and services, and a firewall.

Nothing of it is reachable from outside the machine, and no pod reaches anything outside: the firewall refuses both,
and no address is ever masqueraded.
"""

import json
import re
import subprocess
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from node import config
from node.config import ClusterError

INPUT_CHAIN = "VIDEOJOB-INPUT"
FORWARD_CHAIN = "VIDEOJOB-FORWARD"
OWN_CHAINS = re.compile(r"(KUBE|VIDEOJOB)-")

# What the kubelet, kube-proxy and the CNI plugins change; as it was before us, so that stopping can put it back.
SYSCTLS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/ip_forward",
    "net/ipv4/vs/conntrack",
    "net/netfilter/nf_conntrack_tcp_be_liberal",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
SAVED_SYSCTLS = config.STATE / "sysctls.json"
FORWARDING = "net/ipv4/ip_forward"


def create() -> None:
    """Bridge, routes, forwarding and firewall; what is there already stays."""
    _save_sysctls()
    if not _links(name=config.BRIDGE):
        _ip("link", "add", config.BRIDGE, "type", "bridge")
    prefix = config.NODE_NETWORK.prefixlen
    _ip("address", "replace", f"{config.NODE_IP}/{prefix}", "dev", config.BRIDGE)
    _ip("link", "set", config.BRIDGE, "up")
    # What has these addresses and is no pod (whose own route is more specific) and no service (which kube-proxy
    # catches after routing, and so needs some way out) must not leave by the machine's own interface.
    _ip("route", "replace", "unreachable", str(config.POD_NETWORK))
    _ip("route", "replace", str(config.SERVICE_NETWORK), "dev", config.BRIDGE)
    _restore_rules("iptables", _firewall(forwards_for_others=_saved_sysctls().get(FORWARDING) == "1"))
    _write_sysctl(FORWARDING, "1")


def check_free() -> None:
    """Raises ClusterError when the addresses or firewall chains that we need are in use by something else."""
    for route in json.loads(_ip("-json", "-4", "route", "show", "table", "all") or "[]"):
        destination = route["dst"]
        if destination == "default":
            continue
        network = IPv4Network(destination, strict=False)
        for own in (config.NODE_NETWORK, config.POD_NETWORK, config.SERVICE_NETWORK):
            if network.overlaps(own):
                where = f"{destination} dev {route.get('dev', '?')}"
                raise ClusterError(f"this machine already routes {where}, which overlaps the cluster's {own}")
    if foreign := [chain for chain in _chains("iptables") if chain[1].startswith("KUBE-")]:
        table, chain = foreign[0]
        raise ClusterError(f"another Kubernetes runs on this machine (it has the chain {chain} in table {table})")


def remove() -> None:
    """Undoes `create`, and what kube-proxy, the kubelet and the CNI plugin added."""
    for link in _links():
        addresses = [item["local"] for item in link.get("addr_info", []) if item["family"] == "inet"]
        if link["ifname"] == config.BRIDGE or any(IPv4Network(a).subnet_of(config.POD_NETWORK) for a in addresses):
            _ip("link", "delete", link["ifname"], check=False)  # the other end of a pair may have taken it along
    _ip("route", "delete", "unreachable", str(config.POD_NETWORK), check=False)
    if ("filter", FORWARD_CHAIN) in _chains("iptables"):  # then the other KUBE- chains are our cluster's too
        for program in ("ip6tables", "iptables"):
            _remove_rules(program)
    for name, value in _saved_sysctls().items():
        _write_sysctl(name, value)


def present() -> bool:
    """Whether anything that `create` made is there."""
    return bool(_links(name=config.BRIDGE)) or ("filter", FORWARD_CHAIN) in _chains("iptables")


def _firewall(*, forwards_for_others: bool) -> str:
    pods, services, bridge = config.POD_NETWORK, config.SERVICE_NETWORK, config.NODE_NETWORK
    refuse = "REJECT --reject-with icmp-net-unreachable"
    # This machine becomes a router for its pods. If it was none before, it must not become one for others.
    others = "RETURN" if forwards_for_others else "DROP"
    rules = [
        f"-A {INPUT_CHAIN} -s {pods} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
        f"-A {INPUT_CHAIN} -s {pods} -d {config.NODE_IP} -j RETURN",
        f"-A {INPUT_CHAIN} -s {pods} -j {refuse}",
        f"-A {INPUT_CHAIN} ! -i lo -d {bridge} -j {refuse}",
        f"-A {FORWARD_CHAIN} -s {pods} -d {pods} -j RETURN",
        f"-A {FORWARD_CHAIN} -s {pods} -j {refuse}",
        f"-A {FORWARD_CHAIN} -d {pods} -j {refuse}",
        f"-A {FORWARD_CHAIN} -d {services} -j {refuse}",
        f"-A {FORWARD_CHAIN} -j {others}",
    ]
    saved = _save_rules("iptables").get("filter", [])
    jumps = [
        f"-I {builtin} -j {chain}"
        for builtin, chain in (("INPUT", INPUT_CHAIN), ("FORWARD", FORWARD_CHAIN))
        if f"-A {builtin} -j {chain}" not in saved
    ]
    chains = [f":{INPUT_CHAIN} - [0:0]", f":{FORWARD_CHAIN} - [0:0]"]  # naming them empties them
    return "\n".join(["*filter", *chains, *rules, *jumps, "COMMIT", ""])


def _remove_rules(program: str) -> None:
    """Deletes our chains and every rule that jumps to them, and touches no other rule."""
    commands = []
    for table, lines in _save_rules(program).items():
        chains = [line[1:].split()[0] for line in lines if line.startswith(":") and OWN_CHAINS.match(line[1:])]
        rules = [line for line in lines if line.startswith("-A ")]
        jumps = [
            line.replace("-A ", "-D ", 1)
            for line in rules
            if not OWN_CHAINS.match(line.split()[1]) and re.search(rf"-[jg] {OWN_CHAINS.pattern}", line)
        ]
        if chains or jumps:
            emptied = [f":{chain} - [0:0]" for chain in chains]
            deleted = [f"-X {chain}" for chain in chains]
            commands += [f"*{table}", *emptied, *jumps, *deleted, "COMMIT"]
    if commands:
        _restore_rules(program, "\n".join([*commands, ""]))


def _chains(program: str) -> list[tuple[str, str]]:
    return [
        (table, line[1:].split()[0])
        for table, lines in _save_rules(program).items()
        for line in lines
        if line.startswith(":")
    ]


def _save_rules(program: str) -> dict[str, list[str]]:
    """The lines of each table, as iptables-save prints them."""
    tables: dict[str, list[str]] = {}
    current: list[str] = []
    for line in _output([f"{program}-save"]).splitlines():
        if line.startswith("*"):
            current = tables.setdefault(line[1:], [])
        elif line.startswith((":", "-")):
            current.append(line)
    return tables


def _restore_rules(program: str, rules: str) -> None:
    command = [f"{program}-restore", "--noflush", "--wait", "10"]
    result = subprocess.run(command, input=rules, text=True, capture_output=True, check=False)
    if result.returncode:
        raise ClusterError(f"{' '.join(command)}: {result.stderr.strip()}\n{rules}")


def _links(name: str | None = None) -> list[dict[str, Any]]:
    links = json.loads(_ip("-json", "address", "show") or "[]")
    return [link for link in links if link and (name is None or link["ifname"] == name)]


def _ip(*arguments: str, check: bool = True) -> str:
    return _output(["ip", *arguments], check=check)


def _output(command: list[str], *, check: bool = True) -> str:
    result = subprocess.run(command, text=True, capture_output=True, check=False)
    if check and result.returncode:
        raise ClusterError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


def _sysctl(name: str) -> Path:
    return Path("/proc/sys") / name


def _write_sysctl(name: str, value: str) -> None:
    """Writes only a change: writing ip_forward, even as it is, resets the setting of every interface."""
    if _sysctl(name).exists() and _sysctl(name).read_text().strip() != value:
        _sysctl(name).write_text(value)


def _save_sysctls() -> None:
    if SAVED_SYSCTLS.exists():
        return
    values = {name: _sysctl(name).read_text().strip() for name in SYSCTLS if _sysctl(name).exists()}
    SAVED_SYSCTLS.parent.mkdir(parents=True, exist_ok=True)
    partial = SAVED_SYSCTLS.with_suffix(".partial")
    partial.write_text(json.dumps(values))
    partial.rename(SAVED_SYSCTLS)


def _saved_sysctls() -> dict[str, str]:
    if not SAVED_SYSCTLS.exists():
        return {}
    values: dict[str, str] = json.loads(SAVED_SYSCTLS.read_text())
    return values
