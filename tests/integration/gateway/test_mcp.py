"""The Model Context Protocol, by the client of its own kit, on a real API server."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx2
import pytest
from mcp import Client as McpClient
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, TextContent, TextResourceContents

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import SPEC, Caller, create_pool, gateway_of
from tests.integration.gateway.test_access import by_name
from videojob_gateway.app import OPENAPI
from videojob_gateway.config import Settings
from videojob_gateway.mcp.tools import TOOLS

MODES = {"legacy": "2025-11-25", "auto": "2026-07-28"}
"""With `initialize`, and by what is found out without: in which version of the protocol."""


SETTINGS = Settings(max_body_bytes=100_000)


@pytest.fixture
async def call(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[Caller]:
    await create_pool(cluster)
    async with gateway_of(apiserver, cluster, settings=SETTINGS, authenticate=by_name) as call:
        yield call


@asynccontextmanager
async def assistant(call: Caller, who: str = "ana submitter", mode: str = "auto") -> AsyncIterator[McpClient]:
    """Someone's assistant."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": who}, timeout=60) as http,
        McpClient(streamable_http_client(f"{call.url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


def said(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def json_of(result: CallToolResult) -> Any:
    assert not result.is_error, said(result)
    return json.loads(said(result))


@pytest.mark.parametrize("mode", MODES)
async def test_an_assistant_has_a_video_rendered(call: Caller, cluster: Cluster, mode: str) -> None:
    async with assistant(call, mode=mode) as client:
        assert client.protocol_version == MODES[mode]
        made = json_of(await client.call_tool("submit_video", {"name": "holiday", "spec": SPEC}))
        assert made["spec"]["user"] == "ana"
        await cluster.status("holiday", phase="Running", progress=40, stage="Rendering")
        told: list[tuple[float, float | None, str | None]] = []

        async def progressed(progress: float, total: float | None, message: str | None) -> None:
            told.append((progress, total, message))
            if progress == 40:
                await cluster.status("holiday", phase="Succeeded", progress=100)

        ended = await client.call_tool("wait_for_video", {"id": "holiday"}, progress_callback=progressed)
        assert json_of(ended)["status"]["phase"] == "Succeeded"
        assert (40, 100, "Rendering") in told
        listed = json_of(await client.call_tool("list_videos", {"phase": ["Succeeded", "Failed"], "limit": 5}))
        assert [job["name"] for job in listed["items"]] == ["holiday"]
        assert json_of(await client.call_tool("get_video", {"id": made["id"]}))["name"] == "holiday"


async def test_what_is_sent_again_makes_none_again(call: Caller) -> None:
    async with assistant(call) as client:
        arguments = {"spec": SPEC, "idempotencyKey": "of the assistant".replace(" ", "-")}
        first, again = [json_of(await client.call_tool("submit_video", arguments)) for _ in range(2)]
        assert first["id"] == again["id"]


@pytest.mark.parametrize("mode", MODES)
async def test_tools_are_what_the_routes_are(call: Caller, mode: str) -> None:
    document = (await call("GET", OPENAPI)).json
    async with assistant(call, mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert tools.keys() == {*(tool.name for tool in TOOLS), "wait_for_video", "describe_spec"}
    for tool in TOOLS:
        operation = document["paths"][tool.path][tool.method]
        shown = tools[tool.name]
        assert (shown.description or "").startswith(operation["description"])
        assert shown.annotations is not None
        assert shown.annotations.read_only_hint is tool.reads
        assert "$ref" not in json.dumps(shown.input_schema)
    assert tools["preview_video"].input_schema["required"] == ["spec"]
    assert tools["list_videos"].input_schema["properties"]["phase"]["items"]["enum"]
    assert "purge" not in tools["cancel_video"].input_schema["properties"]
    assert len(json.dumps([tool.model_dump(mode="json") for tool in tools.values()])) < 24_000  # an assistant reads all


async def test_what_is_wrong_is_said_as_the_routes_say_it(call: Caller) -> None:
    wrong = {"clips": [{"color": "#204060", "duration": "3"}]}
    async with assistant(call) as client:
        refused = await client.call_tool("submit_video", {"spec": wrong})
        assert refused.is_error
        assert said(refused).startswith('Invalid: spec.clips[0].duration: "3" is not a duration')
        assert json_of(await client.call_tool("validate_video", {"spec": wrong}))["valid"] is False
        for name, arguments, words in (
            ("get_video", {"id": "none"}, "NotFound: there is no VideoJob 'none'"),
            ("get_video", {}, "id is required"),
            ("get_video", {"id": "a/../b"}, "NotFound"),
            ("get_video", {"name": "a"}, "'name' is no argument here; these are: id"),
            ("list_videos", {"limit": "many"}, "limit"),
            ("list_videos", {"limit": [1, {"a": 2}]}, "limit"),
            ("submit_video", {}, "spec: is required"),
            ("wait_for_video", {"id": "none", "timeoutSeconds": 5}, "NotFound"),
            ("wait_for_video", {"id": "none", "timeoutSeconds": True}, "timeoutSeconds is a number"),
            ("wait_for_video", {}, "id is a VideoJob's"),
            ("describe_spec", {"field": "clip"}, "field is one of pool, queue"),
            ("preview_video", {"spec": SPEC}, "NoLooks"),
            ("probe_source", {"uri": "volume://media/a.png"}, "NoLooks"),
            ("render_everything", {}, "there is no tool"),
        ):
            result = await client.call_tool(name, arguments)
            assert result.is_error, name
            assert words in said(result), (name, said(result))


async def test_a_wait_ends_with_its_time(call: Caller) -> None:
    await call("POST", "jobs", json={"name": "long", "spec": SPEC}, headers={"Authorization": "ana submitter"})
    async with assistant(call) as client:
        result = await client.call_tool("wait_for_video", {"id": "long", "timeoutSeconds": 1})
        assert json_of(result)["status"]["phase"] == "Pending"


async def test_an_assistant_may_what_its_user_may(call: Caller) -> None:
    async with assistant(call, "ben submitter") as client:
        json_of(await client.call_tool("submit_video", {"name": "bens", "spec": SPEC}))
    async with assistant(call, "ana submitter") as client:
        for name in ("get_video", "cancel_video", "wait_for_video"):
            assert said(await client.call_tool(name, {"id": "bens"})).startswith("NotFound")
    async with assistant(call, "ben viewer") as client:
        assert said(await client.call_tool("cancel_video", {"id": "bens"})).startswith("NotAllowed")
        assert json_of(await client.call_tool("get_video", {"id": "bens"}))["name"] == "bens"
    async with assistant(call, "root admin") as client:
        assert json_of(await client.call_tool("cancel_video", {"id": "bens"}))["spec"]["cancel"] is True
    for options in ({}, {"headers": {"Authorization": "nobody"}}):
        answer = await call("POST", "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, **options)
        assert answer.status == 401


async def test_templates_and_what_a_spec_may_have_are_told(call: Caller, cluster: Cluster) -> None:
    await cluster.create_template("card")
    async with assistant(call) as client:
        (template,) = json_of(await client.call_tool("list_templates"))["items"]
        assert [each["name"] for each in template["parameters"]] == ["title"]
        assert json_of(await client.call_tool("list_pools"))["items"][0]["name"] == "default"
        clips = json_of(await client.call_tool("describe_spec", {"field": "clips"}))
        assert {"image", "video", "duration"} <= clips["items"]["properties"].keys()


@pytest.mark.parametrize("mode", MODES)
async def test_the_guide_is_a_resource_and_a_page(call: Caller, mode: str) -> None:
    page = await call("GET", "/llms.txt")
    assert page.headers["Content-Type"].startswith("text/plain")
    async with assistant(call, mode=mode) as client:
        (resource,) = (await client.list_resources()).resources
        (content,) = (await client.read_resource(str(resource.uri))).contents
        assert isinstance(content, TextResourceContents)
        assert content.text == page.text
        with pytest.raises(MCPError, match="one resource"):
            await client.read_resource("videojob://other")
    assert page.text.startswith("# VideoJob\n")
    assert "](../" not in page.text


WRONG: list[Any] = [
    {}, {"jsonrpc": "1.0", "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "id": 1}, {"jsonrpc": "2.0", "method": 1},
    {"jsonrpc": "2.0", "id": {}, "method": "ping"}, {"jsonrpc": "2.0", "id": None, "method": "ping"},
    {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}, {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call"},
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": ["a"]}},
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait_for_video", "arguments": [1]}},
    {"jsonrpc": "2.0", "id": 1, "method": "resources/read"},
]  # fmt: skip


async def test_what_is_no_message_is_refused(call: Caller) -> None:
    who = {"Authorization": "ana submitter"}
    for body in WRONG:
        answer = await call("POST", "/mcp", json=body, headers=who)
        assert answer.status == 400, (body, answer.text)
        assert answer.json["error"]["code"] < -32000
    for data, status in ((b"{", 400), (b"[]", 422), (b"x" * 100_001, 413)):
        sent = who | {"Content-Type": "application/json"}
        try:
            assert (await call("POST", "/mcp", data=data, headers=sent)).status == status
        except aiohttp.ClientConnectionError:
            assert status == 413  # the connection is closed before all of it is sent
    for body in ({"method": "notifications/initialized"}, {"id": 1, "result": {}}, {"id": 1, "error": {}}):
        assert (await call("POST", "/mcp", json={"jsonrpc": "2.0"} | body, headers=who)).status == 202
    for method in ("GET", "DELETE"):
        assert (await call(method, "/mcp", headers=who)).status == 405
    unknown = {"jsonrpc": "2.0", "id": 1, "method": "prompts/list"}
    old = await call("POST", "/mcp", json=unknown, headers=who)
    assert (old.status, old.json["error"]["code"]) == (200, -32601)


def modern(method: str, **params: Any) -> tuple[dict[str, Any], dict[str, str]]:
    version, prefix = "2026-07-28", "io.modelcontextprotocol/"
    meta = {f"{prefix}protocolVersion": version, f"{prefix}clientCapabilities": {}}
    headers = {"Authorization": "ana submitter", "MCP-Protocol-Version": version, "Mcp-Method": method}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta, **params}}, headers


async def test_headers_say_what_the_body_says(call: Caller) -> None:
    body, headers = modern("tools/list")
    assert (await call("POST", "/mcp", json=body, headers=headers)).status == 200
    for wrong in ({"Mcp-Method": "tools/call"}, {"MCP-Protocol-Version": "2027-01-01"}):
        answer = await call("POST", "/mcp", json=body, headers=headers | wrong)
        assert (answer.status, answer.json["error"]["code"]) == (400, -32020)
    named, headers = modern("tools/call", name="list_pools")
    assert (await call("POST", "/mcp", json=named, headers=headers | {"Mcp-Name": "list_pools"})).status == 200
    answer = await call("POST", "/mcp", json=named, headers=headers | {"Mcp-Name": "submit_video"})
    assert answer.json["error"]["code"] == -32020
    unknown, headers = modern("prompts/list")
    answer = await call("POST", "/mcp", json=unknown, headers=headers)
    assert (answer.status, answer.json["error"]["code"]) == (404, -32601)
    bare, headers = modern("tools/list")
    bare["params"] = {}
    answer = await call("POST", "/mcp", json=bare, headers=headers)
    assert (answer.status, answer.json["error"]["code"]) == (400, -32602)
