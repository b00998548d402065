"""Redis Sentinel: which server is the master, as the Sentinels say.

All are asked at once, and of what a majority says, that of the newest configuration counts: a Sentinel that was cut off
during a failover goes on naming the old master. While none answers, the master that was named last is believed in, for
without Sentinels nobody makes another.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from videojob_contract.queue.errors import QueueUnavailableError

ANSWER_S: Final = 1.0
"""How long a Sentinel may take to answer, connecting included, in seconds: less than half of what a call may."""
PORT: Final = 26379

_URL: Final = re.compile(r"redis(s?)\+sentinel://([^@/?#\s]+)/([A-Za-z0-9._-]+)(?:/(\d{1,5}))?")
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::([1-9]\d{0,4}))?")


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SentinelUrl:
    """`redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB`; with `rediss+sentinel`, Sentinels and servers speak TLS."""

    addresses: tuple[Address, ...]
    master: str
    db: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read it; without a port it is 26379, and without a database 0.

        Raises:
            ValueError: it is none.
        """
        found = _URL.fullmatch(url)
        hosts = [_HOST.fullmatch(host) for host in found[2].split(",")] if found else []
        addresses = tuple(Address(host[1] or host[2], int(host[3] or PORT)) for host in hosts if host)
        if not found or len(addresses) < len(hosts):
            raise ValueError("a URL of Sentinels is redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB, without a password")
        return cls(addresses, found[3], int(found[4] or 0), found[1] == "s")


def is_of_sentinels(url: str) -> bool:
    """Say whether a URL names Sentinels, and not the server itself."""
    return url.startswith(("redis+sentinel:", "rediss+sentinel:"))


@dataclass(frozen=True, slots=True)
class Master:
    """The master, by a configuration of the Sentinels."""

    address: Address
    epoch: int
    """Number of that configuration: each failover makes a greater one."""
    is_down: bool
    """Whether a quorum of Sentinels does not reach it, so that another is to follow."""


class Sentinels:
    """Asks the Sentinels of a URL."""

    def __init__(self, url: SentinelUrl, client_of: Callable[[Address], Redis]) -> None:
        """`client_of` makes the client of a Sentinel, which tries a command once."""
        self._name = url.master
        self._clients = {address: client_of(address) for address in url.addresses}
        self._asking = asyncio.Lock()
        self._asked_at = self._said_at = float("-inf")  # on the event loop's clock
        self.named: Master | None = None
        """The master that was named last."""

    async def master(self, within_s: float = 0.0) -> Master:
        """Return the master as the Sentinels said it at most so many seconds ago; with none of them they are asked now.

        Raises:
            QueueUnavailableError: they do not know it, or hold it for down, or none answers and none ever did.
        """
        loop = asyncio.get_running_loop()
        wanted_at = loop.time() - within_s
        async with self._asking:
            known_at = self._said_at if within_s else self._asked_at
            if self.named is None or known_at < wanted_at:
                self._asked_at = loop.time()
                try:
                    self.named = await self._ask()
                finally:  # also when they are silent: then not each call is to wait for them
                    self._said_at = loop.time()
            named = self.named
        if named.is_down:
            raise QueueUnavailableError(f"the Sentinels hold {self._name}, {named.address}, for down")
        return named

    async def aclose(self) -> None:
        """Close the connections, which open when they are used."""
        for client in self._clients.values():
            await client.aclose()

    async def _ask(self) -> Master:
        """Ask all, and return what is newest of what the first answers say, of more than half of them if they do."""
        asked = {asyncio.create_task(self._answer(client)): address for address, client in self._clients.items()}
        pending, answers, silent = set(asked), list[Master | None](), list[str]()
        try:
            while pending and 2 * len(answers) <= len(asked):
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if error := task.exception():
                        silent.append(f"{asked[task]}: {error}")
                    else:
                        answers.append(task.result())
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        if masters := [answer for answer in answers if answer]:
            return max(masters, key=lambda master: master.epoch)
        if answers:
            raise QueueUnavailableError(f"the Sentinels know no master {self._name}")
        if self.named is None:
            raise QueueUnavailableError(f"no Sentinel answers: {'; '.join(silent)}")
        return self.named

    async def _answer(self, client: Redis) -> Master | None:
        """Return what a Sentinel says; None when it does not know the master.

        Raises:
            RedisError: it does not answer, or nothing that makes sense.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                said = await client.execute_command("SENTINEL", "MASTER", self._name)  # type: ignore[no-untyped-call]
            return _master_of(dict(zip(said[::2], said[1::2], strict=True)))
        except TimeoutError:
            raise RedisError(f"silent for {ANSWER_S:g} s") from None
        except ResponseError as error:
            if "No such master" in str(error):
                return None
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise RedisError(f"it does not say what a Sentinel does ({error!r})") from error


def _master_of(fields: Mapping[str, str]) -> Master:
    address = Address(fields["ip"], int(fields["port"]))
    return Master(address, int(fields["config-epoch"]), "o_down" in fields["flags"].split(","))
