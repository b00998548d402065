"""A real Redis, started once a session."""

from collections.abc import Iterator

import pytest

from tests.redis_server import redis_server


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis; tests share it, and so use pools of their own."""
    with redis_server() as url:
        yield url
