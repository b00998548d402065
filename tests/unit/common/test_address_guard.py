from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_common.address_guard import (
    check_address,
    check_host,
    checked_addresses,
    resolve_by_system,
)
from videojob_common.errors import ForbiddenAddressError

METADATA = ["169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "168.63.129.16", "100.100.100.200", "192.0.0.192"]
NEVER = [*METADATA, "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "fe80::1", "ff02::1", "240.0.0.1"]  # noqa: S104
PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "127.8.8.8", "100.64.0.1"]
PRIVATE6 = ["::1", "fc00::1", "fd12::1", "2001:db8::1", "64:ff9b:1::101:101"]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.63.255.255", "100.128.0.1", "2606:4700:4700::1111"]


def refused(address: str, *, allow_private: bool = False) -> bool:
    try:
        check_address(ipaddress.ip_address(address), allow_private=allow_private)
    except ForbiddenAddressError:
        return True
    return False


@pytest.mark.parametrize("address", PUBLIC)
def test_public_is_allowed(address: str) -> None:
    assert not refused(address)


@pytest.mark.parametrize("address", PRIVATE + PRIVATE6)
def test_private_is_allowed_only_when_the_pool_says_so(address: str) -> None:
    assert refused(address)
    assert not refused(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_special_is_never_allowed(address: str) -> None:
    assert refused(address)
    assert refused(address, allow_private=True)


def carried_by(v4: ipaddress.IPv4Address) -> list[ipaddress.IPv6Address]:
    """Every way to write an IPv4 address as an IPv6 one that leads to it."""
    low = int(v4)
    return [
        ipaddress.IPv6Address((0xFFFF << 32) | low),
        ipaddress.IPv6Address((0xFFFF << 48) | low),
        ipaddress.IPv6Address(low),
        ipaddress.IPv6Address((0x64FF9B << 96) | low),
        ipaddress.IPv6Address((0x2002 << 112) | (low << 80)),
        ipaddress.IPv6Address((0x20010000 << 96) | (~low & 0xFFFFFFFF)),
    ]


@pytest.mark.parametrize("address", PRIVATE + [address for address in NEVER if ":" not in address])
def test_no_ipv6_disguise_helps(address: str) -> None:
    for disguise in carried_by(ipaddress.IPv4Address(address)):
        assert refused(str(disguise)), disguise


@given(st.ip_addresses())
def test_agrees_with_the_library_where_it_says_not_global(address: ipaddress.IPv4Address) -> None:
    """Whatever `ipaddress` holds to be private, we refuse as well; the lists only add to it."""
    if address.is_private or address.is_multicast or address.is_link_local or address.is_loopback:
        # The library also calls private the assignments of 2001::/23, of which ORCHID leads nowhere.
        if address in ipaddress.ip_network("2001::/23"):
            return
        assert refused(str(address))


@pytest.mark.parametrize(
    ("host", "globs", "allowed"),
    [
        ("cdn.example.org", None, True),
        ("cdn.example.org", ["*.example.org"], True),
        ("CDN.Example.ORG.", ["*.example.org"], True),
        ("example.org", ["*.example.org"], False),
        ("example.org.evil.net", ["*.example.org"], False),
        ("evil.net", ["*.example.org", "example.org"], False),
        ("example.org", [], False),
    ],
)
def test_hosts_by_glob(host: str, globs: list[str] | None, *, allowed: bool) -> None:
    if allowed:
        check_host(host, globs)
    else:
        with pytest.raises(ForbiddenAddressError, match="the pool does not allow"):
            check_host(host, globs)


async def test_one_forbidden_address_forbids_the_host() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["1.1.1.1", "10.0.0.1"]

    with pytest.raises(ForbiddenAddressError, match=r"mixed\.example: 10\.0\.0\.1"):
        await checked_addresses("mixed.example", 443, resolve, allow_private=False)


@pytest.mark.parametrize("odd", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1"])
async def test_odd_spellings_of_loopback_are_seen_through(odd: str) -> None:
    try:
        found = await resolve_by_system(odd, 80)
    except socket.gaierror:
        return  # this system does not read it as an address, and so nothing connects to it
    assert all(refused(address) for address in found)
