"""Files of pictures and sound, and of sound alone: one container, put together and checked."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from videojob_worker.encode.container import Layout, Pictures, write_container
from videojob_worker.encode.copy import CopiedPictures, CopiedSound
from videojob_worker.encode.sound import SoundPacketFile
from videojob_worker.encode.subtitles import SUBTITLE_CODECS
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.plan.outputs import PlannedOutput, VideoTrack
from videojob_worker.timeline.times import Timeline
from videojob_worker.verify.video import Expected, ExpectedVideo, verify_file


@dataclass(frozen=True, slots=True)
class Container:
    """What libav calls a container."""

    muxer: str
    demuxer: str


def write_media_file(
    output: PlannedOutput,
    container: Container,
    encoded: EncodedStreams,
    timeline: Timeline,
    *,
    check_cancelled: Callable[[], None],
    threads: int,
) -> None:
    """Put an output together and check it.

    Args:
        output: what is made.
        container: what it is made in.
        encoded: its streams.
        timeline: the job's.
        check_cancelled: called for each packet; may raise.
        threads: in how many its keyframes are checked.

    Raises:
        PermanentError: the result is not what was planned.
    """
    [track] = output.tracks or [None]
    layout = Layout(container.muxer, output.spec.metadata or {}, faststart=output.spec.faststart)
    sound = output.copied_sound or encoded.sound
    pictures: Pictures | CopiedPictures | None = None
    subtitles = None
    if track is not None:
        pictures = track.copied or Pictures(track.settings, encoded.packet_files[track.name])
        subtitles = encoded.subtitles
    joints = pictures.joints if pictures is not None else frozenset()
    write_container(output.path, layout, pictures, sound, subtitles, check_cancelled=check_cancelled)
    planned = expected(container.demuxer, track, joints, sound, timeline)
    if output.copied_sound is not None:
        planned = replace(planned, samples=output.copied_sound.run.samples)
    if subtitles is not None:
        planned = replace(planned, subtitle_codec=SUBTITLE_CODECS[container.muxer])
    verify_file(output.path, planned, check_cancelled, threads=threads)


def expected(
    demuxer: str,
    track: VideoTrack | None,
    joints: frozenset[int],
    sound: SoundPacketFile | CopiedSound | None,
    timeline: Timeline,
) -> Expected:
    """Say what a file of a track, whose pictures may be joined at some frames, and of sound has to be."""
    video = None
    if track is not None:
        video = ExpectedVideo(track.settings.codec, *track.size, track.rate, joints, track.settings.cut_s)
    codec = None if sound is None else sound.codec
    return Expected(demuxer, video, codec, timeline.samples)
