"""The scripts that change the queue, each in its own file, and how they are loaded.

A script opens with what it does, then one `local name = KEYS[n]` for each key with its type: that list is
read here, so keys are passed by name and can neither be forgotten nor confused. `-- uses: a, b` puts
`lib/a.lua` and `lib/b.lua` in front of it.

Its first line is Redis' own: `#!lua flags=…`. A Redis that is full still runs scripts with `allow-oom` or `no-writes`:
all but those that let in something new, so that what runs can go on, and end.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_KEY = re.compile(r"^local (\w+)\s*= KEYS\[(\d+)\]", re.MULTILINE)
_COMMAND = re.compile(r"redis\.p?call\('(\w+)'(?:, '([A-Z]+)')?")
_USES = re.compile(r"^-- uses: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One script, ready to load."""

    name: str
    source: str
    sha: str
    """SHA-1 of the source in hex, by which Redis knows it."""
    keys: tuple[str, ...]
    """Names of its keys, in order."""
    commands: frozenset[str]
    """Redis commands that it runs, in lower case, with their subcommands: `xgroup|create`."""


@cache
def scripts() -> Mapping[str, Script]:
    """Return every script by its name."""
    found = {}
    for file in files(__name__).iterdir():
        if file.name.endswith(".lua"):
            script = _assemble(file.name.removesuffix(".lua"), file.read_text(encoding="utf-8"))
            found[script.name] = script
    return MappingProxyType(found)


def _assemble(name: str, text: str) -> Script:
    flags, _, body = text.partition("\n")
    if not flags.startswith("#!lua"):
        raise ValueError(f"{name}.lua: its first line is no `#!lua`")
    uses = _USES.search(text)
    libraries = [library.strip() for library in uses.group(1).split(",")] if uses else []
    parts = [files(__name__).joinpath("lib", f"{library}.lua").read_text(encoding="utf-8") for library in libraries]
    source = "\n".join([flags, *parts, body])
    declared = _KEY.findall(text)
    if [int(number) for _, number in declared] != list(range(1, len(declared) + 1)):
        raise ValueError(f"{name}.lua: its keys are not numbered 1, 2, 3, …")
    sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    return Script(
        name=name,
        source=source,
        sha=sha,
        keys=tuple(key for key, _ in declared),
        commands=frozenset("|".join(filter(None, words)).lower() for words in _COMMAND.findall(source)),
    )
