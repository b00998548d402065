"""A pool for one machine: folders in place of volumes, and one folder for everything that is made."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videojob_cli.object_stores import local_stores
from videojob_common.address_guard import resolve_by_system
from videojob_contract.assignment import SourceLimits
from videojob_contract.errors import VideoJobError
from videojob_contract.problems import Problem
from videojob_contract.resources.base import MAX_MOUNT_NAME, NAME_PATTERN
from videojob_contract.resources.encoding import Encoding, Hardware
from videojob_contract.resources.renderpool import MAX_VOLUMES, PoolVolume, Queue, RenderPoolSpec, Storage
from videojob_contract.resources.uris import VOLUME, Use, iter_uris, split_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from videojob_contract.resources.videojob import VideoJobSpec

OUTPUT_VOLUME = "videojob-output"
"""The volume that stands for `--out`."""
_VOLUME_NAME = rf"(?=.{{1,{MAX_MOUNT_NAME}}}$){NAME_PATTERN}"


def local_pool(
    spec: VideoJobSpec, *, allow_private_networks: bool = False, hardware: str = Hardware.NONE
) -> RenderPoolSpec:
    """Describe a pool that has the queue, the volumes and the buckets that a spec names, whatever they are.

    A name that cannot be a volume's is left to be refused, and so are those that are more than a pool has.
    """
    named = dict.fromkeys(name for _, _, name, _ in _volume_uses(spec) if re.fullmatch(_VOLUME_NAME, name))
    named.pop(OUTPUT_VOLUME, None)
    names = [OUTPUT_VOLUME, *list(named)[:MAX_VOLUMES]]
    storage = Storage(output_prefix=f"{VOLUME}://{OUTPUT_VOLUME}", allow_private_networks=allow_private_networks)
    pool = RenderPoolSpec(queues=[Queue(name=spec.queue)], encoding=Encoding(hardware=Hardware(hardware)))
    return pool.model_copy(  # without a check: it has a volume more than others, and stores that may lack something
        update={
            "volumes": [PoolVolume(name=name, source={"hostPath": {}}) for name in names],
            "storage": storage.model_copy(update={"objects": local_stores(spec, os.environ)}),
        }
    )


def read_volumes(spec: VideoJobSpec) -> list[str]:
    """Return the volumes that a spec reads, in order."""
    return list(dict.fromkeys(name for _, _, name, use in _volume_uses(spec) if use is Use.SOURCE))


@dataclass(frozen=True)
class Inspected:
    """What was found of the sources on volumes that are folders here."""

    problems: tuple[Problem, ...] = ()
    """Those that are not there, or cannot be read."""
    warnings: tuple[Problem, ...] = ()
    """What is odd in subtitles."""


def inspect_sources(spec: VideoJobSpec, volumes: Mapping[str, Path]) -> Inspected:
    """Look for the sources on these volumes, and into the subtitles among them."""
    return asyncio.run(_inspect(spec, volumes)) if volumes else Inspected()


async def _inspect(spec: VideoJobSpec, volumes: Mapping[str, Path]) -> Inspected:
    from videojob_worker.storage import volume  # noqa: PLC0415 - a spec alone is checked without the worker
    from videojob_worker.storage.base import FetchContext  # noqa: PLC0415 - the same

    context = FetchContext(volumes, SourceLimits(), Path(), resolve_by_system)
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for field, uri, name, use in _volume_uses(spec):
        if use is Use.SOURCE and name in volumes:
            try:
                fd = await volume.fetch(field, uri, context)
                try:
                    warnings += _odd_subtitles(spec, field, uri, fd)
                finally:
                    os.close(fd)
            except VideoJobError as error:
                problems.append(_problem(field, error.message))
    return Inspected(tuple(problems), tuple(warnings))


def _odd_subtitles(spec: VideoJobSpec, field: str, uri: str, fd: int) -> Iterator[Problem]:
    if spec.subtitles is None or field != "spec.subtitles.uri":
        return
    from videojob_worker.media.files.source import Source  # noqa: PLC0415 - as above
    from videojob_worker.text.reading import read_cues  # noqa: PLC0415 - the same

    source = Source(field, uri, Path(f"/dev/fd/{fd}"))
    read_cues(source, spec.subtitles.encoding)
    yield from (_problem(field, f"warning: {said.removeprefix(f'{field}: ')}") for said in source.warnings.said)


def _problem(field: str, message: str) -> Problem:
    return Problem(field, message.removeprefix(f"{field}: "))


def _volume_uses(spec: VideoJobSpec) -> Iterator[tuple[str, str, str, Use]]:
    """Yield field, URI and name of each volume that a spec uses, and for what."""
    for field, uri, use in iter_uris(spec):
        scheme, name, _ = split_uri(uri)
        if scheme == VOLUME:
            yield field, uri, name, use


def without_attributes(spec: VideoJobSpec) -> VideoJobSpec:
    """Leave out what object stores are to keep of outputs that a pool sends there: this one sends them to `--out`."""
    outputs = [
        output.model_copy(update={"object_": None}) if output.uri is None else output for output in spec.outputs or []
    ]
    return spec.model_copy(update={"outputs": outputs or None})


def redirect_outputs(spec: VideoJobSpec, job: str) -> VideoJobSpec:
    """Send every output to `--out`, as JOB/NAME.EXTENSION, wherever the spec would have it."""
    outputs = [
        output.model_copy(update={"uri": f"{VOLUME}://{OUTPUT_VOLUME}/{job}/{output.name}.{output.format.extension}"})
        for output in spec.outputs or []
    ]
    return spec.model_copy(update={"outputs": outputs})


def output_file(out: Path, uri: str) -> Path:
    """Return the file that the URI of a redirected output stands for."""
    return out / split_uri(uri)[2]


def mounts(volumes: Mapping[str, Path], out: Path) -> dict[str, Path]:
    """Return the folder of each volume."""
    return {**volumes, OUTPUT_VOLUME: out}
