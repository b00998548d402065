"""The API server at the least cost: what measures an operator must not take the processor from it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Self

import aiohttp

from tests.integration.apiserver import ApiServer
from videojob_contract.api_paths import Resource

Object = dict[str, Any]
_PAGE = 500
_LINE_BYTES = 1 << 22


class LightClient:
    """Requests of one user who may do anything; each raises `RuntimeError` when it is refused."""

    def __init__(self, server: ApiServer) -> None:
        context = ssl.create_default_context(cafile=str(server.certificate))
        self._session = aiohttp.ClientSession(
            server.url,
            headers={"Authorization": f"Bearer {server.token}"},
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
            read_bufsize=_LINE_BYTES,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def create(self, resource: Resource, namespace: str, body: Object) -> Object:
        """Create an object."""
        return await self._request("POST", resource.url(namespace), body, "application/json")

    async def patch(self, resource: Resource, namespace: str, name: str, body: Object, subresource: str = "") -> None:
        """Merge `body` into an object."""
        url = resource.url(namespace, name, subresource)
        await self._request("PATCH", url, body, "application/merge-patch+json")

    async def delete(self, resource: Resource, namespace: str, name: str) -> None:
        """Delete an object at once."""
        await self._request("DELETE", resource.url(namespace, name), {"gracePeriodSeconds": 0}, "application/json")

    async def watch(self, resource: Resource, namespace: str) -> AsyncIterator[tuple[str, Object]]:
        """Yield the type and the object of each change; those first that there are, as added, and so anew after 410."""
        while True:
            version, token = "", ""
            while not version or token:
                query = {"limit": str(_PAGE)} | ({"continue": token} if token else {})
                async with self._session.get(resource.url(namespace), params=query) as answer:
                    page = await answer.json()
                for item in page["items"]:
                    yield "ADDED", item
                version, token = page["metadata"]["resourceVersion"], page["metadata"].get("continue", "")
            async for kind, found in self._changes(resource, namespace, version):
                yield kind, found

    async def _changes(self, resource: Resource, namespace: str, version: str) -> AsyncIterator[tuple[str, Object]]:
        """Yield changes until the server does not know any more what has changed since."""
        while True:
            query = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "1"}
            async with self._session.get(resource.url(namespace), params=query) as answer:
                if not answer.ok:  # as while its storage is made anew, after definitions have come
                    await asyncio.sleep(0.2)
                    continue
                async for line in answer.content:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        if event["object"].get("code") == HTTPStatus.GONE:
                            return
                        raise RuntimeError(f"the watch of {resource.plural} has ended: {event['object']}")
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        yield event["type"], event["object"]

    async def _request(self, method: str, url: str, body: Object, content: str) -> Object:
        async with self._session.request(
            method, url, data=json.dumps(body), headers={"Content-Type": content}
        ) as answer:
            said: Object = await answer.json()
            if not answer.ok:
                raise RuntimeError(f"{method} {url}: {said}")
            return said


async def all_of(calls: list[Any], at_a_time: int = 32) -> None:
    """Await coroutines, so many at a time."""
    waiting = iter(calls)

    async def line() -> None:
        for call in waiting:
            await call

    await asyncio.gather(*(line() for _ in range(at_a_time)))
