"""Which proxy a client goes through."""

import pytest

from videojob_client.transport import proxy_of


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.example.org:6443", "http://proxy.example.org:3128"),
        ("https://127.0.0.1:6443", None),
        ("https://api.here.example.org", None),
        ("http://api.example.org", None),
        ("", None),
    ],
)
def test_the_proxy_is_that_of_the_environment(monkeypatch, url, proxy):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,here.example.org")
    assert proxy_of(url) == proxy
