"""URLs of Sentinels."""

import pytest

from videojob_contract.queue.connection import connect
from videojob_contract.queue.sentinels import Address, SentinelUrl, is_of_sentinels


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("redis+sentinel://a:1,b/main/2", SentinelUrl((Address("a", 1), Address("b", 26379)), "main", 2, tls=False)),
        ("rediss+sentinel://[fd00::1]:1/a.b-c", SentinelUrl((Address("fd00::1", 1),), "a.b-c", 0, tls=True)),
    ],
)
def test_a_url_names_the_sentinels_the_master_and_the_database(url: str, meant: SentinelUrl) -> None:
    assert is_of_sentinels(url)
    assert SentinelUrl.parse(url) == meant


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://a:1,b:2",
        "redis+sentinel:///main",
        "redis+sentinel://a,,b/main",
        "redis+sentinel://a:0/main",
        "redis+sentinel://a:port/main",
        "redis+sentinel://fd00::1/main",
        "redis+sentinel://:secret@a/main",
        "redis+sentinel://a/main/db",
        "redis+sentinel://a/main?password=secret",
        "redis+sentinel://a/main\n",
    ],
)
def test_what_is_no_url_of_sentinels_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"redis\+sentinel://HOST:PORT,HOST:PORT/MASTER/DB") as refused:
        connect(url)
    assert "secret" not in str(refused.value)
