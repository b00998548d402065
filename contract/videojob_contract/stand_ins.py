"""Finding what else is wrong with a resource, past what is known to be: valid values stand in for wrong ones.

Each wrong value is replaced twice, by two values as unlike as its field takes; a problem that is there both times
does not come from them, and is told. So nobody has to mend a file one kind of problem at a time.
"""

from __future__ import annotations

import copy
import json
import re
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from videojob_contract.problems import from_validation, models_at, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from videojob_contract.problems import Problem
    from videojob_contract.resources.base import Model

_Resource = TypeVar("_Resource", bound="Model")
_Steps = tuple[str | int, ...]

_ROUNDS = 4
"""How often what shows only once something else was replaced is replaced in its turn."""
_ENOUGH = 200
"""So many problems are enough to mend first: specs come from anyone, and to look for more costs as much as they are."""
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
# The first that a field takes stands in. Between them are one of each scalar type, and of each model what it requires.
_ONE: tuple[Any, ...] = (
    False, 0, 1, 16, "1ms", "1", "#000000", "volume://a/a", "a", "1k", "aaa", "1Mi", "2000-01-01T00:00:00Z", {}, [],
    {"color": "#000000", "duration": "1ms"}, {"uri": "volume://a/a"}, {"image": {"uri": "volume://a/a"}},
    {"name": "a", "format": "mp4"}, {"name": "a"}, {"name": "a", "source": {}}, {"text": "a"}, {"type": "fade"},
    {"colors": ["#000000", "#000000"]}, ["#000000", "#000000"], [{"color": "#000000", "duration": "1ms"}],
    [{"uri": "volume://a/a"}], [{"name": "a", "format": "mp4"}], "a/a", "aaa", "https://a",
    {"name": "a", "provider": "s3", "bucket": "aaa"}, {"algorithm": "AES256"}, {"publicBase": "https://a"},
)  # fmt: skip
_OTHER: tuple[Any, ...] = (
    True, 8192, 5000, 256, 100, 20, 10, 2, 1, "1000h", "240", "#ffffff", "volume://b/b", "b", "900M", "bbb", "9Ti",
    "2900-01-01T00:00:00Z", {"video": {"uri": "volume://b/b"}}, {"uri": "volume://b/b"},
    {"name": "b", "format": "png"}, {"name": "b"}, {"name": "b", "source": {"emptyDir": {}}}, {"text": "b"},
    {"type": "crossfade"}, {"colors": ["#ffffff", "#ffffff"]}, ["#ffffff", "#ffffff"],
    [{"video": {"uri": "volume://b/b"}}], [{"uri": "volume://b/b"}], [{"name": "b", "format": "png"}], {}, [],
    "b/b", "https://b", {"name": "b", "provider": "gs", "bucket": "bbb"}, {"algorithm": "aws:kms"},
    {"presignedFor": "1h"},
)  # fmt: skip


def problems_beside(
    model: type[_Resource],
    document: dict[str, Any],
    wrong: Collection[str],
    check: Callable[[_Resource], Iterable[Problem]],
) -> list[Problem]:
    """Return what is wrong with a resource beside what is known to be.

    Args:
        model: of the resource.
        document: the resource as JSON has it; not changed.
        wrong: paths of the values that are known to be wrong, such as `spec.clips[2].duration`.
        check: finds the problems of meaning in a resource of sound structure.
    """
    if len(wrong) > _ENOUGH:
        return []
    one, other = (_Replacement(model, copy.deepcopy(document), by_other) for by_other in (False, True))
    others = set(other.find(wrong, check))
    return [problem for problem in one.find(wrong, check) if problem in others]


class _Replacement:
    """A document of which everything wrong is replaced, from one of the two lots of values."""

    def __init__(self, model: type[Model], document: dict[str, Any], by_other: bool) -> None:  # noqa: FBT001 - which of two
        self._model = model
        self._document = document
        self._by_other = by_other
        self._replaced: set[_Steps] = set()
        self._robbed: set[_Steps] = set()
        """Objects that lost a field: that they lack something may come from that."""

    def find(self, wrong: Iterable[str], check: Callable[[Any], Iterable[Problem]]) -> list[Problem]:
        """Return the problems that come to light."""
        found: list[Problem] = []
        for _ in range(_ROUNDS):
            for path in wrong:
                self._replace(_steps(path))
            text = json.dumps(self._document)
            try:
                resource = self._model.model_validate_json(text, strict=True, by_alias=True, by_name=False)
            except ValidationError as error:
                problems = from_validation(error, self._document, self._model)
                found += self._told(problems)
                if len(problems) > _ENOUGH:
                    break
                wrong = [problem.path for problem in problems]
            else:
                return [*found, *self._told(check(resource))]
        return found

    def _told(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        for problem in problems:
            steps = _steps(problem.path)
            beneath = any(steps[:length] in self._replaced for length in range(1, len(steps) + 1))
            if not beneath and steps not in self._robbed:
                yield problem

    def _replace(self, steps: _Steps) -> None:
        *parents, last = steps
        holder: Any = self._document
        self._replaced.add(steps)
        try:
            for step in parents:
                holder = holder[step]
            item = tuple(0 if isinstance(step, int) else step for step in steps)  # all items of a list are of one type
            value = _value(self._model, item, self._by_other)
            if value is not None:
                holder[last] = json.loads(value)
            else:
                self._drop(holder, steps)
        except (LookupError, TypeError, AttributeError):
            return  # a key with a dot in it, or all around it has been replaced

    def _drop(self, holder: Any, steps: _Steps) -> None:
        *parents, last = steps
        self._robbed.add(tuple(parents))
        if isinstance(holder, list):
            holder.clear()  # the others must not move up to another one's path
            return
        value = holder.pop(last)
        if (meant := suggestion(steps, self._model)) is not None:
            holder.setdefault(meant, value)


def _steps(path: str) -> _Steps:
    return tuple(int(index) if index else name for name, index in _STEP.findall(path))


@lru_cache(maxsize=1024)
def _value(model: type[Model], steps: _Steps, by_other: bool) -> str | None:  # noqa: FBT001 - which of two lots
    """Return as JSON what stands in for the value at a path; None where nothing is known that would do."""
    for annotation in _annotations(model, steps):
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        choices = list(_choices(annotation))
        for value in [*reversed(choices), *_OTHER] if by_other else [*choices, *_ONE]:
            text = json.dumps(value)
            try:
                adapter.validate_json(text, strict=True)
            except ValidationError:
                continue
            return text
    return None


def _annotations(model: type[Model], steps: _Steps) -> Iterator[Any]:
    *parents, last = steps
    if isinstance(last, int):
        for annotation in _annotations(model, tuple(parents)):
            yield from _items(annotation)
        return
    for each in models_at(parents, model):
        for field in each.model_fields.values():
            if field.alias == last:
                yield Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _items(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is list:
        yield get_args(annotation)[0]
        return
    for argument in get_args(annotation):
        yield from _items(argument)


def _choices(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (member.value for member in annotation)
    else:
        for argument in get_args(annotation):
            yield from _choices(argument)
