"""A VideoJob's `templateRef`: its timeline from a VideoTemplate, its parameters as that declares them.

What a template had when a VideoJob was accepted is kept with the VideoJob (`status.template`): changes of the template
are for those that come later. Parameters are put in place as values (`templates`), never as text of a manifest, so none
can add a field.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import TYPE_CHECKING, Any, Final

import re2

from videojob_contract.problems import Problem, SpecError, did_you_mean, join_path
from videojob_contract.resources.status import MAX_TEMPLATE, FixedTemplate
from videojob_contract.resources.videojob import TEMPLATED_FIELDS
from videojob_contract.resources.videotemplate import ParameterType
from videojob_contract.semantics.schedules import OWN_PARAMETERS
from videojob_contract.templates import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from videojob_contract.templates import Scalar

    Json = Mapping[str, Any]

MOST_BYTES: Final = 512 * 1024
"""Of what a template has as JSON: more than any that is valid."""
_MOST_MEMORY: Final = 1 << 20
_SHOWN: Final = 12
_STAND_INS: Final[Mapping[str, Scalar]] = {
    ParameterType.STRING: "x",
    ParameterType.NUMBER: 1,
    ParameterType.INTEGER: 1,
    ParameterType.BOOLEAN: True,
}


def name_of_template(videojob: Json) -> str | None:
    """Return the name of the VideoTemplate that a VideoJob asks for; None when it has a timeline of its own."""
    spec = videojob.get("spec")
    reference = spec.get("templateRef") if isinstance(spec, dict) else None
    name = reference.get("name") if isinstance(reference, dict) else None
    return name if isinstance(name, str) else None


def fix(template: Json) -> FixedTemplate:
    """Return what is kept of a VideoTemplate with the VideoJobs that are made from it.

    Raises:
        SpecError: it is too large.
    """
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    has = {name: spec[name] for name in ("parameters", "timeline") if name in spec}
    packed = base64.b85encode(zlib.compress(json.dumps(has, separators=(",", ":")).encode(), level=9)).decode()
    if len(packed) > MAX_TEMPLATE:
        message = f"has {len(packed) // 1024} KiB when it is compressed, and may have {MAX_TEMPLATE // 1024}"
        raise SpecError([Problem("spec", message)])
    return FixedTemplate(name=metadata.get("name", ""), generation=metadata.get("generation", 0), content=packed)


def content_of(fixed: FixedTemplate) -> dict[str, Any]:
    """Return the spec of the VideoTemplate that was fixed; an empty one when it cannot be read."""
    try:
        inflate = zlib.decompressobj()
        content = json.loads(inflate.decompress(base64.b85decode(fixed.content), MOST_BYTES))
    except (ValueError, zlib.error):
        return {}
    return content if isinstance(content, dict) else {}


def expand(
    videojob: Json, template: str, content: Json, overrides: Mapping[str, Scalar] | None = None
) -> dict[str, Any]:
    """Return a VideoJob with the timeline of its template and with every parameter.

    What it gives itself of the timeline stands in place of the template's, field by field; but for the clips.

    Args:
        videojob: as JSON has it; not changed.
        template: name of the VideoTemplate.
        content: the VideoTemplate's spec.
        overrides: parameters to have instead of those in it, or beside them.

    Raises:
        SpecError: with all that is wrong with the parameters.
    """
    spec = videojob["spec"]
    own = spec.get("parameters")
    given = {**(own if isinstance(own, dict) else {}), **(overrides or {})}
    declared = {each["name"]: each for each in _declared(content)}
    problems = [*_unknown(given, declared, template)]
    if "clips" in spec:
        problems.append(Problem("spec.clips", f'are those of VideoTemplate "{template}": leave out one of the two'))
    values = {name: value for name, value in given.items() if name in OWN_PARAMETERS}
    for name, parameter in declared.items():
        path = join_path(("spec", "parameters", name))
        value = given.get(name, parameter.get("default"))
        if value is None:
            problems.append(Problem(path, f'is required by VideoTemplate "{template}"{_described(parameter)}'))
        elif (wrong := _wrong(parameter, value)) is not None:
            problems.append(Problem(path, f"{wrong}{_described(parameter)}"))
        else:
            values[name] = _typed(parameter, value)
    if problems:
        raise SpecError(problems)
    timeline = {name: value for name, value in _timeline(content).items() if name in TEMPLATED_FIELDS}
    return {**videojob, "spec": {**timeline, **spec, "parameters": values}}


def example_of(content: Json) -> dict[str, Any]:
    """Return a VideoJob that a template makes with its defaults, and with stand-ins where it has none."""
    values = {}
    for parameter in _declared(content):
        choices = parameter.get("enum") or [_STAND_INS[parameter.get("type", ParameterType.STRING)]]
        values[parameter["name"]] = parameter.get("default", choices[0])
    values |= dict.fromkeys(OWN_PARAMETERS, "x")
    return {"metadata": {"name": "example"}, "spec": {**_timeline(content), "parameters": values}}


def check_parameters(content: Json) -> Iterator[Problem]:
    """Yield what is wrong with the declarations of parameters."""
    names = set()
    for index, parameter in enumerate(_declared(content)):
        path = f"spec.parameters[{index}]"
        if parameter["name"] in names:
            yield Problem(f"{path}.name", f'there is another "{parameter["name"]}"')
        names.add(parameter["name"])
        if "pattern" in parameter and (words := _unreadable(parameter["pattern"])) is not None:
            yield Problem(f"{path}.pattern", f"cannot be read: {words}")
            continue
        for place, value in (("default", parameter.get("default")), *_choices(parameter)):
            rules = {**parameter, "enum": None} if place != "default" else parameter
            if value is not None and (wrong := _wrong(rules, value)) is not None:
                yield Problem(f"{path}.{place}", wrong)


def _choices(parameter: Json) -> list[tuple[str, Any]]:
    return [(f"enum[{index}]", value) for index, value in enumerate(parameter.get("enum") or ())]


def _declared(content: Json) -> list[dict[str, Any]]:
    declared = content.get("parameters") or []
    return [each for each in declared if isinstance(each, dict) and isinstance(each.get("name"), str)]


def _timeline(content: Json) -> dict[str, Any]:
    timeline = content.get("timeline")
    return timeline if isinstance(timeline, dict) else {}


def _unknown(given: Json, declared: Json, template: str) -> Iterator[Problem]:
    for name in given:
        if name not in declared and name not in OWN_PARAMETERS:
            there_are = ", ".join([*declared][:_SHOWN]) + (", …" if len(declared) > _SHOWN else "")
            yield Problem(
                join_path(("spec", "parameters", name)),
                f'is no parameter of VideoTemplate "{template}", which has {there_are or "none"}'
                f"{did_you_mean(name, sorted(declared))}",
            )


def _wrong(parameter: Json, value: object) -> str | None:
    """Return what is wrong with a value, or None."""
    kind = parameter.get("type", ParameterType.STRING)
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    fits = {
        ParameterType.STRING: isinstance(value, str) or number,
        ParameterType.NUMBER: number,
        ParameterType.INTEGER: number and float(value) == int(value),  # type: ignore[arg-type,call-overload]
        ParameterType.BOOLEAN: isinstance(value, bool),
    }
    if not fits[kind]:
        return f"should be {'an' if kind == ParameterType.INTEGER else 'a'} {kind}, not {json.dumps(value)[:80]}"
    typed = _typed(parameter, value)  # type: ignore[arg-type]
    choices = parameter.get("enum")
    if choices and typed not in [_typed(parameter, each) for each in choices]:
        return f"should be one of {', '.join(as_text(each) for each in choices)[:400]}"
    pattern = parameter.get("pattern")
    if pattern is not None and isinstance(typed, str) and not _matches(pattern, typed):
        return f"should match the pattern {pattern}"
    return None


def _typed(parameter: Json, value: Scalar) -> Scalar:
    return as_text(value) if parameter.get("type", ParameterType.STRING) == ParameterType.STRING else value


def _described(parameter: Json) -> str:
    description = parameter.get("description")
    return f": {description}" if description else ""


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    return options


def _matches(pattern: str, text: str) -> bool:
    """Tell whether the whole of a text matches, in linear time; nothing does what cannot be read."""
    try:
        return re2.fullmatch(pattern, text, _options()) is not None
    except re2.error:
        return False


def _unreadable(pattern: str) -> str | None:
    try:
        re2.compile(pattern, _options())
    except re2.error as error:
        said = error.args[0] if error.args else ""
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return None
