"""Who calls, by what a request was sent with: an API key, a JWT, or a token of Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from videojob_gateway.auth.api_keys import PREFIX
from videojob_gateway.auth.caller import LOCAL
from videojob_gateway.auth.oidc import part_of
from videojob_gateway.config import is_loopback
from videojob_gateway.errors import NotAllowedError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.datastructures import Headers

    from videojob_gateway.auth.api_keys import ApiKeys
    from videojob_gateway.auth.caller import Caller
    from videojob_gateway.auth.kubernetes_tokens import KubernetesTokens
    from videojob_gateway.auth.oidc import Issuer

    Authenticate = Callable[[Headers], Awaitable[Caller]]
    """Returns the caller by a request's headers; raises `UnauthenticatedError` or `NotAllowedError`."""

LONGEST_TOKEN: Final = 16 * 1024


class Authentication:
    """Asks whoever a token looks like one of."""

    def __init__(
        self, keys: ApiKeys | None = None, issuer: Issuer | None = None, tokens: KubernetesTokens | None = None
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._tokens = tokens

    async def __call__(self, headers: Headers) -> Caller:
        """Return who calls.

        Raises:
            UnauthenticatedError: nobody is known by what was sent.
            NotAllowedError: someone is, and has no role.
        """
        try:
            return await self._caller_of(_token(headers))
        except UnauthenticatedError as error:
            error.headers["WWW-Authenticate"] = "Bearer"
            raise

    async def _caller_of(self, token: str) -> Caller:
        if token.startswith(PREFIX) and self._keys is not None:
            return self._keys.caller_of(token)
        if self._issuer is not None and part_of(token, 1).get("iss") == self._issuer.url:
            return await self._issuer.caller_of(token)
        if self._tokens is not None and not token.startswith(PREFIX):
            return await self._tokens.caller_of(token)
        raise UnauthenticatedError("nobody is known by this token")


async def nobody_is_asked(headers: Headers) -> Caller:
    """Return whoever is on this machine, but for pages of other sites that a browser on it shows.

    Raises:
        NotAllowedError: it is such a page that asks: by its own name for this machine, or from its own.
    """
    host = headers.get("host", "")
    if not is_loopback(_name_of(host)):
        raise NotAllowedError("nobody is asked who they are here, and so only this machine's own name is answered to")
    # Pictures and forms of a page say no origin, and browsers say for them where they come from.
    if headers.get("origin", f"http://{host}") != f"http://{host}" or "-site" in headers.get("sec-fetch-site", ""):
        raise NotAllowedError("a page of another site asks")
    return LOCAL


def _name_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _token(headers: Headers) -> str:
    given = headers.getlist("authorization")
    if len(given) != 1:
        raise UnauthenticatedError("send one Authorization header: Bearer and a token")
    scheme, _, token = given[0].partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN or not token.isascii():
        raise UnauthenticatedError("send one Authorization header: Bearer and a token")
    return token
