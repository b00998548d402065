"""`{{ name }}` in a timeline: parameters are put in place before the models see it.

The whole grammar:

    {{ name }}                  a parameter of `spec.parameters`
    {{ name | default("x") }}   the same, or this when it is not given: "text", a number, true or false
    {{ job.name }}              the VideoJob's name; `job.namespace` likewise
    {{ "{{" }}                  text as it stands, for braces that are no template

A string that is nothing but one template becomes the parameter's own value, number, boolean or text; in any other,
values are written as text. What is put in place is not searched for templates again, and every result is bounded: specs
come from anyone. Keys of maps are left as they are.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from videojob_contract.problems import Problem, did_you_mean, join_path
from videojob_contract.resources.videojob import TEMPLATED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Scalar = bool | int | float | str
Path = tuple[str | int, ...]

DEFAULT_NAMESPACE = "default"
MAX_TEXT = 4096
"""Longest text that templates may make: no field takes a longer one."""
MAX_TOTAL = 1 << 20
"""Most characters that the templates of one VideoJob may make together: what the API server stores is no larger."""

_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_TEXT = r'"(?:[^"\\]|\\.)*"'
_TEMPLATE = re.compile(
    rf"""\{{\{{ \s*
    (?: (?P<text> {_TEXT})
      | (?P<name> {_NAME} (?: \.{_NAME})?)
        (?: \s* \| \s* default \s* \( \s* (?P<default> {_TEXT} | -?[0-9]+(?:\.[0-9]+)? | true | false ) \s* \) )?
    ) \s* \}}\}}""",
    re.VERBOSE,
)
_DEPTH = 16  # nothing of a timeline lies deeper
_EXCERPT = 40
_NAMES_SHOWN = 12


@dataclass(frozen=True)
class Substituted:
    """A resource whose templates have been put in place."""

    resource: dict[str, Any]
    typed: frozenset[Path] = frozenset()
    """Where one template alone gave a number or a boolean, which a field of text takes as text."""
    problems: tuple[Problem, ...] = ()
    """All templates that cannot be read, parameters that are missing or of no use, and parameters that seem misspelt:
    used by no template, and like one that was left to its default."""
    unknown: frozenset[Path] = frozenset()
    """Where a template still stands, because its value is not known."""


def substitute(resource: Mapping[str, Any], overrides: Mapping[str, Scalar] | None = None) -> Substituted:
    """Put parameters in place in the timeline of a VideoJob as JSON has it.

    Args:
        resource: the VideoJob; returned anew, not changed.
        overrides: parameters to have instead of those in it, or beside them.
    """
    spec = resource.get("spec")
    if not isinstance(spec, dict):
        return Substituted(dict(resource))
    given = spec.get("parameters")
    if given is not None and not isinstance(given, dict):
        return Substituted(dict(resource))  # the models say what it should be
    parameters = {**(given or {}), **(overrides or {})}
    bad = {name: problem for name, value in parameters.items() if (problem := _bad_parameter(name, value))}
    parameters = {name: value for name, value in parameters.items() if name not in bad}
    work = _Substitution(parameters, _builtins(resource), frozenset(bad))
    fields = {name: work.walk(spec[name], ("spec", name)) for name in TEMPLATED_FIELDS if name in spec}
    fields |= {"parameters": parameters} if parameters or bad else {}
    problems = (*bad.values(), *work.problems, *work.misspelt())
    return Substituted(
        {**resource, "spec": {**spec, **fields}}, frozenset(work.typed), problems, frozenset(work.unknown)
    )


def as_text(value: Scalar) -> str:
    """Write a value as text: `true`, `3`, `0.5`; a whole number has no fraction, as JSON knows no difference."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value)


def _builtins(resource: Mapping[str, Any]) -> dict[str, Scalar]:
    metadata = resource.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    found = {"job.name": metadata.get("name"), "job.namespace": metadata.get("namespace") or DEFAULT_NAMESPACE}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _bad_parameter(name: str, value: object) -> Problem | None:
    path = join_path(("spec", "parameters", name))
    if not re.fullmatch(_NAME, name):
        return Problem(path, "is not a parameter's name: use letters, digits, _ and -, and no digit or - at the start")
    if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
        return Problem(path, "is no value for a parameter: give text, a number, true or false")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return Problem(path, f"takes at most {MAX_TEXT} characters, and has {len(value)}")
    return None


