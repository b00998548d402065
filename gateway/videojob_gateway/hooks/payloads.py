"""What is in a payload: whether a delivery counts, and the values that a template's parameters have of it. Pure.

Of JSONPath (RFC 9535) names, indexes and `[*]` are followed: from the top down, so however a payload is made, finding
something takes no longer than reading it did.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from videojob_contract.problems import Problem
from videojob_contract.templates import as_text
from videojob_gateway.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.datastructures import Headers

    from videojob_contract.resources.videohook import HookFilters, HookParameter
    from videojob_contract.templates import Scalar

LONGEST_VALUE: Final = 4096
"""Characters of a parameter."""
_STEP: Final = re.compile(r'\.(?P<name>\w+)|\["(?P<quoted>[^"]+)"\]|\[(?P<index>\d+)\]|\[\*\]')
_SHOWN: Final = 60


def values_at(path: str, payload: Any) -> list[Any]:
    """Return all that a path leads to, in order."""
    found = [payload]
    for step in _STEP.finditer(path):
        name, index = step["name"] or step["quoted"], step["index"]
        if name is not None:
            found = [node[name] for node in found if isinstance(node, dict) and name in node]
        elif index is not None:
            found = [node[int(index)] for node in found if isinstance(node, list) and int(index) < len(node)]
        else:
            found = [child for node in found for child in _children(node)]
    return found


def why_ignored(filters: HookFilters, headers: Headers, payload: Any) -> str:
    """Return why a delivery makes no VideoJob; empty when it does."""
    for header in filters.headers:
        if not set(headers.getlist(header.name)) & set(header.values):
            return f"the header {header.name} is not {_choice(header.values)}"
    for wanted in filters.payload:
        found = values_at(wanted.path, payload)
        if wanted.values is None:
            if all(value is None for value in found):
                return f"nothing is at {wanted.path}"
        elif not any(_is_same(value, each) for value in found for each in wanted.values):
            return f"what is at {wanted.path} is not {_choice([as_text(each) for each in wanted.values])}"
    return ""


def parameters_of(parameters: Sequence[HookParameter], payload: Any) -> dict[str, Scalar]:
    """Return the values of a template's parameters.

    Raises:
        InvalidRequestError: for all that have none, or one that cannot be theirs.
    """
    values: dict[str, Scalar] = {}
    problems = []
    for index, parameter in enumerate(parameters):
        value, wrong = _value_of(parameter, payload)
        if value is None:
            problems.append(Problem(f"spec.job.parameters[{index}]", f"{parameter.name} {wrong}"))
        else:
            values[parameter.name] = value
    if problems:
        raise InvalidRequestError(problems)
    return values


def _value_of(parameter: HookParameter, payload: Any) -> tuple[Scalar | None, str]:
    """Return a value, or what is wrong with it."""
    found = [each for each in values_at(parameter.path, payload) if each is not None] if parameter.path else []
    if not found:
        return parameter.value, f"has no value: the payload has nothing at {parameter.path}"
    if len(found) > 1:
        return None, f"has one value, and the payload has {len(found)} at {parameter.path}"
    (value,) = found
    if not isinstance(value, str | int | float):
        return None, f"is a text, a number or a boolean, and the payload has another thing at {parameter.path}"
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return None, f"has at most {LONGEST_VALUE} characters, and the payload has {len(value)} at {parameter.path}"
    return value, ""


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node


def _is_same(value: Any, wanted: Scalar) -> bool:
    """Compare as JSON does: true is not 1."""
    return isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)


def _choice(values: Sequence[str]) -> str:
    shown = [value if len(value) <= _SHOWN else f"{value[: _SHOWN - 1]}…" for value in values]
    return shown[0] if len(shown) == 1 else f"one of {', '.join(shown)}"
