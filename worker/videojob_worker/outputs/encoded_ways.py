"""How pictures are encoded, in words."""

from collections.abc import Iterator

from videojob_contract.resources.outputs import Quality
from videojob_worker.plan.outputs import PlannedOutput


def encoded_ways(output: PlannedOutput) -> Iterator[str]:
    """Say how the pictures of an output are encoded, and how good."""
    settings = output.tracks[0].settings
    if settings.needs_whole:
        passes = "two passes" if settings.two_pass else "one pass"
        yield f"{passes} of one encoder over the whole, which has bits to share out"
    else:
        yield "segments side by side, joined without encoding again"
    if output.spec.crf is not None:
        yield f"crf {output.spec.crf}"
    elif output.spec.bitrate is not None:
        yield f"bitrate {output.spec.bitrate}"
    else:
        yield f"quality {output.spec.quality or Quality.STANDARD}"
