"""The effects of MoviePy (`moviepy.vfx`), known without it: by name, arguments, and how long they leave a clip.

`signatures.json` is generated from MoviePy, and `catalogue` says what no signature does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from videojob_contract.effects.catalogue import CATALOGUE, EffectEntry
from videojob_contract.effects.kinds import BOOLEAN, ArgumentKind, integer, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from videojob_contract.resources.timeline import Effect

__all__ = ["EFFECTS", "Argument", "Signature", "arguments", "effects_are_still", "length_after"]

_BY_TYPE: dict[str, ArgumentKind] = {"float": number(), "int": integer(), "bool": BOOLEAN}


@dataclass(frozen=True)
class Argument:
    """An argument of an effect."""

    name: str
    kind: ArgumentKind
    required: bool
    default: Any = None


@dataclass(frozen=True)
class Signature:
    """What an effect takes."""

    name: str
    entry: EffectEntry
    arguments: dict[str, Argument]
    """By name, in order; without those that cannot be given."""


def _read() -> Iterator[Signature]:
    found = json.loads(files(__name__).joinpath("signatures.json").read_text())
    for name, signature in found.items():
        entry = CATALOGUE[name]
        known = (
            {} if entry.refused else {each["name"]: each for each in signature if each["name"] not in entry.left_out}
        )
        yield Signature(
            name,
            entry,
            {
                argument: Argument(
                    argument,
                    entry.kinds[argument] if argument in entry.kinds else _BY_TYPE[each["types"][0]],
                    "default" not in each,
                    each.get("default"),
                )
                for argument, each in known.items()
            },
        )


EFFECTS: dict[str, Signature] = {signature.name: signature for signature in _read()}
"""Every effect by its name, those that are refused among them."""


def arguments(effect: Effect) -> dict[str, Any]:
    """Return an effect's arguments as its class takes them: lists and colours are tuples, whole numbers integers.

    Only where MoviePy wants a function of time, as for the way of a `HeadBlur`, there are a number or several.

    Raises:
        KeyError: there is no such effect or argument; `semantics` has checked that there is.
    """
    known = EFFECTS[effect.name].arguments
    return {name: known[name].kind.convert(value) for name, value in (effect.args or {}).items()}


def length_after(effects: Iterable[Effect], length: Fraction) -> Fraction:
    """Return how many seconds of a clip there are after all its effects; they are taken to be right."""
    for effect in effects:
        lengthen = EFFECTS[effect.name].entry.length
        if lengthen is not None:
            length = lengthen(length, _exact(effect))
    return length


def effects_are_still(effects: Iterable[Effect]) -> bool:
    """Return whether a clip that stands still does so under all these effects."""
    return not any(EFFECTS[effect.name].entry.moves(effect.args or {}) for effect in effects)


def _exact(effect: Effect) -> dict[str, Fraction]:
    return {
        name: Fraction(str(value))
        for name, value in (effect.args or {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
