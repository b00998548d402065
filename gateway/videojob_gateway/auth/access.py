"""Which route is for whom: what each asks of its caller, as a parameter of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers

from videojob_common.logs import bind
from videojob_gateway.auth.caller import Caller, Role
from videojob_gateway.errors import NotAllowedError
from videojob_gateway.rate_limits import STANDINGS
from videojob_gateway.tier_rates import Counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import HTTPConnection

    from videojob_gateway.rate_limits import RateLimits

TOKEN_COOKIE = "videojob-token"  # noqa: S105 - its name
_BEARER = HTTPBearer(auto_error=False, description="A JWT, a Kubernetes token or an API key.")


async def caller_of(request: Request, _: Annotated[object, Security(_BEARER)]) -> Caller:
    """Return who calls; raises `UnauthenticatedError` when nobody is known by what was sent."""
    return await known_caller(request, request.headers)


async def known_caller(connection: HTTPConnection, headers: Headers) -> Caller:
    """Return who calls, by what headers say, with the request counted as theirs.

    Raises:
        UnauthenticatedError, NotAllowedError: nobody who may do anything.
        TooManyRefusalsError, TooManyRequestsError: too much came from there, or from them.
    """
    address = connection.client.host if connection.client else ""
    caller: Caller = await connection.app.state.authenticate(headers, address)
    bind(user=caller.user)
    await charge(connection, caller, Counted.REQUESTS)
    return caller


async def charge(connection: HTTPConnection, caller: Caller, counted: Counted, cost: int = 1) -> None:
    """Count what a caller asks for, and have the answer say how much is left.

    Raises:
        TooManyRequestsError: there is not so much left.
        InvalidRequestError: it is more than there ever is.
    """
    rates: RateLimits = connection.app.state.gateway.rates
    found = await rates.count(counted, caller.user, caller.tier, cost)
    connection.scope.setdefault(STANDINGS, []).extend(found)


async def watcher_of(request: Request, _: Annotated[object, Security(_BEARER)]) -> Caller:
    """Return who watches, by the token in a cookie where no header has one: players and pictures of a page send none.

    The page sets it, for one VideoJob's outputs and its own site alone; nothing can be changed by it.
    """
    headers = request.headers
    if "authorization" not in headers and (token := request.cookies.get(TOKEN_COOKIE)):
        headers = Headers(raw=[*headers.raw, (b"authorization", f"Bearer {token}".encode("latin-1", "replace"))])
    return _covered(await known_caller(request, headers), Role.VIEWER)


def _with(role: Role) -> Callable[..., Awaitable[Caller]]:
    async def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
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
Admin = Annotated[Caller, Depends(_with(Role.ADMIN))]
"""One who runs it all."""
Watcher = Annotated[Caller, Depends(watcher_of)]
"""One who sees, also by a player."""
