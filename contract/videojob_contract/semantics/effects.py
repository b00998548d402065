"""Effects by their names and arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.effects import EFFECTS, Argument, length_after
from videojob_contract.problems import Problem, did_you_mean, show
from videojob_contract.resources.base import format_duration
from videojob_contract.semantics.lengths import clip_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.effects import Signature
    from videojob_contract.resources.timeline import Clip, Effect


def check_effects(path: str, clip: Clip) -> Iterator[Problem]:
    """Yield every problem of a clip's effects."""
    problems = [
        problem
        for index, effect in enumerate(clip.effects or ())
        for problem in _effect(f"{path}.effects[{index}]", effect)
    ]
    yield from problems
    length = clip_length(clip)
    if not clip.effects or problems or length is None:
        return
    if (left := length_after(clip.effects, length)) < length:
        said = format_duration(left) if left > 0 else "nothing"
        message = f"leave {said} of the clip's {format_duration(length)}: shorten it, or fill it by the effect Loop"
        yield Problem(f"{path}.effects", message)


def _effect(path: str, effect: Effect) -> Iterator[Problem]:
    signature = EFFECTS.get(effect.name)
    if signature is None:
        usable = [name for name, each in EFFECTS.items() if not each.entry.refused]
        hint = did_you_mean(effect.name, usable)
        yield Problem(
            f"{path}.name", f'"{effect.name}" is no effect of moviepy.vfx; there are {", ".join(usable)}{hint}'
        )
    elif signature.entry.refused:
        yield Problem(f"{path}.name", f"{effect.name} {signature.entry.refused}")
    else:
        yield from _arguments(path, effect, signature)


def _arguments(path: str, effect: Effect, signature: Signature) -> Iterator[Problem]:
    given = effect.args or {}
    for name, value in given.items():
        here = f"{path}.args.{name}"
        if name in signature.entry.left_out:
            yield Problem(here, signature.entry.left_out[name])
        elif name not in signature.arguments:
            yield Problem(here, f"{effect.name} has no such argument; {_known(signature)}{_hint(name, signature)}")
        elif not signature.arguments[name].kind.fits(value):
            yield Problem(here, f"should be {signature.arguments[name].kind.words}, not {show(value)}")
    for argument in signature.arguments.values():
        if argument.required and argument.name not in given:
            yield Problem(f"{path}.args", f"{effect.name} needs {_described(argument)}")
    if (wanted := signature.entry.one_of) and not any(name in given for name in wanted):
        yield Problem(f"{path}.args", f"{effect.name} needs one of {', '.join(wanted)}")


def _known(signature: Signature) -> str:
    return f"it has {'; '.join(map(_described, signature.arguments.values())) or 'none'}"


def _hint(name: str, signature: Signature) -> str:
    return did_you_mean(name, signature.arguments)


def _described(argument: Argument) -> str:
    return f"{argument.name} ({argument.kind.words})"
