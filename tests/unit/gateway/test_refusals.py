"""Credentials that are refused, by address."""

import pytest
from starlette.datastructures import Headers

from tests.unit.gateway.test_api_keys import put
from tests.unit.gateway.test_kubernetes_tokens import Reviews
from videojob_gateway.auth import refusals
from videojob_gateway.auth.api_keys import ApiKeys
from videojob_gateway.auth.authentication import Authentication
from videojob_gateway.auth.kubernetes_tokens import KubernetesTokens
from videojob_gateway.auth.refusals import Refusals
from videojob_gateway.errors import GatewayError, TooManyRefusalsError, UnauthenticatedError


async def statuses(authenticate: Authentication, tokens: list[str], address: str = "192.0.2.1") -> list[int]:
    found = []
    for token in tokens:
        try:
            await authenticate(Headers({"authorization": f"Bearer {token}"}), address)
            found.append(200)
        except GatewayError as error:
            found.append(error.status)
    return found


async def test_who_guesses_is_soon_not_looked_at_and_nobody_is_asked(tmp_path):
    reviews = Reviews("list")
    authenticate = Authentication(ApiKeys(tmp_path), tokens=KubernetesTokens(reviews), max_refusals=3)
    key = put(tmp_path, "a")
    assert await statuses(authenticate, ["guess-1", "guess-2", "vjk_a_guess", "guess-3", "ana"]) == [
        401,
        401,
        401,
        429,
        429,
    ]
    assert reviews.asked == ["guess-1", "guess-2"]
    assert await statuses(authenticate, ["vjk_a_guess", key]) == [429, 200]  # whoever is known is served
    assert await statuses(authenticate, ["ana"], "192.0.2.2") == [200]
    assert await statuses(authenticate, ["ana"]) == [200]  # whose token is known by now
    assert reviews.asked == ["guess-1", "guess-2", "ana"]


async def test_what_is_not_refused_does_not_count():
    reviews = Reviews("list")
    authenticate = Authentication(tokens=KubernetesTokens(reviews), max_refusals=1)
    assert await statuses(authenticate, ["ana"] * 5) == [200] * 5
    with pytest.raises(UnauthenticatedError):  # nothing was sent that could be wrong
        await authenticate(Headers(), "192.0.2.1")
    assert await statuses(authenticate, ["guess", "other"]) == [401, 429]


def attempt(counted: Refusals, address: str) -> None:
    with counted.attempt(address, asks=True):
        raise UnauthenticatedError("not known")


def test_a_minute_later_all_is_forgotten():
    now = [0.0]
    counted = Refusals(1, lambda: now[0])
    with pytest.raises(UnauthenticatedError):
        attempt(counted, "192.0.2.1")
    now[0] = 20.0
    with pytest.raises(TooManyRefusalsError) as refused:
        attempt(counted, "192.0.2.1")
    assert refused.value.headers == {"Retry-After": "40"}
    now[0] = 60.0
    with pytest.raises(UnauthenticatedError):
        attempt(counted, "192.0.2.1")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::2%eth1"),
        ("unknown", "<script>"),
        ("", "unix"),
    ],
)
def test_addresses_of_one_network_and_words_of_proxies_count_together(first, second):
    counted = Refusals(1)
    with pytest.raises(UnauthenticatedError):
        attempt(counted, first)
    with pytest.raises(TooManyRefusalsError):
        attempt(counted, second)
    with pytest.raises(UnauthenticatedError):
        attempt(counted, "198.51.100.1")


def test_attempts_that_are_looked_at_count_meanwhile():
    counted = Refusals(1)
    with counted.attempt("192.0.2.1", asks=True), pytest.raises(TooManyRefusalsError):
        attempt(counted, "192.0.2.1")
    with pytest.raises(UnauthenticatedError):
        attempt(counted, "192.0.2.1")


def test_as_many_addresses_are_kept_as_there_may_be(monkeypatch):
    monkeypatch.setattr(refusals, "MOST_ADDRESSES", 2)
    counted = Refusals(1)
    for number in range(5):
        with pytest.raises(UnauthenticatedError):
            attempt(counted, f"192.0.2.{number}")
    assert len(counted._counted) == 2
