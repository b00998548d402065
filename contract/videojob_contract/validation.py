"""Reading resources: from what the API server or a file has to models, or to every problem at once.

The same checks run in the operator and at the command line. Those that need the pool are made where defaults
are filled in (`defaults`), those of what the renderer cannot do yet in `support`.
"""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from videojob_contract.problems import Problem, SpecError, from_validation, join_path
from videojob_contract.resources.base import MAX_VIDEOJOB_NAME, Model
from videojob_contract.resources.renderpool import RenderPool
from videojob_contract.resources.status import FixedTemplate
from videojob_contract.resources.videohook import VideoHook
from videojob_contract.resources.videojob import TEMPLATED_FIELDS, TIMELINE_FIELDS, VideoJob
from videojob_contract.resources.videoschedule import VideoSchedule
from videojob_contract.resources.videotemplate import VideoTemplate
from videojob_contract.semantics import check
from videojob_contract.semantics.pools import check_renderpool
from videojob_contract.semantics.schedules import check_recurrence, videojob_of
from videojob_contract.stand_ins import problems_beside
from videojob_contract.template_refs import check_parameters, content_of, example_of, expand, fix, name_of_template
from videojob_contract.templates import Substituted, as_text, substitute

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from videojob_contract.templates import Path, Scalar

__all__ = [
    "Problem",
    "SpecError",
    "parse_renderpool",
    "parse_videohook",
    "parse_videojob",
    "parse_videoschedule",
    "parse_videotemplate",
]

MAX_SPEC_BYTES = 256 * 1024
"""Longest spec as compact JSON, without defaults; `kubectl apply`, which keeps a copy in an annotation, takes no longer
one either."""

_MOST_DEFAULTS_BYTES = 256 * 1024
"""More than the API server adds of these: what was accepted without them is accepted with them."""

_ANY_CLIP = {"color": "#000000", "duration": "1s"}
_ANY_TIME = datetime(2024, 1, 1, tzinfo=UTC)

_Resource = TypeVar("_Resource", bound=Model)


def parse_videojob(
    resource: Mapping[str, Any],
    parameters: Mapping[str, Scalar] | None = None,
    *,
    template: FixedTemplate | None = None,
    further: Callable[[VideoJob], Iterable[Problem]] | None = None,
) -> VideoJob:
    """Read a VideoJob, with its templates put in place.

    Its status is read when it can be: it is the operator's own, and what another version of the operator
    wrote there is no fault of the job's.

    Args:
        resource: as the API server or a file has it.
        parameters: values for templates, before those of the resource.
        template: what its `templateRef` names, as it is now; the one in its status is before that.
        further: a check that the caller makes of what is returned; what it finds in a job that is refused is told
            with the rest.

    Raises:
        SpecError: that it is too large, or with all problems: of its templates, of structure, and of meaning.
    """

    def own(job: VideoJob) -> list[Problem]:
        return [*_name(job), *check(job.spec)]

    document = _as_json(resource)
    _check_size(document.get("spec"), MAX_SPEC_BYTES + _MOST_DEFAULTS_BYTES)
    if (name := name_of_template(document)) is not None:
        document = _from_template(document, name, template, parameters)
    substituted = substitute(document, parameters)
    if not substituted.problems:
        _check_size(substituted.resource.get("spec"), MAX_SPEC_BYTES + _MOST_DEFAULTS_BYTES)
    job = _parse(VideoJob, substituted, own, further)
    _check_size(job.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True), MAX_SPEC_BYTES)
    _check(job, own, further)
    return job


def parse_renderpool(
    resource: Mapping[str, Any], *, further: Callable[[RenderPool], Iterable[Problem]] | None = None
) -> RenderPool:
    """Read a RenderPool; its status, and `further`, as in `parse_videojob`.

    Raises:
        SpecError: with all problems.
    """

    def own(pool: RenderPool) -> list[Problem]:
        return list(check_renderpool(pool.spec))

    pool = _parse(RenderPool, Substituted(_as_json(resource)), own, further)
    _check(pool, own, further)
    return pool


