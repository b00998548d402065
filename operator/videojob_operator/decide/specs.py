"""The one place where specs are read and checked, those of VideoJobs and of RenderPools.

It costs milliseconds, so callers keep the answer for as long as UID and generation stay the same.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from videojob_contract.errors import Reason
from videojob_contract.problems import SpecError, format_problems
from videojob_contract.resources.videojob import TIMELINE_FIELDS
from videojob_contract.support import unsupported, unsupported_pool
from videojob_contract.validation import parse_renderpool, parse_videojob, parse_videoschedule
from videojob_operator.decide.types import Accepted, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_contract.resources.videoschedule import VideoSchedule


def accept_videojob(raw: Mapping[str, Any]) -> Accepted[VideoJobSpec]:
    """Read and check a VideoJob's spec, without its pool.

    One that is only not supported is there all the same: a worker of another version may have it already.
    """
    try:
        spec = parse_videojob(_without_status(raw), further=lambda job: unsupported(job.spec)).spec
    except SpecError as error:
        return Accepted(None, Refusal(error.reason, error.message))
    problems = unsupported(spec)
    return Accepted(spec, Refusal(Reason.NOT_SUPPORTED, format_problems(problems)) if problems else None)


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
    return accept_videojob(json.loads(zlib.decompress(accepted.packed))).spec if accepted.packed else accepted.spec


def accept_pool(raw: Mapping[str, Any]) -> Accepted[RenderPoolSpec]:
    """Read and check a RenderPool's spec."""
    try:
        spec = parse_renderpool(_without_status(raw), further=lambda pool: unsupported_pool(pool.spec)).spec
    except SpecError as error:
        return Accepted(None, Refusal(error.reason, error.message))
    problems = unsupported_pool(spec)
    if problems:
        return Accepted(None, Refusal(Reason.NOT_SUPPORTED, format_problems(problems)))
    return Accepted(spec)


def accept_schedule(raw: Mapping[str, Any]) -> Accepted[VideoSchedule]:
    """Read and check a VideoSchedule, and the VideoJobs that it makes: the whole of it, for they are named for it."""
    try:
        return Accepted(parse_videoschedule(_without_status(raw), further=lambda job: unsupported(job.spec)))
    except SpecError as error:
        return Accepted(None, Refusal(error.reason, error.message))


def _without_status(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the status: it is read where it is needed, and changes more often than the spec."""
    return {key: value for key, value in raw.items() if key != "status"}
