"""Who calls, by what a request was sent with: an API key, a JWT, or a token of Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from videojob_gateway.auth.api_keys import PREFIX, ApiKeys
from videojob_gateway.auth.caller import LOCAL
from videojob_gateway.auth.kubernetes_tokens import KubernetesTokens
from videojob_gateway.auth.oidc import part_of
from videojob_gateway.auth.refusals import Refusals
from videojob_gateway.config import Settings, is_loopback
from videojob_gateway.errors import NotAllowedError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.datastructures import Headers

    from videojob_gateway.auth.caller import Caller
    from videojob_gateway.auth.oidc import Issuer

    Authenticate = Callable[[Headers, str], Awaitable[Caller]]
    """Returns the caller by a request's headers and where it comes from.

    Raises `UnauthenticatedError`, `NotAllowedError` or `TooManyRefusalsError`.
    """

LONGEST_TOKEN: Final = 16 * 1024


class Authentication:
    """Asks whoever a token looks like one of."""

    def __init__(
        self,
        keys: ApiKeys | None = None,
        issuer: Issuer | None = None,
        tokens: KubernetesTokens | None = None,
        *,
        max_refusals: int = Settings.model_fields["max_refusals"].default,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._tokens = tokens
        self._refusals = Refusals(max_refusals)

    async def __call__(self, headers: Headers, address: str = "") -> Caller:
        """Return who calls, from an address.

        Raises:
            UnauthenticatedError: nobody is known by what was sent.
            NotAllowedError: someone is, and has no role.
            TooManyRefusalsError: too much that came from there was refused.
        """
        try:
            token = _token(headers)
            asked = self._asked_of(token)
            asks = isinstance(asked, KubernetesTokens) and not asked.remembers(token)
            with self._refusals.attempt(address, asks=asks):
                return asked.caller_of(token) if isinstance(asked, ApiKeys) else await asked.caller_of(token)
        except UnauthenticatedError as error:
            error.headers["WWW-Authenticate"] = "Bearer"
            raise

    def _asked_of(self, token: str) -> ApiKeys | Issuer | KubernetesTokens:
        if token.startswith(PREFIX):
            found: ApiKeys | Issuer | KubernetesTokens | None = self._keys
        elif self._issuer is not None and part_of(token, 1).get("iss") == self._issuer.url:
            found = self._issuer
        else:
            found = self._tokens
        if found is None:
            raise UnauthenticatedError("nobody is known by this token")
        return found


async def nobody_is_asked(headers: Headers, _: str = "") -> Caller:
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
