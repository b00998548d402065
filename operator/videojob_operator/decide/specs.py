"""The one place where specs are read and checked, those of VideoJobs and of RenderPools.

It costs milliseconds, so callers keep the answer for as long as UID and generation stay the same.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from videojob_contract.errors import Reason
from videojob_contract.problems import SpecError, format_problems
from videojob_contract.pruning import prune
from videojob_contract.resources.renderpool import RenderPool
from videojob_contract.resources.status import FixedTemplate
from videojob_contract.resources.videojob import TIMELINE_FIELDS, VideoJob
from videojob_contract.resources.videoschedule import VideoSchedule
from videojob_contract.support import unsupported, unsupported_pool
from videojob_contract.template_refs import name_of_template
from videojob_contract.validation import parse_renderpool, parse_videojob, parse_videoschedule
from videojob_contract.version import __version__
from videojob_operator.decide.types import Accepted, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from videojob_contract.resources.base import Model
    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_contract.resources.videojob import VideoJobSpec

Read = TypeVar("Read")
_MOST_NAMED = 10
"""So many fields are named in a message."""


def accept_videojob(raw: Mapping[str, Any], current: FixedTemplate | None = None) -> Accepted[VideoJobSpec]:
    """Read and check a VideoJob's spec, without its pool.

    One that is only not supported is there all the same: a worker of another version may have it already.

    Args:
        raw: as the API server has it.
        current: the VideoTemplate that its `templateRef` names, as it is now; what its status has of it is before that.
    """
    name = name_of_template(raw)
    template = None if name is None else template_of(raw) or current
    if name is not None and template is None:
        return Accepted(None, missing_template=name)
    parse = partial(parse_videojob, template=template, further=lambda job: unsupported(job.spec))
    try:
        job, left_out = _parse_known(raw, VideoJob, parse)
    except SpecError as error:
        return Accepted(None, Refusal(error.reason, error.message), template=template)
    problems = unsupported(job.spec)
    refusal = Refusal(Reason.NOT_SUPPORTED, format_problems(problems)) if problems else None
    return Accepted(job.spec, refusal, template=template, left_out=left_out)


def template_of(raw: Mapping[str, Any]) -> FixedTemplate | None:
    """Return what a VideoJob's status has of its VideoTemplate."""
    try:
        return FixedTemplate.model_validate((raw.get("status") or {}).get("template"), extra="ignore")
    except ValidationError:
        return None


def pack_spec(accepted: Accepted[VideoJobSpec], raw: Mapping[str, Any]) -> Accepted[VideoJobSpec]:
    """Return the same with the timeline as compressed text: read, it takes some five times the bytes of its JSON.

    What is left of `spec` is all that decisions need until the attempt is enqueued again.
    """
    if accepted.spec is None or accepted.packed:
        return accepted
    packed = zlib.compress(json.dumps(_without_status(raw), separators=(",", ":")).encode(), level=1)
    rest = accepted.spec.model_copy(update=dict.fromkeys(set(TIMELINE_FIELDS) - {"outputs"}))
    return replace(accepted, spec=rest, packed=packed)


def whole(accepted: Accepted[VideoJobSpec]) -> VideoJobSpec | None:
    """Return the spec with its timeline."""
    if not accepted.packed:
        return accepted.spec
    return accept_videojob(json.loads(zlib.decompress(accepted.packed)), accepted.template).spec


def accept_pool(raw: Mapping[str, Any]) -> Accepted[RenderPoolSpec]:
    """Read and check a RenderPool's spec."""
    parse = partial(parse_renderpool, further=lambda pool: unsupported_pool(pool.spec))
    try:
        pool, left_out = _parse_known(raw, RenderPool, parse)
    except SpecError as error:
        return Accepted(None, Refusal(error.reason, error.message))
    problems = unsupported_pool(pool.spec)
    if problems:
        return Accepted(None, Refusal(Reason.NOT_SUPPORTED, format_problems(problems)))
    return Accepted(pool.spec, left_out=left_out)


def accept_schedule(raw: Mapping[str, Any]) -> Accepted[VideoSchedule]:
    """Read and check a VideoSchedule, and the VideoJobs that it makes: the whole of it, for they are named for it."""
    parse = partial(parse_videoschedule, further=lambda job: unsupported(job.spec))
    try:
        schedule, left_out = _parse_known(raw, VideoSchedule, parse)
    except SpecError as error:
        return Accepted(None, Refusal(error.reason, error.message))
    return Accepted(schedule, left_out=left_out)


def _parse_known(
    raw: Mapping[str, Any], model: type[Model], parse: Callable[[Mapping[str, Any]], Read]
) -> tuple[Read, str]:
    """Read a resource; if that fails, without the fields of a later version, and say which those were.

    Raises:
        SpecError: it fails without them, too.
    """
    document = _without_status(raw)
    try:
        return parse(document), ""
    except SpecError:
        known, left_out = prune(document, model)
        if not left_out:
            raise
    named = ", ".join(left_out[:_MOST_NAMED]) + (", ..." if len(left_out) > _MOST_NAMED else "")
    return parse(known), f"left out, as operator {__version__} does not know them: {named}"


def _without_status(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the status: it is read where it is needed, and changes more often than the spec."""
    return {key: value for key, value in raw.items() if key != "status"}
