"""What every script must keep to, so that it works on Redis Cluster and its head can be believed."""

import re
from pathlib import Path

import pytest
from redis.crc import key_slot

from videojob_contract.queue.acl import USERS, WORKER_SCRIPTS, worker_rules
from videojob_contract.queue.keys import FIXED, PER_NAME, PREFIX, Keys
from videojob_contract.queue.scripts import Script, scripts
from videojob_contract.queue.types import PoolKey

TYPES = {"string": "string", "hash": "hash", "sorted set": "zset", "list": "list", "stream": "stream"}
HEAD = re.compile(r"^local (\w+)\s+= KEYS\[\d+\]\s+-- (\w+)\s+\S", re.MULTILINE)

each_script = pytest.mark.parametrize("script", scripts().values(), ids=lambda script: script.name)


def test_there_is_a_script_for_each_change() -> None:
    changes = {"enqueue", "claim", "renew", "restore", "report", "finish", "cancel", "release", "withdraw", "forget"}
    assert changes | {"register", "retire", "configure"} <= scripts().keys()
    assert scripts().keys() >= WORKER_SCRIPTS


@each_script
def test_its_head_names_its_keys_with_their_types(script: Script) -> None:
    known = FIXED | PER_NAME
    expected = [(key, TYPES[known[key].partition(":")[0]]) for key in script.keys]
    assert HEAD.findall(script.source) == expected


@each_script
def test_it_opens_with_what_it_does_and_replies(script: Script) -> None:
    own = script.source[script.source.index(f"-- {script.name}: ") :]
    head = own.partition("\nlocal ")[0]
    assert re.search(r"Replies", head)


@each_script
def test_it_uses_every_key_that_it_declares_and_builds_none(script: Script) -> None:
    for key in script.keys:
        assert len(re.findall(rf"\b{key}\b", script.source)) > 1, key
    assert PREFIX not in script.source
    assert script.source.count("KEYS[") == len(script.keys)


@each_script
def test_what_it_needs_of_the_libraries_is_there(script: Script) -> None:
    """A name that nothing defines would be an error only when Redis comes to it."""
    code = re.sub(r"--.*|'[^']*'", "", script.source)
    defined = set(re.findall(r"local function (\w+)", code))
    called = set(re.findall(r"(?<![.:\w])(\w+)\(", code))
    builtin = {
        "tonumber",
        "ipairs",
        "pairs",
        "pcall",
        "type",
        "error",
        "function",
        "if",
        "and",
        "or",
        "not",
        "elseif",
        "return",
        "in",
    }
    assert called - defined - builtin == set()


@each_script
def test_a_full_redis_runs_all_but_what_lets_in_something_new(script: Script) -> None:
    new = script.name in {"enqueue", "room"}
    assert script.source.partition("\n")[0] in (
        {"#!lua"} if new else {"#!lua flags=allow-oom", "#!lua flags=no-writes"}
    )


def test_all_keys_of_a_pool_are_in_one_slot_and_pools_apart() -> None:
    keys = Keys(PoolKey("team", "default"))
    slots = {key_slot(key.encode()) for key in [*keys.all_fixed(), keys.signal("uid"), keys.mail("pod")]}
    assert len(slots) == 1
    for other in (Keys(PoolKey("team", "other")), Keys(PoolKey("team", "default"), "elsewhere")):
        assert not set(keys.all_fixed()) & set(other.all_fixed())
        assert keys.user != other.user


def test_a_key_that_is_not_declared_is_not_built() -> None:
    with pytest.raises(KeyError, match="invented"):
        Keys(PoolKey("team", "default")).fixed("invented")


def test_no_user_gets_more_than_commands_and_keys_one_by_one() -> None:
    for rules in USERS.values():
        words = rules().split()
        assert words[:2] == ["resetchannels", "-@all"]
        assert all(re.fullmatch(r"\+[a-z|]+|[&~]vj:\S+", word) for word in words[2:])
    forbidden = {
        "+eval",
        "+script|load",
        "+del",
        "+unlink",
        "+keys",
        "+hscan",
        "+xreadgroup",
        "~vj:*",
        "&*",
        "+subscribe",
        "+psubscribe",
    }
    assert not forbidden & set(worker_rules().split())


def test_the_documentation_names_every_key_and_script() -> None:
    page = (Path(__file__).parents[4] / "docs" / "queue.md").read_text(encoding="utf-8")
    for key, holds in FIXED.items():
        assert f"| `{key}` | {holds} |" in page
    for key, holds in PER_NAME.items():
        assert re.search(rf"\| `{key}:[A-Z]+` \| {re.escape(holds)} \|", page)
    for name in scripts():
        assert f"`{name}`" in page
