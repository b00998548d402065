"""Sending to receivers on loopback that behave as badly as they like."""

import asyncio
import base64
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from videojob_contract.api_paths import SECRETS
from videojob_contract.resources.notifications import Notify, WebhookRules
from videojob_operator.act import webhooks as module
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.act.webhooks import Webhooks
from videojob_operator.messages import PostResult, WebhookMessage
from videojob_operator.records import VideoJobKey

KEY = VideoJobKey("team", "holiday")
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
ON_LOOPBACK = WebhookRules(allow_private_networks=True)
FIRST, SECOND = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def message(name: str = "msg_1") -> WebhookMessage:
    return WebhookMessage(name, "videojob.succeeded", AT, {"name": "holiday", "title": "Zürich"})


class Receivers:
    """Servers on loopback, and a sender to them."""

    def __init__(self, kubernetes: FakeKubernetes, tasks: asyncio.TaskGroup) -> None:
        self.kubernetes = kubernetes
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.posted: asyncio.Queue[VideoJobKey] = asyncio.Queue()
        self.hosts: dict[str, list[str]] = {}
        self.webhooks = Webhooks(
            kubernetes,
            tasks=tasks,
            clock=lambda: datetime.now(UTC),
            on_posted=lambda key: self.posted.put_nowait(VideoJobKey(key.namespace, key.name)),
            resolve=self._resolve,
        )
        self.runners: list[web.AppRunner] = []

    async def _resolve(self, host: str, _: int) -> list[str]:
        if host not in self.hosts:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.hosts[host]

    async def serve(self, answer: Answer) -> int:
        """Start a receiver; return its port."""

        async def note(request: web.Request) -> web.StreamResponse:
            self.came.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
            return await answer(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", note)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self.runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return int(runner.addresses[0][1])

    def post(
        self, url: str, name: str = "msg_1", key: VideoJobKey = KEY, rules: WebhookRules = ON_LOOPBACK, **of: Any
    ) -> None:
        receiver = Notify.model_validate({"url": url} | of)
        self.webhooks.post(key, message(name), receiver, rules)

    async def result(self, url: str, name: str = "msg_1", **fields: Any) -> PostResult:
        """Send one message; return what came of it."""
        self.post(url, name, **fields)
        key = await asyncio.wait_for(self.posted.get(), 30)
        result = self.webhooks.posted(key)[name]
        self.webhooks.settle(key, name)
        return result


@pytest.fixture
async def receivers() -> AsyncIterator[Receivers]:
    async with asyncio.TaskGroup() as tasks:
        there = Receivers(FakeKubernetes(FakeApiServer()), tasks)
        there.hosts |= {"hooks.example.org": ["127.0.0.1"], "slow.example.org": ["127.0.0.1"]}
        yield there
        for runner in there.runners:
            await runner.cleanup()


async def ok(_: web.Request) -> web.StreamResponse:
    return web.Response()


async def with_keys(receivers: Receivers, **entries: str) -> None:
    data = {name: base64.b64encode(text.encode()).decode() for name, text in entries.items()}
    await receivers.kubernetes.create(SECRETS, "team", {"metadata": {"name": "videojob-webhooks"}, "data": data})


async def test_a_message_is_what_the_specification_says_and_its_own_library_verifies_it(receivers):
    await with_keys(receivers, billing=f"{FIRST}\n{SECOND}\n")
    port = await receivers.serve(ok)
    result = await receivers.result(f"http://hooks.example.org:{port}/in?x=1", signingKey="billing")

    assert (result.arrived, result.message) == (True, "HTTP 200")
    headers, body = receivers.came[0]
    for key in (FIRST, SECOND):  # whichever the receiver has while the two are changed over
        told = Webhook(key).verify(body, headers)
        assert told == {
            "type": "videojob.succeeded",
            "timestamp": "2026-01-01T12:00:00.000Z",
            "data": {"name": "holiday", "title": "Zürich"},
        }
    assert headers["webhook-id"] == "msg_1"
    assert headers["content-type"] == "application/json"
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(f"whsec_{base64.b64encode(bytes(32)).decode()}").verify(body, headers)


async def test_without_a_key_there_is_no_signature(receivers):
    await receivers.result(f"http://hooks.example.org:{await receivers.serve(ok)}")
    assert "webhook-signature" not in receivers.came[0][0]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (None, "the namespace has no Secret videojob-webhooks"),
        ({"other": FIRST}, 'Secret videojob-webhooks has no entry "billing"'),
        ({"billing": "hunter2"}, "is not whsec_ and the base64 of 24 to 64 bytes"),
        ({"billing": "whsec_c2hvcnQ="}, "is not whsec_ and the base64 of 24 to 64 bytes"),
        ({"billing": "whsec_ä"}, "is not whsec_ and the base64"),
        ({"billing": f"{FIRST} nonsense"}, "is not whsec_ and the base64"),
        ({"billing": " \n"}, "is empty"),
        ({"billing": f"{FIRST}\n" * 9}, "has more than 8 keys"),
    ],
)
async def test_what_cannot_be_signed_is_not_sent(receivers, entries, said):
    if entries is not None:
        await with_keys(receivers, **entries)
    result = await receivers.result(f"http://hooks.example.org:{await receivers.serve(ok)}", signingKey="billing")

    assert not result.arrived
    assert said in result.message
    assert receivers.came == []
    assert "hunter2" not in result.message


