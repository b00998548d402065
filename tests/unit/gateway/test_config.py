"""Settings of the gateway."""

import pytest

from videojob_common.errors import ConfigError
from videojob_gateway.config import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "127.8.8.8", "localhost"])
def test_on_loopback_nobody_has_to_be_known(host):
    assert Settings.from_env({"VIDEOJOB_HOST": host}).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org", ""])  # noqa: S104
def test_elsewhere_callers_have_to_be_known(host):
    with pytest.raises(ConfigError, match="say how callers are known"):
        Settings.from_env({"VIDEOJOB_HOST": host})