class _BadParameterError(ValueError):
    """A template names a parameter whose value is of no use."""


@dataclass
class _Substitution:
    """One pass over one resource; notes what it meets."""

    parameters: Mapping[str, Scalar]
    builtins: Mapping[str, Scalar]
    bad: frozenset[str] = frozenset()
    """Parameters whose value is of no use: that was told, and where they are used is no problem of its own."""
    problems: list[Problem] = field(default_factory=list)
    typed: set[Path] = field(default_factory=set)
    unknown: set[Path] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    defaulted: set[str] = field(default_factory=set)
    written: int = 0

    def walk(self, value: Any, path: Path) -> Any:
        match value:
            case str() if "{{" in value and len(value) <= MAX_TEXT and self.written <= MAX_TOTAL:
                try:
                    return self._string(value, path)
                except ValueError as error:
                    self.unknown.add(path)
                    if not isinstance(error, _BadParameterError):
                        self.problems.append(Problem(join_path(path), str(error)))
            case dict() if len(path) < _DEPTH:
                return {key: self.walk(each, (*path, key)) for key, each in value.items()}
            case list() if len(path) < _DEPTH:
                return [self.walk(each, (*path, index)) for index, each in enumerate(value)]
        return value

    def misspelt(self) -> Iterable[Problem]:
        """Yield the parameters that no template uses and one left to its default may have meant.

        Others may be unused: one set of parameters serves many manifests.
        """
        for name in self.parameters.keys() - self.used:
            if hint := did_you_mean(name, sorted(self.defaulted)):
                yield Problem(join_path(("spec", "parameters", name)), f"no template uses it{hint}")

    def _string(self, text: str, path: Path) -> Scalar:
        parts: list[Scalar] = []
        end = 0
        while (start := text.find("{{", end)) >= 0:
            template = _TEMPLATE.match(text, start)
            if template is None:
                raise ValueError(_unreadable(text, start))
            value = self._value(template)
            if template.span() == (0, len(text)) and not isinstance(value, str):
                self.typed.add(path)
                return value
            parts += [text[end:start], value]
            end = template.end()
        texts = [as_text(part) for part in [*parts, text[end:]]]
        self._count(sum(len(each) for each in texts))
        return "".join(texts)

    def _value(self, template: re.Match[str]) -> Scalar:
        if template["text"] is not None:
            return _literal(template["text"])
        name = template["name"]
        if "." in name:
            if name not in self.builtins:
                raise ValueError(f"{{{{ {name} }}}} is not known; there are {' and '.join(self.builtins)}")
            return self.builtins[name]
        self.used.add(name)
        if name in self.bad:
            raise _BadParameterError(name)
        default = None if template["default"] is None else _literal(template["default"])
        if name in self.parameters:
            return self.parameters[name]
        if default is None:
            raise ValueError(_missing(name, sorted(self.parameters)))
        self.defaulted.add(name)
        return default

    def _count(self, length: int) -> None:
        self.written += length
        if length > MAX_TEXT:
            raise ValueError(f"has {length} characters once its templates are put in place; {MAX_TEXT} are the most")
        if self.written > MAX_TOTAL:
            raise ValueError("is too much: the templates of this VideoJob make more than 1 MiB of text together")


def _literal(text: str) -> Scalar:
    try:
        value: Scalar = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{_cut(text)} is no text as JSON has it: escape \\ and other characters with \\") from error
    return value


def _missing(name: str, known: list[str]) -> str:
    shown = ", ".join(known[:_NAMES_SHOWN]) + (", …" if len(known) > _NAMES_SHOWN else "")
    hint = did_you_mean(name, known)
    return f'needs the parameter "{name}", which spec.parameters has not; it has {shown or "none"}{hint}'


def _unreadable(text: str, start: int) -> str:
    end = text.find("}}", start)
    said = _cut(text[start : end + 2] if end >= 0 else text[start:])
    return (
        f"{said} is not a template: write {{{{ name }}}} or {{{{ name | default(…) }}}}, "
        'or {{ "{{" }} for the braces themselves'
    )


def _cut(text: str) -> str:
    return text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 1]}…"
