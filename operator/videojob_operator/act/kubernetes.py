"""The API server, over `kubernetes.aio`: one method a verb, plain dictionaries in and out, all counted.

The generated classes of the client are not used: a model object for each Job and pod costs more than the
request itself.
"""

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from copy import copy
from typing import Any, Self

import aiohttp
from kubernetes.aio import config as kube_config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from videojob_contract.api_paths import Resource
from videojob_operator import metrics
from videojob_operator.errors import ApiError, NamespaceTerminatingError

Object = dict[str, Any]
"""A Kubernetes object, as JSON has it."""

TIMEOUT_S = 30.0
PAGE = 500
"""Objects a page of a list: enough to be quick, too few to have 10,000 VideoJobs in memory at once."""
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
FORBIDDEN, NOT_FOUND, CONFLICT = 403, 404, 409


async def load_configuration() -> Configuration:
    """Say where the API server is and how to log in: by service account, else by kubeconfig.

    Raises:
        kubernetes.aio.config.ConfigException: there is neither.
    """
    # No proxy out of the environment, as kopf's watches have none: to look for one, and for a password in ~/.netrc,
    # aiohttp hands every request to a thread twice, which takes a fifth of all that an operator does.
    configuration = Configuration(client_session_kwargs={"trust_env": False})
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        kube_config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        await kube_config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=os.environ.get("KUBECONFIG"), client_configuration=configuration, persist_config=False
        )
    return configuration


class Kubernetes:
    """A client of the API server. Every method raises `ApiError` when the server refuses."""

    _check: Callable[[], None] | None = None

    def __init__(self, configuration: Configuration) -> None:
        self._api = ApiClient(configuration)

    def checked(self, check: Callable[[], None]) -> Self:
        """Return the same client, which calls `check` right before each request that changes something."""
        client = copy(self)
        client._check = check  # noqa: SLF001 - of its own class
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.close()  # type: ignore[no-untyped-call]

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """One object, or None when there is none."""
        try:
            return await self._request("GET", "get", resource, resource.url(namespace, name))
        except ApiError as error:
            if error.code == NOT_FOUND:
                return None
            raise

    async def list(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        selector: str = "",
        fields: str = "",
        metadata_only: bool = False,
    ) -> AsyncIterator[Object]:
        """Every object, page by page; of the labels in `selector` and the `fields` that it can be selected by.

        With `metadata_only`, objects have nothing but their metadata.
        """
        token = ""
        while True:
            query = {"limit": str(PAGE), "labelSelector": selector, "fieldSelector": fields, "continue": token}
            accept = _METADATA_ONLY if metadata_only else "application/json"
            page = await self._request("GET", "list", resource, resource.url(namespace), query=query, accept=accept)
            for item in page["items"] or ():  # null, in an empty list of metadata
                yield item
            token = page["metadata"].get("continue", "")
            if not token:
                return

    async def create(self, resource: Resource, namespace: str, body: Object, *, dry_run: bool = False) -> Object | None:
        """Create an object and return it as the server has it; None when one of that name exists already.

        A dry run is admitted or refused as the object itself would be, and leaves nothing.
        """
        query = {"dryRun": "All"} if dry_run else {}
        try:
            return await self._request("POST", "create", resource, resource.url(namespace), query=query, body=body)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                return None
            raise

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: Object, *, subresource: str = ""
    ) -> Object | None:
        """Merge `body` (RFC 7386) into an object and return it; None when there is no such object."""
        url = resource.url(namespace, name, subresource)
        try:
            return await self._request(
                "PATCH", "patch", resource, url, body=body, content="application/merge-patch+json"
            )
        except ApiError as error:
            if error.code == NOT_FOUND:
                return None
            raise

    async def apply(self, resource: Resource, namespace: str, name: str, body: Object, *, manager: str) -> Object:
        """Apply an object as field manager `manager`, who takes over fields of others, and return it."""
        query = {"fieldManager": manager, "force": "true"}
        url = resource.url(namespace, name)
        content = "application/apply-patch+yaml"
        return await self._request("PATCH", "apply", resource, url, query=query, body=body, content=content)

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str | None = None) -> None:
        """Delete an object, and in the background what it owns.

        One that is gone, or has another uid, is left.
        """
        body: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        try:
            await self._request("DELETE", "delete", resource, resource.url(namespace, name), body=body)
        except ApiError as error:
            if error.code not in {NOT_FOUND, CONFLICT}:
                raise
            # Not only another uid is a conflict: one that is as it was stays.
            left = await self.get(resource, namespace, name) if error.code == CONFLICT else None
            if left is not None and uid in {None, left["metadata"]["uid"]}:
                raise

    async def _request(
        self,
        method: str,
        verb: str,
        resource: Resource,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> Object:
        code = 0
        wanted = {key: value for key, value in (query or {}).items() if value}
        headers = {"Accept": accept, "Content-Type": content}
        if self._check is not None and method != "GET":
            self._check()
        try:
            code, data = await self._send(method, path, wanted, headers, body)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise ApiError(code, "NoAnswer", f"{method} {path}: {str(error) or type(error).__name__}") from error
        finally:
            metrics.api_request(verb, resource.plural, code)
        if code >= 400:  # noqa: PLR2004 - where HTTP's errors begin
            raise _refusal(code, data, f"{method} {path}")
        try:
            answer: Object = json.loads(data)
        except ValueError as error:  # cut off, or a proxy's
            raise ApiError(code, "NoAnswer", f"{method} {path}: what was answered is no JSON") from error
        return answer

    async def _send(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Object | None
    ) -> tuple[int, bytes]:
        """Send a request; return the answer's HTTP status and body. `fake.FakeKubernetes` has its own.

        Raises:
            TimeoutError, aiohttp.ClientError: there was no answer.
        """
        # Without the body, which it would copy piece by piece to turn model objects into JSON, of which there are none.
        method, url, headed, *_ = await self._api.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params=dict(headers),
            auth_settings=["BearerToken"],
        )
        response = await self._api.call_api(method, url, headed, body, _request_timeout=TIMEOUT_S)
        return response.status, await response.read()  # type: ignore[no-untyped-call]


def _refusal(code: int, data: bytes, request: str) -> ApiError:
    try:
        status = json.loads(data)
        causes = [cause.get("reason") for cause in (status.get("details") or {}).get("causes") or ()]
        kind = NamespaceTerminatingError if "NamespaceTerminating" in causes else ApiError
        words = status.get("message", "")
        return kind(code, status.get("reason", ""), f"{request}: {code} {words}", words)
    except (ValueError, AttributeError):  # a proxy answered, not the API server
        return ApiError(code, "", f"{request}: {code} {data[:200].decode(errors='replace')}")
