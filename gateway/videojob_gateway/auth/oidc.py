"""Callers by JWTs of an issuer (OpenID Connect): signed with one of its keys, for this gateway, and of now.

Its keys are fetched by its discovery document, and again when they are old or a token names one that is not known: so
it may change them whenever it likes. Algorithms are asymmetric ones alone: a public key is no secret to sign with.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from videojob_gateway.auth.caller import Caller, Role, user_of
from videojob_gateway.errors import IssuerAwayError, NotAllowedError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from joserfc.jwk import Key

    from videojob_gateway.config import Settings

    Fetch = Callable[[str], Awaitable[Any]]
    """Returns the JSON at a URL; raises OSError when it cannot be had."""

log = logging.getLogger(__name__)

ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
SKEW_S: Final = 60
"""How much clocks may differ."""
FRESH_S: Final = 600.0
"""Age of keys at which they are fetched again."""
OLDEST_S: Final = 24 * 3600.0
"""Age at which they count no more, however long the issuer is away: one of them may have been taken back."""
RETRY_S: Final = 10.0
"""Least time between two fetches, however many tokens name keys that nobody has."""
MOST_KEYS: Final = 100
_DISCOVERY: Final = "/.well-known/openid-configuration"
_LONGEST_ANSWER: Final = 1 << 20


class Issuer:
    """One issuer, and its keys."""

    def __init__(self, settings: Settings, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = settings.oidc_issuer
        self._settings = settings
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str | None, Key] = {}
        self._fetched_at = self._tried_at = -OLDEST_S
        self._fetching = asyncio.Lock()
        self._discovery = self.url.rstrip("/") + _DISCOVERY
        self._claims = jwt.JWTClaimsRegistry(
            leeway=SKEW_S,
            iss={"essential": True, "value": self.url},
            aud={"essential": True, "value": settings.oidc_audience},
            exp={"essential": True},
        )

    async def caller_of(self, token: str) -> Caller:
        """Return whose a JWT is.

        Raises:
            UnauthenticatedError: it does not hold, or does not any more.
            NotAllowedError: it is of someone who has no role.
            IssuerAwayError: there are no keys to look at it with.
        """
        header = part_of(token, 0)
        if header.get("alg") not in ALGORITHMS:
            raise UnauthenticatedError("the token is not signed by an algorithm that is taken")
        key = await self._key(header.get("kid"))
        try:
            claims = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
            raise UnauthenticatedError(f"the token does not hold: {error}") from error
        return self._caller(claims)

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        name = claims.get(self._settings.oidc_user_claim)
        if not isinstance(name, str) or not name:
            raise UnauthenticatedError(f"the token has no {self._settings.oidc_user_claim}")
        if self._settings.oidc_user_claim == "email" and claims.get("email_verified") is not True:
            raise UnauthenticatedError("the token's email is not verified")
        has = claims.get(self._settings.oidc_roles_claim)
        values = {has} if isinstance(has, str) else set(filter(_is_text, has)) if isinstance(has, list) else set()
        roles = {
            Role.ADMIN: self._settings.admins,
            Role.SUBMITTER: self._settings.submitters,
            Role.VIEWER: self._settings.viewers,
        }
        for role, wanted in roles.items():
            if "*" in wanted or values & set(wanted):
                return Caller(user_of(name), role, self._tier(claims) or self._settings.tier_of(values))
        raise NotAllowedError("you have no role here")

    def _tier(self, claims: Mapping[str, Any]) -> str | None:
        tier = claims.get(self._settings.oidc_tier_claim) if self._settings.oidc_tier_claim else None
        return tier if isinstance(tier, str) and tier else None

    async def _key(self, kid: object) -> Key:
        if not isinstance(kid, str | None):
            raise UnauthenticatedError("the token names no key")
        if self._clock() - self._fetched_at > FRESH_S or kid not in self._keys:
            await self._refresh(kid)
        if not self._keys or self._clock() - self._fetched_at > OLDEST_S:
            raise IssuerAwayError("the issuer of tokens does not answer")
        key = self._keys.get(kid)
        if key is None:
            raise UnauthenticatedError("the token is signed with a key that its issuer does not have")
        return key

    async def _refresh(self, kid: str | None) -> None:
        """Fetch the keys, unless that was tried just now; those that are known stay when they cannot be had."""
        async with self._fetching:
            now = self._clock()
            known = kid in self._keys and now - self._fetched_at <= FRESH_S  # another waited for the same
            if known or now - self._tried_at < RETRY_S:
                return
            self._tried_at = now
            try:
                keys = _usable(await self._fetch(_place_of_keys(await self._fetch(self._discovery), self.url)))
            except (OSError, ValueError, KeyError, TypeError, aiohttp.ClientError) as error:
                log.warning("the keys of %s cannot be had: %s", self.url, error)
                return
            self._keys, self._fetched_at = keys, now


def part_of(token: str, index: int) -> dict[str, Any]:
    """Return the header (0) or the claims (1) of a JWT, which may be anyone's word; empty for what is none."""
    try:
        part = token.split(".")[index]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, IndexError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


async def fetch_json(session: aiohttp.ClientSession, url: str) -> Any:
    """Return the JSON at a URL of an issuer, which whoever runs the gateway has named.

    Raises:
        OSError, aiohttp.ClientError: it cannot be had.
        ValueError: it is not JSON, or longer than a mebibyte, or elsewhere than on https or this machine.
    """
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError(f"{url[:200]!r} is no https URL")
    async with session.get(url, allow_redirects=False) as response:
        response.raise_for_status()
        body = await response.content.read(_LONGEST_ANSWER + 1)
        while not response.content.at_eof() and len(body) <= _LONGEST_ANSWER:
            body += await response.content.read(_LONGEST_ANSWER + 1 - len(body))
    if len(body) > _LONGEST_ANSWER:
        raise ValueError("it is longer than a mebibyte")
    return json.loads(body)


def _place_of_keys(described: Mapping[str, Any], issuer: str) -> str:
    """Return where an issuer says that its keys are; raises ValueError when it calls itself another."""
    if described["issuer"] != issuer:
        raise ValueError(f"it calls itself {str(described['issuer'])[:200]!r}")
    return str(described["jwks_uri"])


def _usable(document: Mapping[str, Any]) -> dict[str | None, Key]:
    """Return the keys that sign, by their names; under None the one there is, where there is one."""
    keys: dict[str | None, Key] = {}
    for each in document["keys"][:MOST_KEYS]:
        if not isinstance(each, dict) or each.get("kty") == "oct" or each.get("use", "sig") != "sig":
            continue
        try:
            keys[each.get("kid")] = JWKRegistry.import_key(each)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            log.warning("a key cannot be read: %s", error)
    if len(keys) == 1:
        keys[None] = next(iter(keys.values()))
    return keys


def _is_text(value: object) -> bool:
    return isinstance(value, str)
