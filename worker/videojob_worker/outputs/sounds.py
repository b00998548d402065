"""The job's sound, made once and encoded once for all outputs that ask for the same."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from videojob_worker.audio.soundtrack import open_soundtrack
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.encode.settings import AudioSettings
from videojob_worker.encode.sound import SoundPacketFile, encode_sound
from videojob_worker.media.sound.samples import Samples
from videojob_worker.plan.render_plan import RenderPlan

_SECOND_COST = 6.0
"""Of making a second of sound, in the unit of `timeline/cost.py`."""
_ENCODED_SECOND_COST = 3.0
"""Of encoding it once."""


def sounds_cost(plan: RenderPlan, settings: Iterable[AudioSettings]) -> float:
    """Predict the cost of the sound, in the unit of `timeline/cost.py`."""
    kinds = len(set(settings))
    if not kinds or not plan.sounds:
        return 0.0
    return float(plan.timeline.length_s) * (_SECOND_COST + _ENCODED_SECOND_COST * kinds)


def make_sounds(
    plan: RenderPlan, settings: Iterable[AudioSettings], add: Callable[[float], None], stopped: Callable[[], bool]
) -> dict[AudioSettings, SoundPacketFile]:
    """Make and encode the sound, as each of the settings has it; empty when nothing sounds.

    Args:
        plan: whose sound.
        settings: of all outputs that have sound.
        add: told of cost, as it is spent.
        stopped: asked several times a second whether to stop.

    Raises:
        PermanentError: a source cannot be used.
        CancelledError: `stopped` said so.
    """
    whole, told = _SECOND_COST * float(plan.timeline.length_s), 0.0

    def advance(share: float) -> None:
        nonlocal told
        add(whole * (share - told))
        told = share

    soundtrack = open_soundtrack(
        plan.sounds,
        plan.timeline,
        loudness=plan.loudness,
        folder=plan.scratch,
        cancelled=stopped,
        on_progress=advance,
    )
    if soundtrack is None:
        return {}
    packet_files = {}
    with closing(soundtrack):
        for wanted in dict.fromkeys(settings):
            path = plan.scratch / f"{wanted.encoder}-{wanted.bit_rate}.packets"
            packet_files[wanted] = encode_sound(wanted, _counted(soundtrack.blocks(), add), path, stopped)
    return packet_files


def _counted(blocks: Iterable[Samples], add: Callable[[float], None]) -> Iterator[Samples]:
    for block in blocks:
        yield block
        add(_ENCODED_SECOND_COST * block.shape[1] / SAMPLE_RATE)