async def test_a_secret_that_may_not_be_read_is_told(receivers):
    receivers.kubernetes.refuse(403, "Forbidden", message="no rights")
    result = await receivers.result(f"http://hooks.example.org:{await receivers.serve(ok)}", signingKey="billing")
    assert "cannot be read: " in result.message


async def test_one_look_at_the_secret_serves_many_messages_and_a_rotation_is_noticed(receivers, monkeypatch):
    await with_keys(receivers, billing=FIRST)
    url = f"http://hooks.example.org:{await receivers.serve(ok)}"
    await receivers.result(url, signingKey="billing")
    receivers.kubernetes.refuse(500, "InternalError")
    assert (await receivers.result(url, "msg_2", signingKey="billing")).arrived
    receivers.kubernetes.recover()

    monkeypatch.setattr("videojob_operator.act.secret_reader.KEPT_S", 0.0)
    receivers.webhooks._keys._secrets._known.clear()
    await receivers.kubernetes.delete(SECRETS, "team", "videojob-webhooks")
    await with_keys(receivers, billing=SECOND)
    await receivers.result(url, "msg_3", signingKey="billing")
    assert Webhook(SECOND).verify(receivers.came[-1][1], receivers.came[-1][0])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (web.Response(status=204), (True, False, None)),
        (web.Response(status=500), (False, False, None)),
        (web.Response(status=410), (False, True, None)),
        (web.Response(status=429, headers={"Retry-After": "120"}), (False, False, 120.0)),
        (web.Response(status=503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), (False, False, 0.0)),
        (web.Response(status=503, headers={"Retry-After": "soon"}), (False, False, None)),
        (web.Response(status=503, headers={"Retry-After": "9" * 400}), (False, False, 999999999.0)),
        (
            web.Response(status=200, headers={"Retry-After": "Feb -99999999999999 1 12.30 12.30.10 Mon"}),
            (True, False, None),
        ),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), (False, False, None)),
    ],
)
async def test_what_a_receiver_answers(receivers, answer, expected):
    async def give(_: web.Request) -> web.StreamResponse:
        return answer

    result = await receivers.result(f"http://hooks.example.org:{await receivers.serve(give)}")
    assert (result.arrived, result.gone, result.retry_after_s) == expected
    assert result.message == f"HTTP {answer.status}"
    assert len(receivers.came) == 1  # a redirect is not followed


