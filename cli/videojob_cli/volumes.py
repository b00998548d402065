"""A pool for one machine: folders in place of volumes, and one folder for everything that is made."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from videojob_common.address_guard import resolve_by_system
from videojob_contract.assignment import SourceLimits
from videojob_contract.errors import VideoJobError
from videojob_contract.problems import Problem
from videojob_contract.resources.base import NAME_PATTERN
from videojob_contract.resources.encoding import Encoding, Hardware
from videojob_contract.resources.renderpool import PoolVolume, Queue, RenderPoolSpec, Storage
from videojob_contract.resources.uris import VOLUME, Use, iter_uris, split_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from videojob_contract.resources.videojob import VideoJobSpec

OUTPUT_VOLUME = "videojob-output"
"""The volume that stands for `--out`."""


def local_pool(
    spec: VideoJobSpec, *, allow_private_networks: bool = False, hardware: str = Hardware.NONE
) -> RenderPoolSpec:
    """Describe a pool that has the queue and the volumes that a spec names, whatever they are.

    A name that cannot be a volume's is left to be refused.
    """
    named = {name for name, _ in _volume_uses(spec) if re.fullmatch(NAME_PATTERN, name)}
    return RenderPoolSpec(
        queues=[Queue(name=spec.queue)],
        volumes=[PoolVolume(name=name, source={"hostPath": {}}) for name in sorted(named | {OUTPUT_VOLUME})],
        storage=Storage(output_prefix=f"{VOLUME}://{OUTPUT_VOLUME}", allow_private_networks=allow_private_networks),
        encoding=Encoding(hardware=Hardware(hardware)),
    )


def read_volumes(spec: VideoJobSpec) -> list[str]:
    """Return the volumes that a spec reads, in order."""
    return list(dict.fromkeys(name for name, use in _volume_uses(spec) if use is Use.SOURCE))


def unreadable(spec: VideoJobSpec, volumes: Mapping[str, Path]) -> list[Problem]:
    """Return which sources on these volumes are not there, or cannot be read."""
    return asyncio.run(_unreadable(spec, volumes)) if volumes else []


async def _unreadable(spec: VideoJobSpec, volumes: Mapping[str, Path]) -> list[Problem]:
    from videojob_worker.storage import volume  # noqa: PLC0415 - a spec alone is checked without the worker
    from videojob_worker.storage.base import FetchContext  # noqa: PLC0415 - the same

    context = FetchContext(volumes, SourceLimits(), Path(), resolve_by_system)
    problems = []
    for field, uri, use in iter_uris(spec):
        if use is Use.SOURCE and split_uri(uri)[0] == VOLUME and split_uri(uri)[1] in volumes:
            try:
                os.close(await volume.fetch(field, uri, context))
            except VideoJobError as error:
                problems.append(Problem(field, error.message.removeprefix(f"{field}: ")))
    return problems


def _volume_uses(spec: VideoJobSpec) -> Iterator[tuple[str, Use]]:
    for _, uri, use in iter_uris(spec):
        scheme, name, _ = split_uri(uri)
        if scheme == VOLUME:
            yield name, use


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
