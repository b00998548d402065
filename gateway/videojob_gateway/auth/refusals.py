"""Credentials that were refused, by the address that sent them: who guesses is soon not looked at any more.

Each replica counts by itself and before it asks anyone. Whoever is known without asking is known all the same: of a
proxy that is not trusted to say for whom it asks, one caller who guesses must not shut out the others.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from videojob_gateway import metrics
from videojob_gateway.errors import TooManyRefusalsError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WINDOW_S: Final = 60.0
MOST_ADDRESSES: Final = 10_000
"""Addresses that are kept; the oldest goes."""
_NETWORK_BITS: Final = 64
"""Of IPv6: whoever has an address has as many of these networks' as they like."""


@dataclass(slots=True)
class _Counted:
    refusals: int
    until: float


class Refusals:
    """What was refused in the last minute, by address."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._counted: dict[str, _Counted] = {}

    @contextmanager
    def attempt(self, address: str, *, asks: bool) -> Iterator[None]:
        """Count an attempt as refused, unless it turns out otherwise.

        Args:
            address: where it comes from.
            asks: whether somebody else has to be asked.

        Raises:
            TooManyRefusalsError: as many have been refused, and this one is too, or would have to be asked for.
        """
        counted = self._of(_network_of(address))
        if asks and counted.refusals >= self._most:
            raise self._too_many(counted)
        counted.refusals += 1  # while it lasts, too: others may be tried meanwhile
        try:
            yield
        except UnauthenticatedError as error:
            if counted.refusals > self._most:
                raise self._too_many(counted) from error
            raise
        except BaseException:
            counted.refusals -= 1
            raise
        counted.refusals -= 1

    def _of(self, network: str) -> _Counted:
        now = self._clock()
        counted = self._counted.get(network)
        if counted is None or counted.until <= now:
            self._counted.pop(network, None)  # to come last
            while len(self._counted) >= MOST_ADDRESSES:
                del self._counted[next(iter(self._counted))]
            counted = self._counted[network] = _Counted(0, now + WINDOW_S)
        return counted

    def _too_many(self, counted: _Counted) -> TooManyRefusalsError:
        metrics.limited("refusals")
        again_s = max(1, math.ceil(counted.until - self._clock()))
        return TooManyRefusalsError(
            f"{self._most} credentials of this address were refused within a minute; ask again in {again_s} s",
            headers={"Retry-After": str(again_s)},
        )


def _network_of(address: str) -> str:
    """Return what is counted by: an address, or the network of one of IPv6; whatever a proxy says is no more."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "none"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((found, _NETWORK_BITS), strict=False))
    return str(found)
