"""Fixtures of real services, each started once a session: an API server with our CRDs, and Redis."""

from collections.abc import Iterator

import pytest

from tests.integration.apiserver import ApiServer, running
from tests.redis_server import redis_server


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A real API server with our CRDs."""
    with running(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


@pytest.fixture
def namespace(apiserver: ApiServer) -> str:
    """A namespace of the test's own."""
    return apiserver.create_namespace()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis; tests share it, and so use pools of their own."""
    with redis_server() as url:
        yield url
