"""Every route, sent what nobody should send: it fails on none of it, and answers only as the OpenAPI document says."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import SPEC, Caller, create_pool, gateway_of
from videojob_gateway.app import OPENAPI
from videojob_gateway.config import Settings

WORDS = [
    "", ".", "..", "%2e", "%2e%2e", "a%2f..%2fb", "%3Flimit%3D1", "%00", "%ff", "%ed%a0%80", "%F0%9F%8E%A5", "a" * 64,
    "a" * 3000, "holiday%0d%0aX-Header%3A%20a", "7b1d4a7e-6a5e-4d3c-9f0e-2f8f0c1d2e3f", "holiday", "1e999", "-1",
    "9" * 5000, "null", "*", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00", "=", "WyJhIl0", "W1tbW1tbW10",
]  # fmt: skip
"""Values of parameters, as a path or a query has them."""
DEEP = "[" * 900 + "]" * 900
DOCUMENTS = [
    "", "null", "[]", "1", '"a"', "{", "\ufeff{}", "{}", '{"spec": null}', '{"spec": []}', '{"spec": {}, "spec": {}}',
    '{"spec": {"clips": 1e999}}', '{"spec": {"clips": [{"color": "#204060", "duration": "1s", "a": NaN}]}}',
    f'{{"spec": {{"clips": {DEEP}}}}}',
    f'{{"spec": {{"templateRef": {{"name": "a"}}, "parameters": {{"a": {DEEP}}}}}}}',
    '{"spec": {"templateRef": {"name": ".."}}}', '{"spec": {"templateRef": {"name": "a/../../videojobs/holiday"}}}',
    '{"spec": {"templateRef": {"name": "a\\u0000"}}}', '{"spec": {"pool": ".."}}', '{"spec": {"pool": {"a": 1}}}',
    '{"name": "a\\ud800", "spec": {}}', '{"name": "a\\u0000", "spec": {}}', '{"name": {}, "labels": 1, "spec": {}}',
    '{"labels": {"": "", "a/b/c": "a", "videojob.dev/worker": "a"}, "spec": {}}',
    f'{{"spec": {{"priority": {"9" * 400}}}}}',
    f'{{"spec": {{"priority": {"9" * 5000}}}}}', '{"spec": {"user": 1, "tier": []}}', '{"spec": {"user": "\\u0000"}}',
    '{"uri": 1}', '{"uri": "volume://media/a.png", "pool": []}', '{"uri": "\\ud800"}',
    '{"uri": "a\\u0000b", "pool": ".."}',
    '{"queue": {}}', '{"queue": ".."}', '{"pool": 1}', '{"priority": 1e5}', '{"priority": true}', '{"priority": "1"}',
    '{"queue": "a\\u0000"}', '{"jobs": {}}', '{"jobs": [1]}', '{"jobs": [[]]}', '{"jobs": []}',
    '{"jobs": [{}, {"spec": 1}]}',
    json.dumps({"spec": SPEC | {"parameters": {"a": 10**300}}}),
    json.dumps({"spec": SPEC | {"outputs": [{"name": "a/b"}]}}),
    json.dumps({"jobs": [{"spec": SPEC, "name": "twice"}, {"spec": SPEC, "name": "twice"}]}),
]  # fmt: skip
"""Bodies, for whichever route."""
TABLES = ["", "name\n", "a,a\n1,2\n", "a\0\n1\n", "name,title\na\n", "a\n" * 102, '"', "\ufffe"]
LINES = ["", "{", "[]", '{"a": NaN}', '{"a": 1e999}', '{"a": 1, "a": 2}', DEEP, "{}\n" * 102, '{"a": "\\ud800"}']
HEADERS = {"Range": ["bytes=9-1", "bytes=-0", "bytes=0-,-1", "bytes=99999999999999999999-", "x" * 9000]}


@pytest.fixture
async def call(apiserver: ApiServer, cluster: Cluster, tmp_path: Any) -> AsyncIterator[Caller]:
    await create_pool(cluster)
    settings = Settings(volumes=str(tmp_path), uploads=str(tmp_path), manage_pools=True, read_logs=True)
    async with gateway_of(apiserver, cluster, settings=settings) as call:
        yield call


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def filled(path: str, operation: dict[str, Any], name: str = "", value: str = "") -> str:
    """Return a path with its parameters, of which one has a value of ours."""
    given = {"id": "holiday", "name": "main", "file": "main.mp4", "queue": "default"} | {name: value}
    for each in operation.get("parameters", ()):
        if each["in"] == "path":
            path = path.replace("{" + each["name"] + "}", given[each["name"]])
    return path


async def send(call: Caller, method: str, path: str, operation: dict[str, Any], **options: Any) -> str:
    """Send a request; return what is wrong with its answer."""
    url = URL(call.url + path, encoded=True)
    said = f"{method} {path[:200]} {str(options)[:200]}:"
    try:
        response = await call.session.request(method, url, allow_redirects=False, **options)
    except aiohttp.ClientError as error:  # the connection was closed
        return f"{said} {error}"
    async with response:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        has_text = kind != "text/event-stream" and method != "HEAD"
        text = await response.text() if has_text else ""
        found = _fault(response.status, kind, text, operation["responses"])
    return found and f"{said} {response.status} {text[:300]}: {found}"


def _fault(status: int, kind: str, text: str, documented: dict[str, Any]) -> str:
    if status == 405 or (status == 404 and (not text or json.loads(text)["detail"] == "Not Found")):
        return ""  # which is no route
    if (status >= 500 and '"NoLooks"' not in text) or str(status) not in documented:
        return "is not documented"
    if text and kind not in documented[str(status)].get("content", {}):
        return f"{kind} is not documented"
    if status >= 400 and text and not {"reason", "detail", "status"} <= json.loads(text).keys():
        return "is no problem"
    return ""


async def test_whatever_is_sent_is_answered_as_documented(call: Caller) -> None:
    await call.submit("holiday")
    document = (await call("GET", OPENAPI)).json
    wrong, tried = [], set[str]()
    for method, path, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            name = parameter["name"]
            for word in WORDS:
                if parameter["in"] == "path":
                    wrong.append(await send(call, method, filled(path, operation, name, word), operation))
                elif parameter["in"] == "query" and name not in tried:
                    at = f"{filled(path, operation)}?{name}={word}"
                    wrong.append(await send(call, method, at, operation, json={} if method == "POST" else None))
            tried.add(name)  # it is the same on every route that has it
        for header, values in HEADERS.items():
            for value in values:
                sent = {header: value}
                wrong.append(await send(call, method, filled(path, operation), operation, headers=sent))
        if "requestBody" not in operation:
            continue
        at = filled(path, operation)
        for body in DOCUMENTS:
            sent = {"Content-Type": "application/json"}
            wrong.append(await send(call, method, at, operation, data=body.encode(), headers=sent))
    assert [each for each in wrong if each] == []


async def test_whatever_table_is_sent_is_answered_as_documented(call: Caller, cluster: Cluster) -> None:
    await cluster.create_template("card")
    path = "/api/v1/jobs/batch"
    operation = (await call("GET", OPENAPI)).json["paths"][path]["post"]
    wrong = []
    for kind, bodies in (("text/csv", TABLES), ("application/x-ndjson", LINES)):
        for body in bodies:
            for query in ("", "?template=card", "?template=..", "?template=."):
                sent = {"Content-Type": kind}
                wrong.append(await send(call, "POST", path + query, operation, data=body.encode(), headers=sent))
    assert [each for each in wrong if each] == []