def parse_videoschedule(
    resource: Mapping[str, Any], *, further: Callable[[VideoJob], Iterable[Problem]] | None = None
) -> VideoSchedule:
    """Read a VideoSchedule; its status as in `parse_videojob`, and `further` of the VideoJobs that it makes.

    Raises:
        SpecError: with all problems, those of its template included.
    """

    def own(schedule: VideoSchedule) -> list[Problem]:
        return [*check_recurrence(schedule.spec), *_template_problems(schedule, further)]

    schedule = _parse(VideoSchedule, Substituted(_as_json(resource)), own, None)
    _check(schedule, own, None)
    return schedule


def parse_videotemplate(
    resource: Mapping[str, Any], *, further: Callable[[VideoJob], Iterable[Problem]] | None = None
) -> VideoTemplate:
    """Read a VideoTemplate; `further` of a VideoJob that it makes, if it has a default for each parameter.

    Raises:
        SpecError: with all problems that show before values are given.
    """

    def own(_: VideoTemplate) -> list[Problem]:
        return [*check_parameters(content), *_timeline_problems(content, further)]

    document = _as_json(resource)
    content = spec if isinstance(spec := document.get("spec"), dict) else {}
    _check_size(content, MAX_SPEC_BYTES + _MOST_DEFAULTS_BYTES)
    template = _parse(VideoTemplate, Substituted(document), own, None)
    _check(template, own, None)
    fix(document)
    return template


def parse_videohook(resource: Mapping[str, Any]) -> VideoHook:
    """Read a VideoHook.

    Raises:
        SpecError: with all problems.
    """
    return _parse(VideoHook, Substituted(_as_json(resource)), lambda _: [], None)


def _timeline_problems(
    content: Mapping[str, Any], further: Callable[[VideoJob], Iterable[Problem]] | None
) -> list[Problem]:
    """Return what is wrong with a timeline: all, with every default; else which parameters it lacks."""
    unknown = set(content["timeline"]) - set(TEMPLATED_FIELDS)
    if unknown:
        return [Problem(f"spec.timeline.{name}", "is no field of a timeline") for name in sorted(unknown)]
    example = example_of(content)
    if all("default" in parameter for parameter in content.get("parameters") or ()):
        problems = _problems_of(example, further)
    else:
        problems = substitute(example).problems
    return [Problem(problem.path.replace("spec.", "spec.timeline.", 1), problem.message) for problem in problems]


def _from_template(
    document: dict[str, Any], name: str, current: FixedTemplate | None, parameters: Mapping[str, Scalar] | None
) -> dict[str, Any]:
    """Return a VideoJob with its timeline from its template.

    Raises:
        SpecError: there is none, or its parameters are wrong.
    """
    status = document.get("status")
    try:
        fixed = FixedTemplate.model_validate(
            (status if isinstance(status, dict) else {}).get("template"), extra="ignore"
        )
    except ValidationError:
        fixed = None
    fixed = fixed or current
    if fixed is None:
        raise SpecError([Problem("spec.templateRef.name", f'there is no VideoTemplate "{name}"')])
    return expand(document, name, content_of(fixed), parameters)


def _problems_of(made: Mapping[str, Any], further: Callable[[VideoJob], Iterable[Problem]] | None) -> Iterable[Problem]:
    """Return what is wrong with a VideoJob that something else makes, and `further` of it."""
    try:
        job = parse_videojob(made, further=further)
    except SpecError as error:
        return error.problems
    return further(job) if further else ()


def _template_problems(
    schedule: VideoSchedule, further: Callable[[VideoJob], Iterable[Problem]] | None
) -> list[Problem]:
    made = videojob_of(schedule, _ANY_TIME)
    if name_of_template(made) is not None:  # which is looked at when each is made
        rest = {name: value for name, value in made["spec"].items() if name not in TIMELINE_FIELDS}
        made = {**made, "spec": {**rest, "clips": [_ANY_CLIP]}}
    return [
        Problem(f"spec.template.{problem.path}", problem.message)
        for problem in _problems_of(made, further)
        if not problem.path.startswith("metadata.")
    ]


def _check(
    resource: _Resource,
    own: Callable[[_Resource], list[Problem]],
    further: Callable[[_Resource], Iterable[Problem]] | None,
) -> None:
    problems = own(resource)
    if problems:
        raise SpecError([*problems, *(further(resource) if further else ())])


