"""The page of transitions and effects, by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from videojob_contract.effects import EFFECTS, Argument, Signature
from videojob_contract.resources.transitions import OWN_TRANSITIONS, RENAMED, XFADE_TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRANSITIONS = """
# Transitions and effects

## Transitions

For `type` of [a transition](reference.md#transition). Of its own:

"""
_XFADE = """
And those of ffmpeg's filter `xfade` that are none of the above, by ffmpeg's names:

"""
_RENAMED = """
Names of ffmpeg's for what is called otherwise here: {}. Its `fade` is `crossfade` here.
"""
_EFFECTS = """
## Effects

For `name` and `args` of [an effect](reference.md#effect): the classes of `moviepy.vfx`. A clip's effects are applied in
their order to its whole picture. Arguments and their types are checked when the job is accepted.

An effect gets a clip as long as the timeline has it. What all of them together make of it is shown for that long: what
is longer is cut, so that `MultiplySpeed` with a factor of 2 and then `TimeSymmetrize` go forwards and back within the
clip; what is shorter is refused, and `Loop` can fill it. Times are in seconds, sizes and positions in pixels of the
canvas.

| Effect | Arguments | |
|---|---|---|
"""
_REFUSED = """
Not to be had: {}.
"""


def catalogue() -> str:
    """Return the page as Markdown."""
    renamed = ", ".join(f"`{theirs}` (`{ours}`)" for theirs, ours in RENAMED.items())
    refused = [signature for signature in EFFECTS.values() if signature.entry.refused]
    return "".join(
        [
            _TRANSITIONS,
            _table(OWN_TRANSITIONS),
            _XFADE,
            _table(XFADE_TRANSITIONS),
            _RENAMED.format(renamed),
            _EFFECTS,
            *(_row(signature) for signature in EFFECTS.values() if not signature.entry.refused),
            _REFUSED.format("; ".join(f"`{signature.name}` {signature.entry.refused}" for signature in refused)),
        ]
    )


def _table(names: Mapping[str, str]) -> str:
    return "| `type` | |\n|---|---|\n" + "".join(f"| `{name}` | {does} |\n" for name, does in names.items())


def _row(signature: Signature) -> str:
    arguments = "<br>".join(map(_argument, signature.arguments.values()))
    one_of = f"<br>one of {', '.join(f'`{name}`' for name in signature.entry.one_of)}" if signature.entry.one_of else ""
    return f"| `{signature.name}` | {arguments}{one_of} | {signature.entry.does} |\n"


def _argument(argument: Argument) -> str:
    if argument.required:
        return f"`{argument.name}`: {argument.kind.words}; required"
    default = "" if argument.default is None else f"; default `{json.dumps(argument.default)}`"
    return f"`{argument.name}`: {argument.kind.words}{default}"
