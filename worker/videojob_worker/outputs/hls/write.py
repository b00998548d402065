"""Puts an HLS output together: a folder of segments named for what is in it, and the master playlist beside it.

The name of the folder is new whenever its content is, so a playlist that is published last always has all of its
segments, and one that is replaced never has another's.
"""

import hashlib
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from av.error import FFmpegError

from videojob_contract.output_files import folder_beside
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.encode.container import Layout, Pictures, write_container
from videojob_worker.encode.sound import SoundPacketFile
from videojob_worker.outputs.hls.codecs import AAC, video_codec
from videojob_worker.outputs.hls.fragments import Splitter
from videojob_worker.outputs.hls.playlist import PlaylistEntry, Stream, Text, Variant, master_playlist, media_playlist
from videojob_worker.outputs.hls.text import NAME, write_text
from videojob_worker.outputs.media_file import expected
from videojob_worker.outputs.streams import EncodedStreams
from videojob_worker.plan.outputs import PlannedOutput, VideoTrack
from videojob_worker.timeline.times import Timeline
from videojob_worker.verify.hls import verify_hls

_SOUND = "audio"


def write_hls(
    output: PlannedOutput, encoded: EncodedStreams, timeline: Timeline, check_cancelled: Callable[[], None]
) -> tuple[Path, ...]:
    """Write playlists and segments, and check them; return all files but the master playlist.

    Args:
        output: what is made.
        encoded: its streams.
        timeline: the job's.
        check_cancelled: called for each packet; may raise.

    Raises:
        PermanentError: the result is not what was planned.
    """
    sound, subtitles = encoded.sound, encoded.subtitles
    parts = output.path.parent / "parts"
    parts.mkdir(parents=True)
    streams: dict[str, tuple[Splitter, list[PlaylistEntry]]] = {}
    joints: list[frozenset[int]] = []
    for track in output.tracks:
        name = track.name.removeprefix(f"{output.name}.")
        pictures = Pictures(track.settings, encoded.packet_files[track.name])
        joints.append(pictures.joints)
        streams[name] = _write_pictures(parts, name, track, pictures, check_cancelled)
    if sound is not None:
        streams[_SOUND] = _write_sound(parts, sound, _cut_s(output), timeline, check_cancelled)
    text = b""
    if subtitles is not None:
        entries = write_text(parts, subtitles, _cut_s(output), timeline.length_s)
        (parts / f"{NAME}.m3u8").write_text(media_playlist(None, entries))
        text = b"".join((parts / entry.name).read_bytes() for entry in entries)
    digest = hashlib.sha256(b"".join(splitter.digest.digest() for splitter, _ in streams.values()) + text)
    folder = parts.rename(parts.with_name(folder_beside(output.path.name, digest.hexdigest())))
    listed: dict[str, Stream] = {}
    for name, (splitter, entries) in streams.items():
        (folder / f"{name}.m3u8").write_text(media_playlist(splitter.init.name, entries))
        codec = AAC if name == _SOUND else video_codec(splitter.header)
        listed[name] = Stream(f"{folder.name}/{name}.m3u8", codec, entries)
    variants = [
        Variant(listed[track.name.removeprefix(f"{output.name}.")], track.size, track.settings.fps)
        for track in output.tracks
    ]
    track_of_text = Text(f"{folder.name}/{NAME}.m3u8", subtitles.language) if subtitles is not None else None
    output.path.write_text(master_playlist(variants, listed.get(_SOUND), track_of_text))
    planned = {
        variant.stream.uri: expected("mp4", track, keyframes, None, timeline)
        for variant, track, keyframes in zip(variants, output.tracks, joints, strict=True)
    }
    if sound is not None:
        planned[listed[_SOUND].uri] = expected("mp4", None, frozenset(), sound, timeline)
    verify_hls(output.path, planned, track_of_text.uri if track_of_text is not None else None, check_cancelled)
    return tuple(sorted(folder.iterdir()))


def _cut_s(output: PlannedOutput) -> Fraction:
    cut_s = output.tracks[0].settings.cut_s
    if cut_s is None:
        raise AssertionError(f"{output.field}: its segments have no length")
    return cut_s


def _write_pictures(
    folder: Path, name: str, track: VideoTrack, pictures: Pictures, check_cancelled: Callable[[], None]
) -> tuple[Splitter, list[PlaylistEntry]]:
    settings = track.settings
    cut_s = settings.cut_s or Fraction(1)

    def index(start_s: Fraction) -> int:
        return int(round(start_s * settings.fps) / settings.fps // cut_s)

    splitter = Splitter(folder, name, index)
    _write(splitter, pictures, None, check_cancelled)
    return splitter, _entries(splitter, track.rate.frames / settings.fps)


def _write_sound(
    folder: Path, sound: SoundPacketFile, cut_s: Fraction, timeline: Timeline, check_cancelled: Callable[[], None]
) -> tuple[Splitter, list[PlaylistEntry]]:
    splitter = Splitter(folder, _SOUND, lambda start_s: int(start_s // cut_s))
    _write(splitter, None, sound, check_cancelled)
    # In the track's own time, what the encoder puts before the first sample counts.
    lead = -min(sound.pts[0], 0)
    return splitter, _entries(splitter, Fraction(timeline.samples + lead, SAMPLE_RATE))


def _write(
    splitter: Splitter, pictures: Pictures | None, sound: SoundPacketFile | None, check_cancelled: Callable[[], None]
) -> None:
    try:
        write_container(splitter, Layout("mp4", fragmented=True), pictures, sound, check_cancelled=check_cancelled)
    except FFmpegError as error:
        raise splitter.error or error from error
    finally:
        splitter.close()


def _entries(splitter: Splitter, end_s: Fraction) -> list[PlaylistEntry]:
    starts = [*(segment.start_s for segment in splitter.segments), end_s]
    return [
        PlaylistEntry(segment.path.name, after - before, segment.size)
        for segment, (before, after) in zip(splitter.segments, pairwise(starts), strict=True)
    ]