def _parse(
    model: type[_Resource],
    substituted: Substituted,
    own: Callable[[_Resource], list[Problem]],
    further: Callable[[_Resource], Iterable[Problem]] | None,
) -> _Resource:
    """Read a resource whose structure is sound; what is told of any other has all that is wrong with it."""

    def check_all(resource: _Resource) -> list[Problem]:
        return [*own(resource), *(further(resource) if further else ())]

    document = dict(substituted.resource)
    status = document.pop("status", None)
    if substituted.problems:
        wrong = [join_path(path) for path in substituted.unknown | substituted.typed]
        beside = problems_beside(model, document, wrong, check_all)
        raise SpecError([*substituted.problems, *beside])
    document, parsed = _validate_typed(model, document, substituted.typed)
    if isinstance(parsed, list):
        beside = problems_beside(model, document, [problem.path for problem in parsed], check_all)
        raise SpecError([*parsed, *beside])
    if not status:
        return parsed
    try:
        return model.model_validate_json(json.dumps(document | {"status": status}), extra="ignore")
    except ValidationError:
        return parsed


def _validate_typed(
    model: type[_Resource], document: dict[str, Any], typed: Collection[Path]
) -> tuple[dict[str, Any], _Resource | list[Problem]]:
    """Read a document, in which a field of text takes what templates gave as text.

    Returns:
        the document as it was read, and what it is, or what is wrong with its structure.
    """
    try:
        return document, _validate(model, document)
    except ValidationError as error:
        problems = {problem.path: problem for problem in from_validation(error, document, model)}
    as_texts = [path for path in typed if join_path(path) in problems]
    if not as_texts:
        return document, list(problems.values())
    document = _with_texts(document, as_texts)
    try:
        return document, _validate(model, document)
    except ValidationError as error:
        left = from_validation(error, document, model)
        # Of a value that is wrong either way, what is said is about the value that was given.
        return document, [problems.get(problem.path, problem) for problem in left]


def _validate(model: type[_Resource], document: Mapping[str, Any]) -> _Resource:
    # By way of JSON, in which "strict" means what it means to the API server: "3" is no number, and every key is text.
    return model.model_validate_json(json.dumps(document), strict=True, by_alias=True, by_name=False)


def _with_texts(document: dict[str, Any], paths: Collection[Path]) -> dict[str, Any]:
    """Return the document with what stands at the paths written as text: a field of text takes a number as that."""
    if not paths:
        return document
    document = copy.deepcopy(document)
    for *parents, last in paths:
        holder: Any = document
        for part in parents:
            holder = holder[part]
        holder[last] = as_text(holder[last])
    return document


def _as_json(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON would have of it: copies, keys that are text, and times as text."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(document), default=_jsonable))
    except (TypeError, ValueError, RecursionError) as error:
        # YAML has more than JSON: keys of any type, bytes, and anchors within themselves.
        raise SpecError([Problem("resource", f"cannot be written as JSON: {error}")]) from error
    return plain


def _check_size(spec: object, most: int) -> None:
    """Refuse a spec of megabytes: it would be kept by the API server, the operator and Redis, and for each attempt."""
    size = len(json.dumps(spec, separators=(",", ":"), ensure_ascii=False).encode(errors="replace"))
    if size > most:
        message = (
            f"has {size // 1024} KiB as JSON, and may have {MAX_SPEC_BYTES // 1024}: put long texts "
            "into a file of subtitles, or render parts by themselves and join their videos"
        )
        raise SpecError([Problem("spec", message)])


def _name(job: VideoJob) -> Iterator[Problem]:
    name = job.metadata.get("name", "")
    if not isinstance(name, str):
        yield Problem("metadata.name", f"should be a string, not {json.dumps(name)}")
    elif len(name) > MAX_VIDEOJOB_NAME:
        yield Problem("metadata.name", f"must have at most {MAX_VIDEOJOB_NAME} characters")


def _jsonable(value: object) -> str:
    """Write the times that YAML makes of unquoted text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be part of a resource")
