"""Telling webhooks: in the background, each behind the address guard, and none at the cost of others.

What came of a message is kept until the VideoJob's status says it. All else may be lost: what was not said to have
arrived is sent again, with the same id.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import httpcore

from videojob_common.address_guard import resolve_by_system
from videojob_common.errors import ForbiddenAddressError
from videojob_common.guarded_http import certificate_problem, guarded_connections, parse_url
from videojob_contract.version import __version__
from videojob_operator import metrics
from videojob_operator.act.signing_keys import SigningKeys
from videojob_operator.errors import SigningKeyError
from videojob_operator.messages import PostResult, host_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from videojob_common.address_guard import Resolver
    from videojob_contract.resources.notifications import Notify, WebhookRules
    from videojob_operator.act.kubernetes import Kubernetes
    from videojob_operator.messages import WebhookMessage
    from videojob_operator.store import NamespacedName

log = logging.getLogger(__name__)

TRY_S = 15.0
"""How long a receiver has for all of a request and its answer, in seconds."""
AT_A_TIME, OF_A_NAMESPACE, OF_A_HOST = 64, 16, 4
"""Messages on their way at a time: in all, of a namespace, and of that to one host: who is slow holds up its own."""
WAITING_FOR_A_HOST, MOST_WAITING = 20, 1000
"""Messages of a namespace that wait for their turn: to one host, and in all."""
_GONE = 410


@dataclass(slots=True)
class _OfJob:
    posting: set[str] = field(default_factory=set)
    posted: dict[str, PostResult] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Post:
    message: WebhookMessage
    receiver: Notify
    rules: WebhookRules
    keeps: bool


class Webhooks:
    """Sends messages, and keeps what came of them."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        *,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], datetime],
        on_posted: Callable[[NamespacedName], None],
        resolve: Resolver | None = None,
    ) -> None:
        """Tell `on_posted` of each VideoJob of which a message arrived, or did not, or found no room and now may."""
        self._keys = SigningKeys(kubernetes)
        self._tasks = tasks
        self._clock = clock
        self._on_posted = on_posted
        # In threads of its own: a name whose servers never answer is not to hold up the way to Redis.
        threads = ThreadPoolExecutor(AT_A_TIME, "webhooks-resolver")
        self._resolve = resolve or partial(resolve_by_system, executor=threads)
        self._of: dict[NamespacedName, _OfJob] = {}
        self._turns = _Turns()
        self._without_room: dict[tuple[str, str], dict[NamespacedName, None]] = {}
        """Of a namespace and host, the VideoJobs whose messages may not wait yet, the first of them first."""

    def posting(self, key: NamespacedName) -> frozenset[str]:
        """Ids of a VideoJob's messages that are on their way."""
        return frozenset(self._of[key].posting) if key in self._of else frozenset()

    def posted(self, key: NamespacedName) -> Mapping[str, PostResult]:
        """What came of a VideoJob's messages, by their ids, until they are settled."""
        return dict(self._of[key].posted) if key in self._of else {}

    def post(
        self, key: NamespacedName, message: WebhookMessage, receiver: Notify, rules: WebhookRules, *, keeps: bool = True
    ) -> None:
        """Send a message soon, unless it is on its way; where too many wait, `on_posted` is told when there is room.

        What came of it is kept, if it is to be. What is not kept is sent at once or not at all: it would be old.
        """
        of, place = self._of.setdefault(key, _OfJob()), (key.namespace, host_of(receiver))
        if message.id in of.posting | of.posted.keys():
            return
        if self._turns.queue(*place, WAITING_FOR_A_HOST if keeps else OF_A_HOST):
            of.posting.add(message.id)
            self._tasks.create_task(self._send(key, of, _Post(message, receiver, rules, keeps)))
        elif keeps:
            self._without_room.setdefault(place, {})[key] = None
        self._drop_if_empty(key)

    def settle(self, key: NamespacedName, message_id: str) -> None:
        """Let go of what came of a message."""
        if key in self._of:
            self._of[key].posted.pop(message_id, None)
        self._drop_if_empty(key)

    def follow(self, key: NamespacedName, _: object, after: object) -> None:
        """Let go of everything about a VideoJob that is gone."""
        if after is None:
            self._of.pop(key, None)

    def _drop_if_empty(self, key: NamespacedName) -> None:
        of = self._of.get(key)
        if of is not None and not of.posting and not of.posted:
            del self._of[key]

    async def _send(self, key: NamespacedName, of: _OfJob, post: _Post) -> None:
        host = host_of(post.receiver)
        try:
            async with self._turns.take(key.namespace, host):
                result = await self._try(key.namespace, post)
        finally:
            of.posting.discard(post.message.id)
            self._turns.leave(key.namespace, host)
            self._tell_of_room(key.namespace, host)
        log.info("%s: %s of %s: %s", key, post.message.type, host, result.message)
        if post.keeps and self._of.get(key) is of:  # else the VideoJob is gone
            of.posted[post.message.id] = result
            self._on_posted(key)
        else:
            self._drop_if_empty(key)

    def _tell_of_room(self, namespace: str, host: str) -> None:
        waiting = self._without_room.get((namespace, host), {})
        for key in list(islice(waiting, self._turns.room(namespace, host))):
            del waiting[key]
            self._on_posted(key)
        if not waiting:
            self._without_room.pop((namespace, host), None)

    async def _try(self, namespace: str, post: _Post) -> PostResult:
        started = time.monotonic()
        try:
            async with asyncio.timeout(TRY_S):
                result = await self._request(namespace, post)
        except (SigningKeyError, ForbiddenAddressError) as error:
            result = self._failed(str(error))
        except (TimeoutError, httpcore.TimeoutException):
            result = self._failed(f"no answer within {TRY_S:.0f} s")
        except UnicodeError:
            result = self._failed("its host cannot be a host's name")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            result = self._failed(certificate_problem(error) or str(error) or type(error).__name__)
        except Exception as error:  # whatever it is, it is this message's trouble alone
            log.exception("a message to a webhook was not sent")
            result = self._failed(f"{type(error).__name__}: {error}")
        outcome = "delivered" if result.arrived else "gone" if result.gone else "failed"
        metrics.webhook_tried(outcome, time.monotonic() - started)
        return result

    def _failed(self, why: str) -> PostResult:
        return PostResult(self._clock(), arrived=False, message=why)

    async def _request(self, namespace: str, post: _Post) -> PostResult:
        entry = post.receiver.signing_key
        keys = await self._keys.get(namespace, entry) if entry is not None else []
        url = parse_url(post.receiver.url)
        connections = await guarded_connections(
            url, self._resolve, allow_hosts=post.rules.allow_hosts, allow_private=post.rules.allow_private_networks
        )
        now, body = self._clock(), _body(post.message)
        headers: dict[bytes | str, bytes | str] = {
            "Content-Type": "application/json",
            "User-Agent": f"videojob-operator/{__version__}",
            "Webhook-Id": post.message.id,
            "Webhook-Timestamp": str(int(now.timestamp())),
        }
        if keys:
            headers["Webhook-Signature"] = " ".join(key.sign(post.message.id, now, body) for key in keys)
        # Nothing of the answer's body is read: it says nothing that matters, and could be endless.
        async with (
            connections,
            connections.stream("POST", url.url, headers=headers, content=body.encode()) as response,
        ):
            return _read(response, self._clock())


