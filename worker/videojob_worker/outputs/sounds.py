"""The job's sound, made once and encoded once for all outputs that ask for the same."""

from collections.abc import Callable, Iterable, Iterator

from videojob_worker.audio.decode import Decoded, decode_track
from videojob_worker.audio.mix import mix_tracks
from videojob_worker.audio.samples import Samples, to_samples
from videojob_worker.audio.track import Placement, place
from videojob_worker.encode.settings import AudioSettings
from videojob_worker.encode.sound import SoundSpool, encode_sound
from videojob_worker.project import Project

SECOND_COST = 6.0
"""Of making a second of sound, in still frames."""
ENCODED_SECOND_COST = 3.0
"""Of encoding it once."""


def sounds_cost(project: Project, settings: Iterable[AudioSettings]) -> float:
    """Predict the cost of the sound, in still frames."""
    length_s = float(project.timeline.length_s)
    return length_s * (SECOND_COST + ENCODED_SECOND_COST * len(set(settings))) if project.sounds else 0.0


def make_sounds(
    project: Project, settings: Iterable[AudioSettings], add: Callable[[float], None], stopped: Callable[[], bool]
) -> dict[AudioSettings, SoundSpool]:
    """Make and encode the sound, as each of the settings has it; empty when nothing sounds.

    Args:
        project: whose sound.
        settings: of all outputs that have sound.
        add: told of cost, as it is spent.
        stopped: asked several times a second whether to stop.

    Raises:
        PermanentError: a source cannot be used.
        CancelledError: `stopped` said so.
    """
    if not project.sounds:
        return {}
    length_s = float(project.timeline.length_s)
    tracks = []
    for index in range(len(project.sounds)):
        tracks.append(_decode(project, index, stopped))
        add(SECOND_COST * length_s / len(project.sounds))
    spools = {}
    for wanted in dict.fromkeys(settings):
        path = project.scratch / f"{wanted.encoder}-{wanted.bit_rate}.packets"
        blocks = _told(mix_tracks(tracks, project.timeline.samples), ENCODED_SECOND_COST / 48_000, add)
        spools[wanted] = encode_sound(wanted, blocks, path, stopped)
    for decoded, _ in tracks:
        decoded.path.unlink()
    return spools


def _told(blocks: Iterable[Samples], sample_cost: float, add: Callable[[float], None]) -> Iterator[Samples]:
    for block in blocks:
        yield block
        add(sample_cost * block.shape[1])


def _decode(project: Project, index: int, stopped: Callable[[], bool]) -> tuple[Decoded, Placement]:
    sound = project.sounds[index]
    track, total = sound.track, project.timeline.samples
    decoded = decode_track(
        sound.source,
        project.scratch / f"sound-{index}.f32",
        start_s=track.from_,
        end_s=track.to,
        needed=max(total - to_samples(track.offset), 0),
        stopped=stopped,
    )
    return decoded, place(track, decoded.samples, total)
