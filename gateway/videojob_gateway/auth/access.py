"""Which route is for whom: what each asks of its caller, as a parameter of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers

from videojob_common.logs import bind
from videojob_gateway.auth.caller import Caller, Role
from videojob_gateway.errors import NotAllowedError

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_COOKIE = "videojob-token"  # noqa: S105 - its name
_BEARER = HTTPBearer(auto_error=False, description="A JWT, a Kubernetes token or an API key.")


async def caller_of(request: Request, _: Annotated[object, Security(_BEARER)]) -> Caller:
    """Return who calls; raises `UnauthenticatedError` when nobody is known by what was sent."""
    caller: Caller = await request.app.state.authenticate(request.headers)
    bind(user=caller.user)
    return caller


async def watcher_of(request: Request, _: Annotated[object, Security(_BEARER)]) -> Caller:
    """Return who watches, by the token in a cookie where no header has one: players and pictures of a page send none.

    The page sets it, for one VideoJob's outputs and its own site alone; nothing can be changed by it.
    """
    headers = request.headers
    if "authorization" not in headers and (token := request.cookies.get(TOKEN_COOKIE)):
        headers = Headers(raw=[*headers.raw, (b"authorization", f"Bearer {token}".encode("latin-1", "replace"))])
    caller: Caller = await request.app.state.authenticate(headers)
    bind(user=caller.user)
    return _covered(caller, Role.VIEWER)


def _with(role: Role) -> Callable[..., Caller]:
    def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        return _covered(caller, role)

    return check


def _covered(caller: Caller, role: Role) -> Caller:
    if not caller.role.covers(role):
        raise NotAllowedError(f"this is for a {role}, and you are a {caller.role}")
    return caller


Viewer = Annotated[Caller, Depends(_with(Role.VIEWER))]
"""One who sees."""
Submitter = Annotated[Caller, Depends(_with(Role.SUBMITTER))]
"""One who has VideoJobs rendered."""
Watcher = Annotated[Caller, Depends(watcher_of)]
"""One who sees, also by a player."""