def _body(message: WebhookMessage) -> str:
    at = message.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"type": message.type, "timestamp": at, "data": message.data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _read(response: httpcore.Response, now: datetime) -> PostResult:
    headers = {name.lower(): value for name, value in response.headers}
    return PostResult(
        now,
        arrived=200 <= response.status < 300,  # noqa: PLR2004 - success, RFC 9110
        message=f"HTTP {response.status}",
        gone=response.status == _GONE,
        retry_after_s=_retry_after_s(headers.get(b"retry-after", b"").decode("latin-1"), now),
    )


def _retry_after_s(text: str, now: datetime) -> float | None:
    """Read a header as RFC 9110 has it: seconds, or a date."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())


class _Turns:
    """Who may send: a host has its share of its namespace's share of all."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_A_TIME)
        self._shares: WeakValueDictionary[tuple[str, str], asyncio.Semaphore] = WeakValueDictionary()
        self._there: Counter[tuple[str, str]] = Counter()
        """How many are there to a host of a namespace, and with no host of the namespace."""

    def queue(self, namespace: str, host: str, most: int) -> bool:
        """Whether one more message may wait, with at most so many to its host; it is counted until it leaves."""
        if self._there[namespace, host] >= most or self._there[namespace, ""] >= MOST_WAITING:
            return False
        self._there.update([(namespace, host), (namespace, "")])
        return True

    def room(self, namespace: str, host: str) -> int:
        """How many more may wait for a host."""
        return max(0, WAITING_FOR_A_HOST - self._there[namespace, host])

    def leave(self, namespace: str, host: str) -> None:
        """Let another one wait."""
        self._there.subtract([(namespace, host), (namespace, "")])
        self._there = +self._there

    @asynccontextmanager
    async def take(self, namespace: str, host: str) -> AsyncIterator[None]:
        """Wait for a turn, narrow things first: what waits for a slow host is in nobody else's way."""
        of_host = self._share((namespace, host), OF_A_HOST)
        of_namespace = self._share((namespace, ""), OF_A_NAMESPACE)
        async with of_host, of_namespace, self._all:
            yield

    def _share(self, whose: tuple[str, str], most: int) -> asyncio.Semaphore:
        """Kept for as long as someone waits for it."""
        share = self._shares.get(whose)
        if share is None:
            share = self._shares[whose] = asyncio.Semaphore(most)
        return share
