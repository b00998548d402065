"""`python -m hack.effects FILE`: writes the signatures of all effects of `moviepy.vfx`, for contract's catalogue.

The operator checks effects when a job is accepted, and has no MoviePy.
"""

import inspect
import json
import sys
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from moviepy import Effect, vfx  # type: ignore[import-untyped]


def signatures() -> dict[str, list[dict[str, Any]]]:
    """Return every effect's arguments, in order: name, types and default, which a required one lacks."""
    effects = {name: each for name, each in vars(vfx).items() if inspect.isclass(each) and issubclass(each, Effect)}
    return {name: [_argument(each) for each in _parameters(effects[name])] for name in sorted(effects)}


def _parameters(effect: type[Effect]) -> list[inspect.Parameter]:
    return list(inspect.signature(effect).parameters.values())


def _argument(parameter: inspect.Parameter) -> dict[str, Any]:
    argument: dict[str, Any] = {"name": parameter.name, "types": _types(parameter)}
    if parameter.default is not parameter.empty:
        argument["default"] = parameter.default
    return argument


def _types(parameter: inspect.Parameter) -> list[str]:
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return [] if parameter.default is None else [type(parameter.default).__name__]
    parts = get_args(annotation) if get_origin(annotation) is Union else (annotation,)
    return [str(getattr(part, "__name__", part)).lower() for part in parts]


def main() -> None:
    """Write them as JSON, an effect a line."""
    lines = [f"{json.dumps(name)}: {json.dumps(arguments)}" for name, arguments in signatures().items()]
    Path(sys.argv[1]).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
