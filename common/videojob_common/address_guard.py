"""The address guard: which hosts and addresses may be connected to for a VideoJob's author.

The author chooses URLs, and who connects to them stands inside the cluster: without a guard, a URL reaches what
only the cluster may (services, the node, the cloud's metadata). So a name is resolved once, every address
that it has is checked, and the connection goes to a checked address, not to the name (which could resolve
differently a moment later).

Ranges are those of IANA's special-purpose address registries (RFC 6890) and the clouds' metadata services.
They are listed here, because `ipaddress.is_global` changed between Python versions.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from videojob_common.errors import ForbiddenAddressError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]
"""`resolve(host, port)` returns addresses as text; raises `OSError` when the name has none."""


# Never: whoever answers here speaks for the node or the cloud, or is no single host.
_NEVER = [
    ipaddress.ip_network(cidr)
    for cidr in (
        "0.0.0.0/8",  # "this" network; 0.0.0.0 reaches the host itself
        "169.254.0.0/16",  # link-local; 169.254.169.254 is the metadata service of most clouds
        "100.100.100.200/32",  # metadata, Alibaba
        "168.63.129.16/32",  # metadata, Azure
        "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is metadata, Oracle
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/128",  # unspecified
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, deprecated
        "fd00:ec2::/32",  # metadata, AWS
        "fd20:ce::/32",  # metadata, Google
        "ff00::/8",  # multicast
        "100::/64",  # discard
        "5f00::/16",  # segment routing
    )
]

# Private: only when the pool allows private networks.
_PRIVATE = [
    ipaddress.ip_network(cidr)
    for cidr in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # carrier-grade NAT, and pods of some clusters
        "127.0.0.0/8",  # loopback
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "::1/128",  # loopback
        "64:ff9b:1::/48",  # NAT64 of the network's own
        "fc00::/7",  # unique local
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
]

# IPv6 addresses that carry an IPv4 address: network, and how far its bits stand from the right.
_CARRIERS = [
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated
    (ipaddress.IPv6Network("::/96"), 0),  # IPv4-compatible, deprecated
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),  # NAT64, local
    (ipaddress.IPv6Network("2002::/16"), 80),  # 6to4
]
_TEREDO = ipaddress.IPv6Network("2001::/32")
_LOOPBACK6 = ipaddress.IPv6Address("::1")


def check_address(address: Address, *, allow_private: bool) -> None:
    """Refuse an address that may not be connected to.

    Raises:
        ForbiddenAddressError: naming the address.
    """
    for each in _meanings(address):
        if any(each in network for network in _NEVER):
            raise ForbiddenAddressError(f"{address} is a link-local, metadata or other special address")
        if not allow_private and any(each in network for network in _PRIVATE):
            raise ForbiddenAddressError(f"{address} is in a private network, which the pool does not allow")


def check_host(host: str, allowed: Iterable[str] | None) -> None:
    """Refuse a host that none of the pool's globs matches.

    Raises:
        ForbiddenAddressError: naming the host.
    """
    name = host.rstrip(".").lower()
    if allowed is not None and not any(fnmatchcase(name, glob.lower()) for glob in allowed):
        raise ForbiddenAddressError(f"the pool does not allow {name}")


async def checked_addresses(host: str, port: int, resolve: Resolver, *, allow_private: bool) -> list[str]:
    """Resolve a host and check every address that it has: one that is forbidden forbids the host.

    Raises:
        ForbiddenAddressError: naming host and address.
        OSError: the name does not resolve.
    """
    addresses = await resolve(host, port)
    for text in addresses:
        try:
            check_address(ipaddress.ip_address(text), allow_private=allow_private)
        except ForbiddenAddressError as error:
            raise ForbiddenAddressError(str(error) if host == text else f"{host}: {error}") from None
    return addresses


async def resolve_by_system(host: str, port: int, executor: Executor | None = None) -> list[str]:
    """Resolve as the system does, also the odd ways to write an address (0x7f.1, 2130706433).

    It takes a thread of the executor, by default the event loop's own, for as long as the name's servers like.
    """
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(executor, ask)
    # A scope (fe80::1%eth0) only ever stands on link-local addresses, which are refused with or without it.
    return list(dict.fromkeys(str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found))


def _meanings(address: Address) -> list[Address]:
    """Return an address, and the IPv4 addresses that it leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    number = int(address)
    if address in _TEREDO:  # RFC 4380: the server in bits 32-63, the client at the end, inverted
        carried = [(number >> 64) & 0xFFFFFFFF, ~number & 0xFFFFFFFF]
    elif address == _LOOPBACK6:
        carried = []
    else:
        carried = [(number >> shift) & 0xFFFFFFFF for network, shift in _CARRIERS if address in network]
    return [address, *(ipaddress.IPv4Address(value) for value in carried)]
