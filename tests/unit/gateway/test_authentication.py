"""Who calls, by what a request was sent with."""

import json

import pytest
from starlette.datastructures import Headers

from tests.unit.gateway.test_oidc import RSA, SETTINGS, World, token
from videojob_gateway.auth.api_keys import ApiKeys, digest_of, new_key
from videojob_gateway.auth.authentication import Authentication, nobody_is_asked
from videojob_gateway.auth.caller import LOCAL, Caller, Role
from videojob_gateway.auth.remembered import MOST, Remembered
from videojob_gateway.errors import NotAllowedError, UnauthenticatedError


class Tokens:
    """Knows one token, as Kubernetes would."""

    async def caller_of(self, given: str) -> Caller:
        if given != "of-kubernetes":
            raise UnauthenticatedError("not known")
        return Caller("sa", Role.ADMIN)


def bearer(*tokens: str) -> Headers:
    return Headers(raw=[(b"authorization", f"Bearer {each}".encode("latin-1")) for each in tokens])


@pytest.fixture
def key(tmp_path):
    made = new_key("a")
    (tmp_path / "a").write_text(json.dumps({"sha256": digest_of(made), "user": "key", "role": "viewer"}))
    return made


@pytest.fixture
def authenticate(tmp_path):
    return Authentication(ApiKeys(tmp_path), World(RSA).issuer(SETTINGS), Tokens())


async def test_each_token_is_asked_of_where_it_comes_from(authenticate, key):
    for given, user in ((key, "key"), (token(), "ana"), ("of-kubernetes", "sa")):
        assert (await authenticate(bearer(given))).user == user


@pytest.mark.parametrize(
    "headers",
    [
        Headers(),
        bearer(""),
        bearer("nobody's"),
        bearer("vjk_a_b"),
        bearer("of-kubernetes", "of-kubernetes"),
        bearer("x" * 20_000),
        bearer("é"),
        Headers({"authorization": "Basic YTpi"}),
        Headers({"authorization": "of-kubernetes"}),
        bearer(token(iss="https://another.example")),
    ],
)
async def test_nobody_else_is_known(authenticate, headers):
    with pytest.raises(UnauthenticatedError) as caught:
        await authenticate(headers)
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}


async def test_what_is_not_configured_is_not_asked(key):
    for given in (key, token(), "of-kubernetes"):
        with pytest.raises(UnauthenticatedError):
            await Authentication()(bearer(given))


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:1", "[::1]:8080", "localhost"])
async def test_on_loopback_this_machine_s_own_names_are_answered_to(host):
    assert await nobody_is_asked(Headers({"host": host})) == LOCAL
    assert await nobody_is_asked(Headers({"host": host, "origin": f"http://{host}"})) == LOCAL
    assert await nobody_is_asked(Headers({"host": host, "sec-fetch-site": "same-origin"})) == LOCAL


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8080"},
        {"host": "localhost.evil.example"},
        {"host": ""},
        {},
        {"host": "localhost:8080", "origin": "https://evil.example"},
        {"host": "localhost:8080", "origin": "null"},
        {"host": "localhost:8080", "origin": "http://localhost:3000"},
        {"host": "127.0.0.1@evil.example"},
        {"host": "["},
        {"host": "localhost:8080", "sec-fetch-site": "cross-site"},
        {"host": "localhost:8080", "sec-fetch-site": "same-site"},
    ],
)
async def test_pages_of_other_sites_are_not(headers):
    with pytest.raises(NotAllowedError):
        await nobody_is_asked(Headers(headers))


def test_what_is_remembered_is_bounded_in_number_and_time():
    now = [0.0]
    remembered = Remembered[int](lambda: now[0])
    for number in range(MOST + 1):
        remembered.put(str(number), number, 10)
    assert remembered.get("0") is None
    found = remembered.get("1")
    assert found is not None
    assert found.value == 1
    now[0] = 10
    assert remembered.get("1") is None