async def test_an_endless_answer_is_not_read(receivers):
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1 << 16))

    started = time.monotonic()
    result = await receivers.result(f"http://hooks.example.org:{await receivers.serve(endless)}")
    assert result.arrived
    assert time.monotonic() - started < module.TRY_S / 2


@pytest.mark.parametrize(
    ("url", "rules", "said"),
    [
        ("http://127.0.0.1:9", WebhookRules(), "is in a private network"),
        ("http://hooks.example.org:9", WebhookRules(), "hooks.example.org: 127.0.0.1 is in a private network"),
        ("http://169.254.169.254/latest", ON_LOOPBACK, "metadata"),
        ("http://hooks.example.org:9", WebhookRules(allow_hosts=["*.example.com"]), "does not allow hooks.example.org"),
        ("http://nowhere.example.org", ON_LOOPBACK, "Name or service not known"),
    ],
)
async def test_where_no_message_goes(receivers, url, rules, said):
    receivers.hosts |= {host: [host] for host in ("127.0.0.1", "169.254.169.254")}
    result = await receivers.result(url, rules=rules)
    assert not result.arrived
    assert said in result.message


async def test_headers_without_end_are_an_error_of_that_receiver(receivers):
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while True:
                writer.write(b"X: " + b"y" * 1000 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    result = await receivers.result(f"http://hooks.example.org:{port}")
    assert not result.arrived
    server.close()


async def test_a_slow_receiver_holds_up_its_own_messages_alone(receivers, monkeypatch):
    monkeypatch.setattr(module, "TRY_S", 3.0)
    let_go = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        await let_go.wait()
        return web.Response()

    slow_port, port = await receivers.serve(slow), await receivers.serve(ok)
    for index in range(3 * module.OF_A_HOST):
        receivers.post(f"http://slow.example.org:{slow_port}", f"slow_{index}")
    started = time.monotonic()
    for index in range(20):
        receivers.post(f"http://hooks.example.org:{port}", f"quick_{index}")
    quick = 0
    while quick < 20:
        await asyncio.wait_for(receivers.posted.get(), 3)
        quick = sum(name.startswith("quick") for name in receivers.webhooks.posted(KEY))
    assert time.monotonic() - started < 2.5
    assert not any(name.startswith("slow") for name in receivers.webhooks.posted(KEY))

    while not (late := [r for name, r in receivers.webhooks.posted(KEY).items() if name.startswith("slow")]):
        await asyncio.wait_for(receivers.posted.get(), 5)
    assert late[0].message == "no answer within 3 s"
    let_go.set()


async def test_a_dead_receiver_with_many_messages_is_in_nobody_elses_way_and_each_has_its_turn(receivers):
    let_go = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        await let_go.wait()
        return web.Response()

    dead, port = await receivers.serve(slow), await receivers.serve(ok)
    keys = [VideoJobKey("team", f"job-{index}") for index in range(3 * module.WAITING_FOR_A_HOST)]
    for key in keys:
        receivers.post(f"http://slow.example.org:{dead}", key.name, key)
    assert sum(len(receivers.webhooks.posting(key)) for key in keys) == module.WAITING_FOR_A_HOST
    # Neither that of another host of this namespace waits, nor that of another namespace to this one.
    assert (await receivers.result(f"http://hooks.example.org:{port}")).arrived
    other = VideoJobKey("other", "holiday")
    receivers.post(f"http://slow.example.org:{dead}", "msg_other", other)
    assert receivers.webhooks.posting(other)

    let_go.set()
    arrived: set[VideoJobKey] = set()
    while len(arrived) < len(keys) + 1:
        key = await asyncio.wait_for(receivers.posted.get(), 10)
        if receivers.webhooks.posted(key):
            arrived.add(key)
        else:  # there is room for it
            receivers.post(f"http://slow.example.org:{dead}", key.name, key)
    assert (receivers.webhooks._without_room, receivers.webhooks._turns._there) == ({}, {})


async def test_names_that_are_never_resolved_hold_up_nobody_elses(receivers, monkeypatch):
    answered = threading.Event()
    by_system = socket.getaddrinfo

    def ask(host: str, *arguments: Any, **options: Any) -> Any:
        if host.endswith(".dead.example"):
            answered.wait(20)
        return by_system("127.0.0.1" if host.endswith(".example") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    receivers.webhooks = Webhooks(
        receivers.kubernetes,
        tasks=receivers.webhooks._tasks,
        clock=lambda: datetime.now(UTC),
        on_posted=receivers.posted.put_nowait,
    )
    for number in range(3 * module.OF_A_NAMESPACE):
        receivers.post(f"http://{number}.dead.example", f"dead_{number}", VideoJobKey(f"team-{number % 3}", "holiday"))
    await asyncio.sleep(0.1)
    try:
        assert await asyncio.wait_for(asyncio.get_running_loop().getaddrinfo("localhost", 6379), 3)
        port = await receivers.serve(ok)
        receivers.post(f"http://quick.example:{port}", key=VideoJobKey("other", "holiday"))
        assert (await asyncio.wait_for(receivers.posted.get(), 3)).namespace == "other"
    finally:
        answered.set()


async def test_one_host_is_one_however_its_urls_are_written(receivers):
    for index in range(module.WAITING_FOR_A_HOST):
        receivers.post("http://hooks.example.org:9?a", f"a-{index}", rules=WebhookRules())
        receivers.post("http://HOOKS.example.org:9/b", f"b-{index}", rules=WebhookRules())
    assert len(receivers.webhooks.posting(KEY)) == module.WAITING_FOR_A_HOST


async def test_progress_that_would_have_to_wait_is_not_sent(receivers):
    let_go = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        await let_go.wait()
        return web.Response()

    receiver = Notify(url=f"http://slow.example.org:{await receivers.serve(slow)}")
    for percent in range(50):
        receivers.webhooks.post(KEY, message(f"at_{percent}"), receiver, ON_LOOPBACK, keeps=False)
    assert len(receivers.webhooks.posting(KEY)) == module.OF_A_HOST
    receivers.post(receiver.url, "end")
    assert "end" in receivers.webhooks.posting(KEY)
    let_go.set()


async def test_nothing_is_kept_of_a_videojob_that_went_while_it_was_told_of(receivers):
    receivers.post(f"http://hooks.example.org:{await receivers.serve(ok)}")
    receivers.webhooks.follow(KEY, None, None)
    while not receivers.came:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.01)
    while receivers.webhooks._turns._there:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)
    assert receivers.webhooks._of == {}
    assert receivers.posted.empty()


