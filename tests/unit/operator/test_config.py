"""Settings from the environment."""

import pytest

from videojob_common.errors import ConfigError
from videojob_operator.config import Settings


def test_defaults_need_no_environment():
    settings = Settings.from_env({"PATH": "/bin"})
    assert settings == Settings()
    assert settings.redis_url_for_workers == settings.redis_url


def test_each_type_is_read():
    settings = Settings.from_env(
        {
            "VIDEOJOB_REDIS_URL": "redis://here:1/0",
            "VIDEOJOB_WORKER_REDIS_URL": "redis://there:1/0",
            "VIDEOJOB_NAMESPACES": "a, b,",
            "VIDEOJOB_METRICS_PORT": "0",
            "VIDEOJOB_PROGRESS_INTERVAL_S": "1.5",
            "VIDEOJOB_LOG_FORMAT": "text",
        }
    )
    assert settings.redis_url_for_workers == "redis://there:1/0"
    assert settings.namespaces == ("a", "b")
    assert settings.metrics_port == 0
    assert settings.progress_interval_s == 1.5
    assert settings.log_format == "text"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("VIDEOJOB_METRICS_PORT", "http", 'VIDEOJOB_METRICS_PORT is a number; not "http"'),
        ("VIDEOJOB_STALL_S", "-1", "VIDEOJOB_STALL_S is not negative; not -1"),
        ("VIDEOJOB_CLUSTER", "a/b", "VIDEOJOB_CLUSTER: String should match pattern '^[a-z0-9-]{0,63}$'"),
        ("VIDEOJOB_LOG_FORMAT", "xml", 'VIDEOJOB_LOG_FORMAT is one of json, text; not "xml"'),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(name, value, message):
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({name: value})
    assert str(caught.value) == message


def test_the_password_is_in_no_repr():
    assert "hunter2" not in repr(Settings.from_env({"VIDEOJOB_REDIS_PASSWORD": "hunter2"}))


def test_only_the_environment_that_is_given_counts(monkeypatch):
    monkeypatch.setenv("VIDEOJOB_METRICS_PORT", "1")
    assert Settings().metrics_port == Settings.from_env({}).metrics_port == 8080
