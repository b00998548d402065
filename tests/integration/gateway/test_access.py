"""Who may do what: every route with every role, on a real API server; and tokens of Kubernetes."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.routing import BaseRoute

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import SPEC, Answer, Caller, create_pool, eventually, gateway_of, serving
from videojob_client import Client
from videojob_contract.api_paths import Resource
from videojob_gateway.app import create_app
from videojob_gateway.auth.authentication import Authentication
from videojob_gateway.auth.caller import Caller as Known
from videojob_gateway.auth.caller import Role
from videojob_gateway.auth.kubernetes_tokens import KubernetesTokens
from videojob_gateway.config import Settings
from videojob_gateway.errors import UnauthenticatedError
from videojob_gateway.gateway import Gateway

VIEWER, SUBMITTER = Role.VIEWER, Role.SUBMITTER
ROUTES: dict[tuple[str, str], Role | None] = {
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/metrics"): None,
    ("GET", "/api/v1/openapi.json"): None,
    ("GET", "/"): None,
    ("GET", "/assets/{file}"): None,
    ("GET", "/llms.txt"): None,
    ("POST", "/mcp"): VIEWER,
    ("POST", "/api/v1/hooks/{name}"): None,  # who sends is known by a signature
    ("GET", "/api/v1/caller"): VIEWER,
    ("GET", "/api/v1/templates"): VIEWER,
    ("GET", "/api/v1/pools"): VIEWER,
    ("POST", "/api/v1/pools/{name}/drain"): Role.ADMIN,
    ("POST", "/api/v1/pools/{name}/resume"): Role.ADMIN,
    ("POST", "/api/v1/pools/{name}/queues/{queue}/stop"): Role.ADMIN,
    ("POST", "/api/v1/pools/{name}/queues/{queue}/resume"): Role.ADMIN,
    ("POST", "/api/v1/jobs"): SUBMITTER,
    ("POST", "/api/v1/jobs/batch"): SUBMITTER,
    ("GET", "/api/v1/jobs"): VIEWER,
    ("GET", "/api/v1/jobs/{id}"): VIEWER,
    ("DELETE", "/api/v1/jobs/{id}"): SUBMITTER,
    ("POST", "/api/v1/jobs/{id}/rerun"): SUBMITTER,
    ("POST", "/api/v1/jobs/{id}/suspend"): SUBMITTER,
    ("POST", "/api/v1/jobs/{id}/resume"): SUBMITTER,
    ("POST", "/api/v1/jobs/{id}/move"): SUBMITTER,
    ("GET", "/api/v1/jobs/{id}/events"): VIEWER,
    ("GET", "/api/v1/jobs/{id}/stream"): VIEWER,
    ("GET", "/api/v1/stream"): VIEWER,
    ("GET", "/api/v1/jobs/{id}/outputs/{name}"): VIEWER,
    ("GET", "/api/v1/jobs/{id}/outputs/{name}/{file:path}"): VIEWER,
    ("GET", "/api/v1/jobs/{id}/logs"): VIEWER,
    ("GET", "/api/v1/jobs/{id}/poster"): VIEWER,
    ("POST", "/api/v1/validate"): SUBMITTER,
    ("GET", "/api/v1/stats"): VIEWER,
    ("POST", "/api/v1/assets"): SUBMITTER,
    ("GET", "/api/v1/assets"): VIEWER,
    ("GET", "/api/v1/assets/{id}"): VIEWER,
    ("DELETE", "/api/v1/assets/{id}"): SUBMITTER,
    ("GET", "/api/v1/assets/{id}/probe"): VIEWER,
    ("GET", "/api/v1/assets/{id}/thumbnail"): VIEWER,
    ("POST", "/api/v1/probe"): SUBMITTER,
    ("POST", "/api/v1/plan"): SUBMITTER,
    ("POST", "/api/v1/preview"): SUBMITTER,
    ("OPTIONS", "/api/v1/assets/uploads"): SUBMITTER,
    ("POST", "/api/v1/assets/uploads"): SUBMITTER,
    ("GET", "/api/v1/assets/uploads/{id}"): SUBMITTER,
    ("PATCH", "/api/v1/assets/uploads/{id}"): SUBMITTER,
    ("DELETE", "/api/v1/assets/uploads/{id}"): SUBMITTER,
    ("POST", "/api/v1/assets/uploads/{id}/parts"): SUBMITTER,
    ("POST", "/api/v1/assets/uploads/{id}/complete"): SUBMITTER,
}
"""The least role for each route; None where nobody is asked."""
SOCKETS = {("WS", "/api/v1/ws"), ("WS", "/api/v1/ws/jobs/{id}")}
"""WebSockets: who may use them is in `test_sockets.py`."""
BODIES: dict[str, Any] = {
    "/api/v1/jobs": {"spec": SPEC},
    "/api/v1/jobs/batch": {"jobs": [{"spec": SPEC}]},
    "/api/v1/validate": {"spec": SPEC},
    "/api/v1/plan": {"spec": SPEC},
    "/api/v1/preview": {"spec": SPEC},
    "/api/v1/probe": {"uri": "volume://media/a.png"},
    "/api/v1/jobs/{id}/move": {"queue": "high"},
}
TUS = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
"""What uploads that go on are asked with."""
ROLES = {Role.VIEWER: 0, Role.SUBMITTER: 1, Role.ADMIN: 2}


async def by_name(headers: Headers, _: str = "") -> Known:
    """Know callers by their word: `USER ROLE`."""
    user, _, role = headers.get("authorization", "").partition(" ")
    if not role:
        raise UnauthenticatedError("who are you?")
    return Known(user, Role(role))


@pytest.fixture
async def call(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[Caller]:
    await create_pool(cluster)
    async with gateway_of(
        apiserver, cluster, settings=Settings(manage_pools=True, read_logs=True), authenticate=by_name
    ) as call:
        yield call


async def as_(call: Caller, who: str, method: str, path: str, **options: Any) -> Answer:
    url = path if path.startswith("/") else f"/api/v1/{path}"
    if url.endswith("/stream"):  # which has no end: its head is all that is waited for
        async with call.session.get(call.url + url, headers={"Authorization": who}) as response:
            text = "" if response.status == 200 else await response.text()
            return Answer(response.status, response.headers, text)
    further = TUS if "/uploads/" in url else {}
    return await call(method, path, headers={"Authorization": who, **further}, **options)


def path_of(route: str, identity: str) -> str:
    """Return the path of a route for one VideoJob."""
    return (
        route.replace("{id}", identity)
        .replace("{name}", "main")
        .replace("{file:path}", "main.mp4")
        .replace("{queue}", "main")
    )


def served() -> set[tuple[str, str]]:
    """Every method and path that the application has."""

    def of(routes: list[BaseRoute]) -> set[tuple[str, str]]:
        found = set()
        for route in routes:
            inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
            if inner:
                found |= of(inner)
            elif path := getattr(route, "path", None):
                found |= {(method, path) for method in getattr(route, "methods", None) or ("WS",)}
        return found

    app = create_app(Gateway(Settings(), Client()))
    return {(method, path) for method, path in of(app.routes) if method != "HEAD"}


def test_every_route_is_in_the_matrix() -> None:
    assert served() == set(ROUTES) | SOCKETS


async def test_every_route_is_for_its_role_and_those_above(call: Caller) -> None:
    for (method, route), least in ROUTES.items():
        for role, rank in ROLES.items():
            name = f"of-{role}"
            await as_(call, f"ana {Role.ADMIN}", "POST", "jobs", json={"name": name, "spec": SPEC | {"user": "ana"}})
            path = path_of(route, name)
            answer = await as_(call, f"ana {role}", method, path, json=BODIES.get(route))
            allowed = least is None or rank >= ROLES[least]
            assert (answer.status == 403) is not allowed, (method, route, role, answer.text)
            # Here nobody can be asked to look.
            assert answer.status < 500 or answer.json["reason"] == "NoLooks", (method, route, role, answer.text)
        nobody = await call(method, path_of(route, "a"), json=BODIES.get(route))
        assert (nobody.status == 401) is (least is not None), (method, route)


async def test_users_see_and_touch_only_their_own(call: Caller) -> None:
    bens = await as_(call, "ben submitter", "POST", "jobs", json={"name": "bens", "spec": SPEC})
    assert bens.json["spec"]["user"] == "ben"
    await eventually(lambda: _listed(call, "root admin"))
    for identity in ("bens", bens.json["id"]):
        for (method, route), least in ROUTES.items():
            if "{id}" not in route or least is None:
                continue
            for role in (VIEWER, SUBMITTER):
                path = path_of(route, identity)
                answer = await as_(call, f"ana {role}", method, path, json=BODIES.get(route))
                wanted = 403 if ROLES[role] < ROLES[least] else 404
                assert answer.status == wanted, (method, route, role, answer.text)
    purged = await as_(call, "ana submitter", "DELETE", "jobs/bens?purge=true")
    assert purged.status == 404
    assert (await as_(call, "root admin", "GET", "jobs/bens")).status == 200
    assert await _listed(call, "ana viewer") == []
    assert await _listed(call, "ana viewer", "user=ben") == []
    assert await _listed(call, "ben viewer") == ["bens"]
    assert (await as_(call, "ben submitter", "POST", "jobs/bens/suspend")).status == 202


async def test_nobody_but_an_admin_makes_anothers(call: Caller) -> None:
    body = {"name": "for-ben", "spec": SPEC | {"user": "ben"}}
    for path in ("jobs", "validate", "plan", "preview"):
        assert (await as_(call, "ana submitter", "POST", path, json=body)).status == 403
    assert (await as_(call, "ana admin", "POST", "jobs", json=body)).json["spec"]["user"] == "ben"


async def _listed(call: Caller, who: str, query: str = "") -> list[str]:
    answer = await as_(call, who, "GET", f"jobs?{query}")
    return [job["name"] for job in answer.json["items"]]


RULES = {"admin": ["*"], "submitter": ["create", "list"], "viewer": ["list"], "stranger": ["deletecollection"]}
ROLEBINDINGS = Resource("apis/rbac.authorization.k8s.io/v1", "rolebindings")
RBAC_ROLES = Resource("apis/rbac.authorization.k8s.io/v1", "roles")


async def token_of(apiserver: ApiServer, cluster: Cluster, name: str, *audiences: str) -> str:
    """Return a token of a service account, for an hour."""
    arguments = ["--namespace", cluster.namespace, *(f"--audience={each}" for each in audiences)]
    done = await asyncio.to_thread(apiserver.kubectl, "create", "token", name, *arguments)
    return done.stdout.strip()


async def test_a_role_follows_from_the_rights_that_kubernetes_gives(apiserver: ApiServer, cluster: Cluster) -> None:
    await create_pool(cluster)
    for name, verbs in RULES.items():
        apiserver.create_account(name, cluster.namespace)
        rules = [{"apiGroups": ["videojob.dev"], "resources": ["videojobs"], "verbs": verbs}]
        await cluster.kubernetes.create(RBAC_ROLES, cluster.namespace, {"metadata": {"name": name}, "rules": rules})
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": cluster.namespace}],
        }
        await cluster.kubernetes.create(ROLEBINDINGS, cluster.namespace, binding)
    async with Client(kubeconfig=apiserver.kubeconfig, namespace=cluster.namespace) as client:
        tokens = KubernetesTokens(client.access_reviews)
        async with serving(create_app(Gateway(Settings(), client), Authentication(tokens=tokens))) as call:
            found = {}
            for name in RULES:
                token = await token_of(apiserver, cluster, name)
                headers = {"Authorization": f"Bearer {token}"}
                submitted = await call("POST", "jobs", json={"name": f"by-{name}", "spec": SPEC}, headers=headers)
                listed = await call("GET", "jobs", headers=headers)
                found[name] = (submitted.status, listed.status)
                if submitted.status == 202:
                    user = submitted.json["spec"]["user"]
                    assert user.startswith("system-serviceaccount-")
            assert found == {
                "admin": (202, 200),
                "submitter": (202, 200),
                "viewer": (403, 200),
                "stranger": (403, 403),
            }
            for wrong in ("nobody's", json.dumps({}), "a.b.c"):
                answer = await call("GET", "jobs", headers={"Authorization": f"Bearer {wrong}"})
                assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        audience = KubernetesTokens(client.access_reviews, ["videojob"])
        others = await token_of(apiserver, cluster, "admin")
        with pytest.raises(UnauthenticatedError):
            await audience.caller_of(others)
        for_us = await token_of(apiserver, cluster, "admin", "videojob")
        assert (await audience.caller_of(for_us)).role is Role.ADMIN
        with pytest.raises(UnauthenticatedError):
            await tokens.caller_of(for_us)
