from __future__ import annotations

from pathlib import Path

import pytest

from videojob_common.errors import ConfigError
from videojob_worker.config import from_environment

ENV = {
    "VIDEOJOB_NAMESPACE": "films",
    "VIDEOJOB_POOL": "default",
    "VIDEOJOB_WORKER": "default-1-abc",
    "VIDEOJOB_JOB": "default-1",
    "VIDEOJOB_REDIS_URL": "redis://redis:6379/0",
    "VIDEOJOB_REDIS_CA": "-----BEGIN CERTIFICATE-----",
    "VIDEOJOB_REDIS_USER": "worker",
    "VIDEOJOB_REDIS_PASSWORD": "p@ss",
    "VIDEOJOB_CPU_LIMIT": "3",
    "VIDEOJOB_MEMORY_LIMIT_BYTES": "2147483648",
}


def test_reads_everything() -> None:
    settings = from_environment(ENV)
    assert (settings.redis_user, settings.redis_password) == ("worker", "p@ss")
    assert settings.redis_ca == "-----BEGIN CERTIFICATE-----"
    assert settings.threads == 3
    assert settings.memory_limit_bytes == 2 * 1024**3
    assert settings.scratch == Path("/scratch")


def test_the_password_is_not_shown() -> None:
    assert "p@ss" not in repr(from_environment(ENV))


@pytest.mark.parametrize("name", ["VIDEOJOB_NAMESPACE", "VIDEOJOB_WORKER", "VIDEOJOB_REDIS_URL"])
def test_names_what_is_missing(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is not set"):
        from_environment({key: value for key, value in ENV.items() if key != name})


def test_names_what_is_wrong() -> None:
    with pytest.raises(ConfigError, match="VIDEOJOB_CPU_LIMIT is not a whole number: 1500m"):
        from_environment({**ENV, "VIDEOJOB_CPU_LIMIT": "1500m"})


def test_an_assignment_needs_no_redis() -> None:
    env = {key: value for key, value in ENV.items() if "REDIS" not in key}
    assert from_environment({**env, "VIDEOJOB_ASSIGNMENT": "/etc/assignment"}).redis_url == ""
    assert from_environment({**ENV, "VIDEOJOB_ASSIGNMENT": "/etc/assignment"}).redis_url == ENV["VIDEOJOB_REDIS_URL"]


def test_volumes_are_the_folders_that_are_mounted(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "not-a-volume").write_text("")
    settings = from_environment({**ENV, "VIDEOJOB_VOLUMES": str(tmp_path)})
    assert settings.mounted_volumes() == {"media": tmp_path / "media"}
    assert from_environment({**ENV, "VIDEOJOB_VOLUMES": str(tmp_path / "none")}).mounted_volumes() == {}
