"""Requests to URLs that a VideoJob's author chose: each is checked, then made to the address that was checked.

Redirects are the caller's to follow, each as a request of its own. Proxies and credentials of the environment are not
used: `httpcore`, unlike what stands on it, reads neither.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpcore
import idna

from videojob_common.address_guard import Resolver, check_host, checked_addresses
from videojob_common.errors import ForbiddenAddressError
from videojob_common.pinned_connections import PinnedBackend

if TYPE_CHECKING:
    from collections.abc import Iterable

_PORTS = {"http": 80, "https": 443}
_NO_HOST = re.compile(r"[\x00-\x20\x7f%<>\\^|\"`{}]")
"""What no host's name has, nor an address (WHATWG URL): it would stand in statuses, Events and logs."""
_SAFE = "%/:=&?~+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class GuardedUrl:
    """A URL, taken apart and found to be one that may be asked for."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Its host, and the port where that is not the scheme's own; ASCII, without control characters."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> httpcore.URL:
        """As httpcore has it."""
        return httpcore.URL(scheme=self.scheme, host=self.host, port=self.port, target=self.target)


def parse_url(text: str) -> GuardedUrl:
    """Take a URL apart, as browsers would.

    Raises:
        ForbiddenAddressError: it is not http or https, has a user or password, or no host; the message goes on from
            the URL's name.
    """
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS[parts.scheme]
        host = parts.hostname or ""
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode()
    except (ValueError, KeyError) as error:
        raise ForbiddenAddressError("leads to something that is not an http or https URL") from error
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddressError("has a user or password in its URL; those would be seen by everyone who reads it")
    if _NO_HOST.search(host):
        raise ForbiddenAddressError("has a host that cannot be a host's name")
    if not host:
        raise ForbiddenAddressError("has no host in its URL")
    target = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    return GuardedUrl(parts.scheme, host, port, target)


async def guarded_connections(
    url: GuardedUrl, resolve: Resolver, *, allow_hosts: Iterable[str] | None, allow_private: bool
) -> httpcore.AsyncConnectionPool:
    """Check a URL's host and every address that it has; return connections that go to those alone.

    Raises:
        ForbiddenAddressError: naming host and address.
        UnicodeError: a part of the name is empty or too long.
        OSError: the name does not resolve.
    """
    check_host(url.host, allow_hosts)
    addresses = await checked_addresses(url.host, url.port, resolve, allow_private=allow_private)
    return httpcore.AsyncConnectionPool(
        ssl_context=_tls() if url.scheme == "https" else None, network_backend=PinnedBackend(addresses)
    )


def certificate_problem(error: BaseException) -> str | None:
    """Return why a certificate did not hold, if that is what an error came of."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"has a certificate that does not hold: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return None


@cache
def _tls() -> ssl.SSLContext:
    """Trust what the system trusts; `SSL_CERT_FILE` names others."""
    return ssl.create_default_context()
