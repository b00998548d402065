"""The fake API server: what it holds, and how it answers requests."""

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from videojob_contract.api_paths import Resource
from videojob_operator.act.fake.objects import KINDS, patched
from videojob_operator.act.fake.watch import Change, Watch, has_fields, matches
from videojob_operator.act.kubernetes import CONFLICT, NOT_FOUND, Object

_PATH = re.compile(
    r"/(?P<path>api/v1|apis/[^/]+/[^/]+)(/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[^/]+)(/(?P<name>[^/]+)(/(?P<subresource>[^/]+))?)?"
)
Key = tuple[str, str]
"""Namespace and name."""


class RefusalError(Exception):
    """A request is not done; the server answers with why."""

    def __init__(self, code: int, reason: str, message: str, *, cause: str = "") -> None:
        super().__init__(message)
        details = {"causes": [{"reason": cause}]} if cause else {}
        self.code = code
        self.status = {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    resource: Resource
    namespace: str | None
    name: str
    subresource: str
    query: Mapping[str, str]
    metadata_only: bool
    body: Object

    @property
    def key(self) -> Key:
        return self.namespace or "", self.name


class FakeApiServer:
    """Stands for the API server.

    Args:
        clock: The time, in seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._objects: dict[Resource, dict[Key, Object]] = {resource: {} for resource in KINDS}
        self._version = 0
        self._changes: list[Change] = []
        self._watches: list[Watch] = []
        self._pages: dict[str, list[Object]] = {}
        self._terminating: set[str] = set()

    # --- what a test does to it

    def watch(self, resource: Resource, *, namespace: str | None = None, selector: str = "") -> Watch:
        """Watch a resource from now on."""
        watch = Watch(resource, namespace, selector)
        self._watches.append(watch)
        return watch

    def unwatch(self, watch: Watch) -> None:
        """End a watch."""
        self._watches.remove(watch)

    def terminate(self, namespace: str) -> None:
        """Have a namespace be terminated: nothing can be created there any more."""
        self._terminating.add(namespace)

    def objects(self, resource: Resource) -> list[Object]:
        """Return every object of a resource, in the order of their names."""
        objects = self._objects[resource]
        return [objects[key] for key in sorted(objects)]

    def collect_garbage(self) -> None:
        """Delete whatever has owners of which none is left, as a controller would do soon."""
        while orphans := [
            (resource, key)
            for resource, objects in self._objects.items()
            for key, body in objects.items()
            if "deletionTimestamp" not in body["metadata"] and self._is_orphan(body)
        ]:
            for resource, key in orphans:
                self._remove(resource, key)

    def _is_orphan(self, body: Object) -> bool:
        owners = {owner["uid"] for owner in body["metadata"].get("ownerReferences", ())}
        uids = {other["metadata"]["uid"] for objects in self._objects.values() for other in objects.values()}
        return bool(owners) and not owners & uids

    # --- requests

    def answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Object | None
    ) -> tuple[int, bytes]:
        """Answer a request with an HTTP status and JSON.

        Raises:
            NotImplementedError: it is nothing that the operator asks for.
        """
        try:
            code, answer = self._do(_read(method, path, query, headers, body))
        except RefusalError as refusal:
            code, answer = refusal.code, json.dumps(refusal.status)
        return code, answer.encode()

    def _do(self, request: _Request) -> tuple[int, str]:
        match request.method:
            case "GET" if request.query.get("watch"):
                return 200, self._log(request)
            case "GET" if request.name:
                return 200, json.dumps(self._found(request))
            case "GET":
                return 200, json.dumps(self._list(request))
            case "POST":
                return 201, json.dumps(self._create(request))
            case "PATCH":
                return 200, json.dumps(self._patch(request))
            case "DELETE":
                return 200, json.dumps(self._delete(request))
        raise NotImplementedError(request.method)

    def _found(self, request: _Request) -> Object:
        found = self._objects[request.resource].get(request.key)
        if found is None:
            raise RefusalError(NOT_FOUND, "NotFound", f'{request.resource.plural} "{request.name}" not found')
        return found

    def _list(self, request: _Request) -> Object:
        query = request.query
        if "continue" in query:
            items = self._pages[query["continue"]]  # of the list as it was when it began
        else:
            selector = query.get("labelSelector", "")
            found = (body for body in self.objects(request.resource) if matches(body, selector))
            if fields := query.get("fieldSelector"):
                found = (body for body in found if has_fields(body, fields))
            items = [body for body in found if request.namespace in {None, body["metadata"]["namespace"]}]
        limit = int(query.get("limit", len(items)))
        page, rest = items[:limit], items[limit:]
        metadata: Object = {"resourceVersion": str(self._version)}
        if rest:
            metadata["continue"] = token = str(len(self._pages) + 1)
            self._pages[token] = rest
        return {"metadata": metadata, "items": [_listed(request, body) for body in page]}

    def _log(self, request: _Request) -> str:
        since, selector = int(request.query["resourceVersion"]), request.query.get("labelSelector", "")
        changes = [
            change for change in self._changes if (change.resource, change.version > since) == (request.resource, True)
        ]
        events = [event for change in changes if (event := change.event(request.namespace, selector))]
        return "".join(json.dumps({"type": event.type, "object": event.object}) + "\n" for event in events)

    def _create(self, request: _Request) -> Object:
        kind, body, namespace = KINDS[request.resource], request.body, request.namespace or ""
        metadata = body["metadata"]
        if metadata.get("namespace", namespace) != namespace:
            raise RefusalError(400, "BadRequest", "the namespace of the object does not match that of the request")
        key = (namespace, metadata["name"])
        if namespace in self._terminating:
            message = f"namespace {namespace} is being terminated"
            raise RefusalError(403, "Forbidden", message, cause="NamespaceTerminating")
        if key in self._objects[request.resource]:
            raise RefusalError(CONFLICT, "AlreadyExists", f'{request.resource.plural} "{key[1]}" already exists')
        given = {
            key: value
            for key, value in metadata.items()
            if key in {"labels", "annotations", "ownerReferences", "finalizers"}
        }
        new: Object = {name: value for name, value in body.items() if not (name == "status" and kind.has_status)}
        new["metadata"] = {
            "name": key[1],
            "namespace": namespace,
            "uid": str(uuid.UUID(int=self._version + 1)),  # the same in each run of a test
            "creationTimestamp": self._now(),
            **({"generation": 1} if kind.has_generation else {}),
            **given,
        }
        if kind.first_status is not None:
            new["status"] = dict(kind.first_status)
        if request.query.get("dryRun"):
            return new
        return self._store(request.resource, key, new)

    def _patch(self, request: _Request) -> Object:
        if request.subresource not in {"", "status"}:
            raise NotImplementedError(request.subresource)
        kind, old = KINDS[request.resource], self._found(request)
        given = request.body.get("metadata", {})
        self._check_version(request, old, given)
        if not request.subresource and given.get("uid", old["metadata"]["uid"]) != old["metadata"]["uid"]:
            raise RefusalError(422, "Invalid", "metadata.uid: field is immutable")
        new = patched(kind, old, request.body, request.subresource)
        if new == old:
            return old
        if "deletionTimestamp" in new["metadata"] and not new["metadata"].get("finalizers"):
            self._store(request.resource, request.key, None)
            return new
        return self._store(request.resource, request.key, new)

    def _delete(self, request: _Request) -> Object:
        if request.body.get("propagationPolicy", "Background") != "Background":
            raise NotImplementedError(request.body["propagationPolicy"])
        found, wanted = self._found(request), request.body.get("preconditions", {})
        self._check_version(request, found, wanted)
        if wanted.get("uid", found["metadata"]["uid"]) != found["metadata"]["uid"]:
            raise RefusalError(CONFLICT, "Conflict", "the UID in the precondition is not that of the object")
        self._remove(request.resource, request.key)
        return {"kind": "Status", "status": "Success"}

    @staticmethod
    def _check_version(request: _Request, found: Object, wanted: Mapping[str, Any]) -> None:
        version = found["metadata"]["resourceVersion"]
        if wanted.get("resourceVersion", version) != version:
            message = f'{request.resource.plural} "{request.name}" has been modified; apply it to the latest version'
            raise RefusalError(CONFLICT, "Conflict", message)

    def _remove(self, resource: Resource, key: Key) -> None:
        old = self._objects[resource][key]
        metadata, waits = old["metadata"], bool(old["metadata"].get("finalizers"))
        if (waits or KINDS[resource].graceful) and "deletionTimestamp" not in metadata:
            going = {"deletionTimestamp": self._now(), "deletionGracePeriodSeconds": 0}
            if "generation" in metadata:
                going["generation"] = metadata["generation"] + 1
            self._store(resource, key, old | {"metadata": metadata | going})
        if not waits:
            self._store(resource, key, None)

    def _store(self, resource: Resource, key: Key, new: Object | None) -> Object:
        """Write an object under a new resource version, or remove it, and tell all who watch."""
        objects = self._objects[resource]
        self._version += 1
        before = objects.pop(key, None)
        after = new and new | {"metadata": new["metadata"] | {"resourceVersion": str(self._version)}}
        if after:
            objects[key] = after
        change = Change(resource, self._version, before, after)
        self._changes.append(change)
        for watch in self._watches:
            watch.put(change)
        return after or {}

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Object | None
) -> _Request:
    found = _PATH.fullmatch(path)
    resource = Resource(found["path"], found["plural"]) if found else None
    if found is None or resource not in KINDS:
        raise NotImplementedError(path)
    copy = json.loads(json.dumps(body or {}))  # nobody's later change is to show
    metadata_only = "as=PartialObjectMetadataList" in headers.get("Accept", "")
    name, subresource = found["name"] or "", found["subresource"] or ""
    return _Request(method, resource, found["namespace"], name, subresource, query, metadata_only, copy)


def _listed(request: _Request, body: Object) -> Object:
    """Return an object as it stands in a list."""
    if request.metadata_only:
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}
    if KINDS[request.resource].custom:
        return body
    return {key: value for key, value in body.items() if key not in {"kind", "apiVersion"}}
