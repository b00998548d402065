"""What each Redis user may do: least privilege, read off the scripts that its side runs.

The operator has one user, the gateway another, and the workers of each pool have one of their own, which reaches that
pool's keys and no other's. The operator makes those of the pools; where it may not, all workers share one that reaches
every pool's keys.

Redis checks the commands within a script against its caller's rules. So a user gets the commands and keys of
its side's scripts, and what the Python beside them runs. `python -m videojob_contract.queue.acl
operator|worker|gateway` prints a user's rules as they stand in an ACL file, after its name and password.
"""

import sys
from collections.abc import Iterable

from videojob_contract.queue.keys import ANY_POOL, PREFIX, RATES, Keys
from videojob_contract.queue.scripts import scripts

WORKER_SCRIPTS = frozenset({"register", "claim", "renew", "restore", "report", "finish"})
"""The scripts that a worker runs; the operator runs the others."""

_OF_SENTINELS = {"role"}
"""What every client asks of a server that Sentinels name."""
_WORKER_DIRECT = {"evalsha", "blpop", "ping", "getdel", "rpush", "pexpire"} | _OF_SENTINELS
_OF_RATES = {"evalsha", "exists", "get", "incrby", "pttl", "rename", "script|load", "set"}
"""What the gateway's counts of requests need, whose scripts are those of a library."""
_GATEWAY_DIRECT = (
    {"blpop", "del", "llen", "lpop", "lrem", "pexpire", "ping", "rpush", "set", "subscribe"} | _OF_RATES | _OF_SENTINELS
)
_OPERATOR_DIRECT = {
    "acl|setuser",
    "acl|deluser",
    "evalsha",
    "script|load",
    "get",
    "unlink",
    "xreadgroup",
    "xautoclaim",
    "xgroup|delconsumer",
    "xinfo|consumers",
    "ping",
} | _OF_SENTINELS


def worker_rules(keys: Keys = ANY_POOL) -> str:
    """Return the rules of a pool's workers: what their scripts need, and blocking pops; by default of any pool."""
    used = {keys.fixed(key) for name in WORKER_SCRIPTS for key in scripts()[name].keys}
    commands = _WORKER_DIRECT.union(*(scripts()[name].commands for name in WORKER_SCRIPTS))
    return _rules(used | {keys.mail("*"), keys.signal("*"), *_of_inspections(keys)}, commands, [keys.fixed("progress")])


def gateway_rules(keys: Keys = ANY_POOL) -> str:
    """Return the rules of the gateway's user, by default for any pool: inspections, the feed, counts, and no queues."""
    return _rules((*_of_inspections(keys), f"{RATES}*"), _GATEWAY_DIRECT, [keys.fixed("progress")])


def _of_inspections(keys: Keys) -> tuple[str, ...]:
    return keys.fixed("inspections"), keys.inspection("*"), keys.inspected("*")


def operator_rules() -> str:
    """Return the rules of the operator's user: every key of every pool, and users for pools."""
    ours = scripts().keys() - WORKER_SCRIPTS
    return _rules([f"{PREFIX}*"], _OPERATOR_DIRECT.union(*(scripts()[name].commands for name in ours)))


def _rules(keys: Iterable[str], commands: Iterable[str], channels: Iterable[str] = ()) -> str:
    allowed = [f"&{channel}" for channel in channels] + [f"~{key}" for key in sorted(keys)]
    return " ".join(["resetchannels", "-@all", *allowed, *(f"+{command}" for command in sorted(commands))])


USERS = {"operator": operator_rules, "worker": worker_rules, "gateway": gateway_rules}

if __name__ == "__main__":
    sys.stdout.write(USERS[sys.argv[1]]() + "\n")
