"""JWTs of an issuer: which hold, which do not, and whose they are."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from videojob_gateway.auth import oidc
from videojob_gateway.auth.caller import Caller, Role
from videojob_gateway.auth.oidc import Issuer
from videojob_gateway.config import Settings
from videojob_gateway.errors import IssuerAwayError, NotAllowedError, UnauthenticatedError

URL = "https://issuer.example.org"
SETTINGS = Settings(
    oidc_issuer=URL,
    oidc_audience="videos",
    oidc_tier_claim="tier",
    viewers=("look",),
    submitters=("make", "films"),
    admins=("all",),
)
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa"})


class World:
    """An issuer that can change its keys and go away, and its clock."""

    def __init__(self, *keys: Key) -> None:
        self.keys: list[dict[str, Any]] = [dict(key.as_dict(private=False)) for key in keys]
        self.now = 1000.0
        self.away = False
        self.name = URL
        self.fetches = 0

    async def fetch(self, url: str) -> Any:
        self.fetches += 1
        if self.away:
            raise OSError("no route")
        if url == f"{URL}/.well-known/openid-configuration":
            return {"issuer": self.name, "jwks_uri": f"{URL}/keys"}
        assert url == f"{URL}/keys"
        return {"keys": self.keys}

    def issuer(self, settings: Settings = SETTINGS) -> Issuer:
        return Issuer(settings, self.fetch, lambda: self.now)


class In(int):
    """So many seconds from when a token is made."""


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    all_of_them = {
        "iss": URL,
        "aud": "videos",
        "sub": "ana",
        "exp": now + 600,
        "iat": now,
        "groups": ["films"],
    } | changes
    given = {name: value for name, value in all_of_them.items() if value is not None}
    return {name: now + value if isinstance(value, In) else value for name, value in given.items()}


def token(key: Key = RSA, alg: str = "RS256", kid: str | None = "rsa", **changes: Any) -> str:
    header = {"alg": alg} | ({"kid": kid} if kid else {})
    return str(jwt.encode(header, claims(**changes), key, algorithms=[alg]))


def unsigned(header: dict[str, Any], signature: str = "", **changes: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part(header)}.{part(claims(**changes))}.{signature}"


@pytest.mark.parametrize(
    ("key", "alg", "kid"), [(RSA, "RS256", "rsa"), (RSA, "PS512", "rsa"), (EC, "ES256", "ec"), (ED, "Ed25519", "ed")]
)
async def test_a_token_that_its_issuer_signed_holds(key, alg, kid):
    world = World(RSA, EC, ED)
    assert await world.issuer().caller_of(token(key, alg, kid)) == Caller("ana", Role.SUBMITTER)


@pytest.mark.parametrize(
    ("changes", "caller"),
    [
        ({"groups": "make"}, Caller("ana", Role.SUBMITTER)),
        ({"groups": ["look", "all"]}, Caller("ana", Role.ADMIN)),
        ({"groups": ["look"], "tier": "gold"}, Caller("ana", Role.VIEWER, "gold")),
        ({"aud": ["other", "videos"]}, Caller("ana", Role.SUBMITTER)),
        ({"exp": In(-30)}, Caller("ana", Role.SUBMITTER)),
        ({"nbf": In(30)}, Caller("ana", Role.SUBMITTER)),
        ({"sub": "auth0|1", "tier": 5}, None),
    ],
)
async def test_user_role_and_tier_follow_from_claims(changes, caller):
    found = await World(RSA).issuer().caller_of(token(**changes))
    assert found == caller if caller else found.user.startswith("auth0-1-")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "others"},
        {"aud": ["others"]},
        {"aud": None},
        {"aud": {}},
        {"iss": "https://issuer.example.org/"},
        {"iss": None},
        {"exp": In(-120)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": 1e400},
        {"exp": True},
        {"exp": [9e9]},
        {"nbf": In(600)},
        {"iat": In(6000)},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": ["ana"]},
    ],
)
async def test_a_claim_that_does_not_hold_is_refused(changes):
    with pytest.raises(UnauthenticatedError):
        await World(RSA).issuer().caller_of(token(**changes))


async def test_who_has_no_role_is_known_and_may_do_nothing():
    for groups in (None, [], ["others"], 7, {"films": 1}, [["films"]], [{}]):
        with pytest.raises(NotAllowedError):
            await World(RSA).issuer().caller_of(token(groups=groups))


def forged() -> dict[str, str]:
    """Tokens of someone who has the issuer's public keys alone."""
    signed = unsigned({"alg": "HS256", "kid": "rsa"}).rpartition(".")[0]
    by_public_key = hmac.new(RSA.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    good = token()
    head, body, signature = good.split(".")
    other_body = unsigned({}, sub="root").split(".")[1]
    return {
        "alg none": unsigned({"alg": "none", "kid": "rsa"}),
        "alg None": unsigned({"alg": "None", "kid": "rsa"}, signature),
        "no alg": unsigned({"kid": "rsa"}, signature),
        "alg a list": unsigned({"alg": ["RS256"], "kid": "rsa"}, signature),
        "the public key as a secret": f"{signed}.{base64.urlsafe_b64encode(by_public_key).decode().rstrip('=')}",
        "another's key of the same name": token(STRANGER),
        "a key of its own in the header": unsigned({"alg": "RS256", "jwk": STRANGER.as_dict(private=False)}, signature),
        "a place of keys in the header": unsigned({"alg": "RS256", "jku": "https://evil.example"}, signature),
        "kid a path": token(STRANGER, kid="../../rsa"),
        "kid a number": unsigned({"alg": "RS256", "kid": 1}, signature),
        "kid a list": unsigned({"alg": "RS256", "kid": []}, signature),
        "another algorithm than the key's": unsigned({"alg": "ES256", "kid": "rsa"}, signature),
        "other claims": f"{head}.{other_body}.{signature}",
        "no signature": f"{head}.{body}.",
        "half of it": f"{head}.{body}",
        "a critical header that nobody knows": unsigned(
            {"alg": "RS256", "kid": "rsa", "crit": ["x"], "x": 1}, signature
        ),
        "encrypted": f"{head}.{body}.{signature}.{head}.{body}",
        "nested": base64.urlsafe_b64encode(b"[" * 10_000).decode() + ".e30.e30",
        "a header that is no object": "W10.e30.e30",
        "dots": "...",
    }


@pytest.mark.parametrize("name", forged())
async def test_what_others_made_is_refused(name):
    with pytest.raises(UnauthenticatedError):
        await World(RSA, EC).issuer().caller_of(forged()[name])


async def test_symmetric_keys_and_those_for_encryption_are_never_looked_at():
    world = World()
    secret = OctKey.generate_key(256, {"kid": "oct"})
    world.keys = [
        dict(secret.as_dict(private=True)),
        {**RSA.as_dict(private=False), "use": "enc"},
        {"kty": "RSA", "kid": "broken"},
        {"kty": "post-quantum", "kid": "pq"},
        dict(EC.as_dict(private=False)),
    ]
    issuer = world.issuer()
    assert (await issuer.caller_of(token(EC, "ES256", "ec"))).user == "ana"
    for bad in (token(), token(secret, "HS256", "oct")):
        with pytest.raises(UnauthenticatedError):
            await issuer.caller_of(bad)


async def test_a_new_key_is_fetched_when_a_token_names_it():
    world = World(RSA)
    issuer = world.issuer()
    await issuer.caller_of(token())
    world.keys = [dict(EC.as_dict(private=False))]
    world.now += oidc.RETRY_S
    await issuer.caller_of(token(EC, "ES256", "ec"))
    with pytest.raises(UnauthenticatedError):
        await issuer.caller_of(token())


async def test_unknown_names_make_no_more_than_a_fetch_in_ten_seconds():
    world = World(RSA)
    issuer = world.issuer()
    for _ in range(50):
        with pytest.raises(UnauthenticatedError):
            await issuer.caller_of(token(kid="nobody's"))
    assert world.fetches == 2


async def test_keys_outlast_an_issuer_that_is_away_for_a_day_and_no_longer():
    world = World(RSA)
    issuer = world.issuer()
    await issuer.caller_of(token())
    world.away = True
    world.now += oidc.OLDEST_S - 1
    await issuer.caller_of(token())
    world.now += 2
    with pytest.raises(IssuerAwayError):
        await issuer.caller_of(token())
    world.away = False
    world.now += oidc.RETRY_S
    await issuer.caller_of(token())


async def test_an_issuer_that_calls_itself_another_has_no_keys():
    world = World(RSA)
    world.name = "https://evil.example"
    with pytest.raises(IssuerAwayError):
        await world.issuer().caller_of(token())


async def test_a_token_without_a_key_s_name_is_of_the_only_key():
    assert (await World(RSA).issuer().caller_of(token(kid=None))).user == "ana"
    with pytest.raises(UnauthenticatedError):
        await World(RSA, EC).issuer().caller_of(token(kid=None))


async def test_an_email_counts_when_it_was_verified():
    issuer = World(RSA).issuer(SETTINGS.model_copy(update={"oidc_user_claim": "email"}))
    email = "ana@example.org"
    assert (await issuer.caller_of(token(email=email, email_verified=True))).user == email
    for verified in (None, False, "true", 1):
        with pytest.raises(UnauthenticatedError):
            await issuer.caller_of(token(email=email, email_verified=verified))