async def test_what_is_secret_of_a_url_is_in_no_log(receivers, caplog):
    caplog.set_level("INFO")
    await receivers.result("http://hooks.example.org:9?token=secret", rules=WebhookRules())
    await receivers.result("http://nowhere.example.org/secret", "msg_2")
    assert "hooks.example.org" in caplog.text
    assert "secret" not in caplog.text


async def test_nothing_is_kept_of_what_was_settled_or_is_gone(receivers):
    url = f"http://hooks.example.org:{await receivers.serve(ok)}"
    await receivers.result(url)
    receivers.post(url, "msg_2")
    await receivers.posted.get()
    assert receivers.webhooks.posted(KEY).keys() == {"msg_2"}
    receivers.post(url, "msg_2")  # its result is still to be written
    assert receivers.webhooks.posting(KEY) == frozenset()
    receivers.webhooks.follow(KEY, None, None)

    receivers.webhooks.post(KEY, message("msg_3"), Notify(url=url), ON_LOOPBACK, keeps=False)
    while receivers.webhooks.posting(KEY):  # noqa: ASYNC110 - nobody is told of what is not kept
        await asyncio.sleep(0.01)
    assert receivers.webhooks.posted(KEY) == {}
    assert (receivers.webhooks._of, receivers.webhooks._turns._there) == ({}, {})
    assert json.loads(receivers.came[-1][1])["type"] == "videojob.succeeded"
