"""API keys of a folder."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from videojob_gateway.auth import api_keys
from videojob_gateway.auth.api_keys import ApiKeys, digest_of, new_key
from videojob_gateway.auth.caller import Caller, Role
from videojob_gateway.errors import UnauthenticatedError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def put(folder: Path, name: str, **entry: object) -> str:
    key = new_key(name)
    known = {"sha256": digest_of(key), "user": "ana", "role": "submitter"} | entry
    (folder / name).write_text(json.dumps({field: value for field, value in known.items() if value is not None}))
    stamp = len(list(folder.iterdir()))
    os.utime(folder, ns=(stamp, stamp))
    return key


def test_a_key_is_whose_its_file_says(tmp_path):
    keys = ApiKeys(tmp_path, lambda: NOW)
    later = (NOW + timedelta(seconds=1)).isoformat()
    assert keys.caller_of(put(tmp_path, "a")) == Caller("ana", Role.SUBMITTER)
    gold = put(tmp_path, "b", role="admin", tier="gold", expiresAt=later)
    assert keys.caller_of(gold) == Caller("ana", Role.ADMIN, "gold")


def test_it_ends_at_its_time_and_with_its_file(tmp_path):
    keys = ApiKeys(tmp_path, lambda: NOW)
    with pytest.raises(UnauthenticatedError, match="expired"):
        keys.caller_of(put(tmp_path, "a", expiresAt=NOW.isoformat()))
    key = put(tmp_path, "b")
    keys.caller_of(key)
    (tmp_path / "b").unlink()
    with pytest.raises(UnauthenticatedError):
        keys.caller_of(key)


def test_another_secret_another_name_or_a_digest_is_no_key(tmp_path):
    keys = ApiKeys(tmp_path)
    key = put(tmp_path, "a")
    for wrong in (key + "x", key[:-1], key.replace("vjk_a", "vjk_b"), f"vjk_a_{digest_of(key)}", "vjk_", "vjk_a", "é"):
        with pytest.raises(UnauthenticatedError):
            keys.caller_of(wrong)


@pytest.mark.parametrize(
    "entry",
    [
        {"role": "root"},
        {"role": None},
        {"user": ""},
        {"user": "a b"},
        {"sha256": "0"},
        {"more": 1},
        {"expiresAt": "2027-01-01T00:00:00"},
        {"expiresAt": "soon"},
        {"tier": "G"},
    ],
)
def test_an_entry_that_is_wrong_is_no_key_and_harms_no_other(tmp_path, entry, caplog):
    good = put(tmp_path, "good")
    bad = put(tmp_path, "bad", **entry)
    keys = ApiKeys(tmp_path)
    assert keys.caller_of(good).user == "ana"
    with pytest.raises(UnauthenticatedError):
        keys.caller_of(bad)
    assert "bad" in caplog.text
    assert digest_of(bad) not in caplog.text


def test_a_mounted_secret_is_read_and_read_again(tmp_path):
    """As the kubelet has it: files are links through `..data`, which is changed at once."""
    first, second = tmp_path / "..1", tmp_path / "..2"
    for folder in (first, second):
        folder.mkdir()
    key, other = put(first, "a"), put(second, "b")
    (tmp_path / "..data").symlink_to(first)
    (tmp_path / "a").symlink_to("..data/a")
    keys = ApiKeys(tmp_path)
    keys.caller_of(key)
    (tmp_path / "new").symlink_to(second)
    (tmp_path / "new").rename(tmp_path / "..data")
    (tmp_path / "a").unlink()
    (tmp_path / "b").symlink_to("..data/b")
    keys.caller_of(other)
    with pytest.raises(UnauthenticatedError):
        keys.caller_of(key)


def test_a_file_that_is_changed_alone_is_read_before_long(tmp_path, monkeypatch):
    keys = ApiKeys(tmp_path)
    key = put(tmp_path, "a")
    keys.caller_of(key)
    stamp = tmp_path.stat().st_mtime_ns
    (tmp_path / "a").write_text("{}")
    os.utime(tmp_path, ns=(stamp, stamp))
    monkeypatch.setattr(api_keys, "FRESH_S", 0)
    with pytest.raises(UnauthenticatedError):
        keys.caller_of(key)


def test_without_its_folder_there_are_no_keys(tmp_path):
    with pytest.raises(UnauthenticatedError):
        ApiKeys(tmp_path / "none").caller_of("vjk_a_b")


def test_the_program_makes_a_key_and_its_entry(tmp_path):
    program = Path(sys.executable).parent / "videojob-gateway-key"
    arguments = ["portal", "--user", "ana|1", "--role", "viewer", "--days", "30"]
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True)
    (tmp_path / "portal").write_text(done.stdout)
    caller = ApiKeys(tmp_path).caller_of(done.stderr.strip())
    assert caller.user.startswith("ana-1-")
    assert caller.role is Role.VIEWER
    assert done.stderr.strip() not in done.stdout
