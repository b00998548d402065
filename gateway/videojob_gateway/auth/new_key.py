"""`videojob-gateway-key`: makes an API key, and the entry that the Secret of keys gets for it."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import UTC, datetime, timedelta

from videojob_gateway.auth.api_keys import ApiKey, digest_of, new_key
from videojob_gateway.auth.caller import Role, user_of

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def main() -> None:
    """Write the entry to standard output, and the key, which nobody can find again, to standard error."""
    parser = argparse.ArgumentParser(prog="videojob-gateway-key", description=__doc__)
    parser.add_argument("name", help="of the key: lower case letters, digits and -")
    parser.add_argument("--user", required=True, help="whose VideoJobs it is for")
    parser.add_argument("--role", choices=[role.value for role in Role], default=Role.SUBMITTER.value)
    parser.add_argument("--tier", help="of what is made with it")
    parser.add_argument("--days", type=int, help="how long it can be used; default: for ever")
    arguments = parser.parse_args()
    if not _NAME.fullmatch(arguments.name):
        parser.error("a name has at most 40 lower case letters, digits and -")
    key = new_key(arguments.name)
    expires_at = None if arguments.days is None else datetime.now(UTC) + timedelta(days=arguments.days)
    entry = ApiKey(
        sha256=digest_of(key),
        user=user_of(arguments.user),
        role=Role(arguments.role),
        tier=arguments.tier,
        expires_at=expires_at,
    )
    sys.stdout.write(entry.model_dump_json(by_alias=True, exclude_none=True) + "\n")
    sys.stderr.write(f"{key}\n")
