"""What the schema has and this version does not do yet: refused with the field's path, and never ignored.

The schema has the whole timeline from the start, so that specs written now stay valid. To support more,
remove the check here together with the change that does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.problems import Problem
from videojob_contract.resources.object_stores import OBJECT_SCHEMES
from videojob_contract.resources.uris import VOLUME, Use, iter_uris, split_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_contract.resources.videojob import VideoJobSpec

OUTPUT_SCHEMES = (VOLUME, *OBJECT_SCHEMES)


def unsupported(spec: VideoJobSpec) -> list[Problem]:
    """Return what the renderer does not do yet of a spec, resolved or not; empty when it can be rendered."""
    problems = [
        *_whole(spec),
        *_schemes(spec),
    ]
    return list(dict.fromkeys(problems))


def unsupported_pool(spec: RenderPoolSpec) -> list[Problem]:
    """Return what this version does not do yet of a pool."""
    problems = []
    prefix = spec.storage.output_prefix
    if prefix is not None and (scheme := split_uri(prefix)[0]) not in OUTPUT_SCHEMES:
        problems.append(_not_yet("spec.storage.outputPrefix", f"writing to {scheme}://"))
    return problems


def _not_yet(path: str, what: str = "", instead: str = "") -> Problem:
    message = f"{what} is not supported yet" if what else "is not supported yet"
    return Problem(path, f"{message}; {instead}" if instead else message)


def _whole(spec: VideoJobSpec) -> Iterator[Problem]:
    if spec.parallelism != 1:
        yield _not_yet("spec.parallelism", instead="use 1")


def _schemes(spec: VideoJobSpec) -> Iterator[Problem]:
    *most, last = (f"{scheme}://" for scheme in OUTPUT_SCHEMES)
    for path, uri, use in iter_uris(spec):
        scheme, _, _ = split_uri(uri)
        if use is Use.OUTPUT and scheme not in OUTPUT_SCHEMES:
            yield _not_yet(path, f"writing to {scheme}://", f"use {', '.join(most)} or {last}")
